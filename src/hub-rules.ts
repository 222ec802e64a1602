// The rules that are neither of a profile nor of a programme, for the page that explains every rule id. A test holds
// this list against what the source emits, both ways.
import { OPS_RULES } from './ops-rules.js'
import { ruleGroup, type HubRules } from './rule-group.js'

export const HUB_RULES: readonly HubRules[] = [
  ruleGroup('JSON', 'The body is read strictly; the text names line and column. Answered 400.', [
    ['json-empty', 'There is no body; send an Immunization as JSON.'],
    ['json-encoding', 'The bytes are not UTF-8.'],
    ['json-syntax', 'This is not JSON; look for a missing quote, comma or bracket.'],
    ['json-duplicate-key', 'A key stands twice in one object; readers disagree on which counts, so send it once.'],
    ['json-forbidden-key', 'A key has a name that programs trip over (`__proto__`); leave it out.'],
    ['json-depth', 'Values are nested too deeply.'],
    ['json-nul', 'A string holds the character NUL; remove it.'],
    ['json-surrogate', 'A string holds half of a character; send the whole one.'],
    ['json-number-range', 'A number is too large to be read.']
  ]),
  ruleGroup('Identity', 'Which record is this? Answered 422, 409, 412 or 404; remarks go with an accepted record.', [
    ['resource-type', 'The body is not an Immunization.'],
    ['update-id', 'The id in the body of an update is missing, or is not the one in the URL.'],
    ['identifier-one', 'An Immunization has exactly one identifier here: it names the vaccination.'],
    ['identifier-system', 'The identifier has no system.'],
    ['identifier-value', 'The identifier has no value.'],
    ['occurrence-date-time', 'occurrenceDateTime is missing; a text cannot be placed in time.'],
    ['composed-view', 'A view that the Hub composed of several records is no record; send one of your own.'],
    ['identifier-of-another', 'Another client has sent this identifier; use a system of your own.'],
    ['identifier-changed', 'An identifier never changes; delete the record and create another.'],
    [
      'identity-change',
      'The identifier is known for another patient, disease or date; delete that record, then create.'
    ],
    ['patient-correction-not-permitted', 'The client may not move records to another patient (403); ask the operator.'],
    ['patient-corrected', 'The record was moved from a wrong patient to this one, as was asked for.', 'warning'],
    ['patient-identified', 'The patient had no NHS number and has one now.', 'information'],
    ['same-identifier-changed-content', 'Sent before with other content; correct it by PUT with If-Match.'],
    ['changed-element', 'Goes with the rule above: one for each element that differs.'],
    ['version-stale', 'The record has a newer version; read it and apply the change to that.'],
    ['unknown-record', 'There is no such record for this client; check the id.'],
    ['unknown-version', 'The record has no such version.'],
    ['deleted-record', 'The record was deleted (410); its `_history` has the versions before.'],
    ['condition-matched', 'A record matches If-None-Exist; nothing was written.', 'information'],
    ['condition-many', 'The condition names no system, and several of your records match; name the system.'],
    ['condition-mismatch', 'Nothing matches, and the identifier sent is not the one in the URL; send the same.'],
    ['deleted-because', 'The reason that was given for a delete.', 'information'],
    ['exact-resend', 'Received before; nothing was written, nothing needs to be done.', 'information'],
    ['equivalent-resend', 'Received before but for `recorded` or display texts; nothing was written.', 'information'],
    ['unchanged', 'The update is what is stored already; no new version was made.', 'information'],
    ['reinstated', 'The identifier was deleted; the record lives again as its next version.', 'warning'],
    ['accepted', 'Accepted without remarks.', 'information']
  ]),
  ruleGroup('Duplicates', 'Never refuse. The points and the rule that decided stand in `diagnostics`.', [
    ['same-event-linked', 'Another report of a vaccination already held; both are kept, one counts.', 'information'],
    ['possible-duplicate', 'Looks like a vaccination already held; correct what differs, if it is one.', 'warning'],
    ['held-elsewhere', 'A register (the NHS API) holds this vaccination from another system as well.', 'information'],
    [
      'possible-duplicate-elsewhere',
      'Looks like a vaccination that a register holds from another system; correct what is wrong, if it is one.',
      'warning'
    ],
    ['too-many-similar-records', 'Too many records are close to this one to compare; a person looks.', 'warning']
  ]),
  ruleGroup('Rehearsals', '`$validate` writes nothing and is answered 200.', [
    ['validate-request', 'The question is not understood (400); the text says what $validate takes.'],
    ['check-passed', 'A programme check that had nothing to remark; told with `verdicts=all` only.', 'information'],
    ['preview-verdict', 'The status that the real thing would be answered now.', 'information'],
    ['preview-narrowed', 'Records this client may not read were not compared.', 'information'],
    ['no-fault', 'Nothing speaks against the resource.', 'information']
  ]),
  ruleGroup(
    'Immunisation status',
    '`$immunization-status` and `$immds-forecast`: remarks in `outcome`; a fault is 400 or 422.',
    [
      ['status-request', 'The question is not understood; the text says what is served.'],
      ['status-informs-only', 'In every answer: computed, no decision. `diagnostics` has the version.', 'information'],
      ['status-no-records', 'No record of the patient may be read by this client.', 'information'],
      ['status-no-birth-date', 'No date of birth is known, so ages cannot be told.', 'information'],
      ['status-birth-dates-disagree', 'Records name several dates of birth; have them corrected.', 'warning'],
      ['status-event-undated', 'A vaccination without a date was left out.', 'warning'],
      ['status-no-programme', 'No programme that the client may read is in force on that day.', 'warning'],
      ['status-too-many-events', 'More vaccinations are kept than one person can have had; an operator looks.']
    ]
  ),
  ruleGroup('Terminology server', 'What it says of a code has rules of its own, above.', [
    [
      'terminology-waiting',
      'The codes of the record are yet to be looked up; only `imms explain` says so.',
      'information'
    ]
  ]),
  ruleGroup('Programmes, beside the checks', 'Raised by the choice of programme files itself.', [
    ['no-programme', 'No programme is in force for these diseases on this day; check both.', 'warning'],
    ['override-not-taken', 'A tag names a reason that is unknown, or that this client may not give.', 'warning']
  ]),
  ruleGroup('Callers', 'Answered 401 or 403.', [
    ['token-missing', 'There is no bearer token, or more than one.'],
    ['token-refused', 'The token is expired, not for this service, or its signature or key is not accepted.'],
    ['scope-missing', 'The token lacks a scope; ask for it when getting a token.'],
    ['permission-missing', 'The client has no such permission for this vaccine type; ask the operator.']
  ]),
  ruleGroup('Requests', 'Answered 400, 404, 405, 406, 413, 414 or 415.', [
    ['request-malformed', 'The request line or a header cannot be read.'],
    ['unknown-url', 'There is nothing at this URL.'],
    ['unknown-operation', 'There is no such operation; the CapabilityStatement lists those that there are.'],
    ['method-not-allowed', 'The URL has no such method; `Allow` lists those it has.'],
    ['url-too-long', 'A part of the URL is longer than any id.'],
    ['body-too-large', 'The body is larger than the service takes.'],
    ['body-cut-off', 'The connection ended before the whole body had come; send it again.'],
    ['body-encoding', 'The body is not in the coding that Content-Encoding names.'],
    ['media-type', 'The body has a Content-Type, charset or encoding that is not taken.'],
    ['not-acceptable', 'Accept or `_format` asks for a form that is not served.'],
    ['pretty-value', '`_pretty` is neither true nor false.'],
    ['metadata-mode', '`mode` is none of full, normative and terminology.'],
    ['parameter-encoding', 'A parameter is not percent-encoded UTF-8.'],
    ['parameter-unknown', 'There are no parameters here but `_format` and `_pretty`.'],
    ['condition-parameters', 'A condition is `identifier=system|value`, once, without modifier or alternatives.'],
    ['delete-reason', 'X-Delete-Reason is empty, longer than 200 characters, or has line breaks.'],
    ['patient-correction-reason', 'X-Patient-Correction does not say why, or holds an NHS number.'],
    ['version-missing', 'An update names the version it changes: send If-Match.'],
    ['version-header', 'If-Match or E-Tag is malformed, or names what is no version.'],
    ['version-headers-disagree', 'If-Match and E-Tag name two versions; send If-Match only.']
  ]),
  ruleGroup(
    'Patches',
    'JSON Patch (RFC 6902). Answered 400 or 422; nothing was changed. Operations are counted from 1.',
    [
      ['patch-malformed', 'The body is no JSON Patch, or an operation of it is none (400).'],
      ['patch-path', 'A path leads nowhere in the record (400); read it and patch that version.'],
      ['patch-size', 'The result would be larger or deeper than any record that is taken (400).'],
      ['patch-test', 'A test fails: the record holds something else (422).'],
      ['patch-protected', 'A path writes resourceType, id, versionId or lastUpdated, which are the server’s (422).']
    ]
  ),
  ruleGroup('Keys of writes', 'Idempotency-Key, or an X-Request-ID that is a UUID; kept for 24 hours.', [
    ['idempotency-key', 'The key is empty, longer than 255 characters, or not printable ASCII (400).'],
    ['idempotency-mismatch', 'The key was used for another request (422); every request takes a key of its own.'],
    ['idempotency-in-flight', 'A request with this key is being processed (409); send it again after `Retry-After`.']
  ]),
  ruleGroup('Bundles', 'Of the whole Bundle (400, 413), or of one entry; `expression` names its place.', [
    ['bundle-type', 'The base URL takes a Bundle of type batch or transaction.'],
    ['bundle-too-many-entries', 'The Bundle has more entries than are taken at once; send it in parts.'],
    ['bundle-too-large-folded', 'What the records share makes too much when each holds it; send fewer at once.'],
    ['bundle-entry-request', 'The entry does not say what to do with it; add request.'],
    ['bundle-entry-method', 'The method is not served within a Bundle.'],
    ['bundle-entry-url', 'request.url names another place, an operation, or another type of resource.'],
    ['bundle-entry-resource', 'The entry writes something and has no resource.'],
    ['bundle-entry-type', 'The resource is not of the type in request.url.'],
    ['bundle-entry-supporting', 'Such a resource is taken in a transaction only, by POST.'],
    ['bundle-entry-folded', 'The entry was kept as a part of the records that refer to it.', 'information'],
    ['bundle-entry-unused', 'No record refers to the entry, so it was not kept; check fullUrl.', 'warning'],
    ['bundle-reference-unresolved', 'A urn: reference is the fullUrl of no entry that may be referred to.'],
    ['bundle-provenance', 'The Provenance lacks what the Hub relies on: target, recorded, agent.'],
    ['transaction-record-twice', 'Two entries of the transaction write one record; send one of them.'],
    ['transaction-outrun', 'Others wrote the same records at the same moment (409); send it again.'],
    ['unknown-job', 'There is no such Bundle of this client, or its answer has expired (404).'],
    ['too-many-jobs', 'Too many Bundles of this client are not done yet (429); wait for one.']
  ]),
  ruleGroup('Searches', 'Answered 400; remarks stand in an entry of mode `outcome`.', [
    ['search-too-wide', 'A search names what it is about; the text says by which parameters.'],
    ['unknown-resource', 'There is no such resource for this client (404); check the id.'],
    ['search-parameter-unknown', 'There is no such search parameter; Prefer: handling=lenient ignores it.'],
    ['search-parameter-repeated', 'The parameter may be given once.'],
    ['search-modifier-unknown', 'The parameter has no such modifier here; those it has are named.'],
    ['include-unknown', 'Only `_include=Immunization:patient` and `_revinclude=Provenance:target` are served.'],
    ['summary-with-elements', '`_summary` and `_elements` exclude each other; send one of them.'],
    ['since-with-at', '`_since` and `_at` exclude each other; send one of them.'],
    ['search-value', 'The value does not have the form of its parameter.'],
    ['search-value-empty', 'The parameter has no value.'],
    ['search-value-long', 'The value is too long.'],
    ['search-too-many-values', 'The parameter has too many values.'],
    ['search-too-many-parameters', 'The search has too many parameters.'],
    ['cursor-unknown', 'The page link is not one the Hub made for this search; start again.'],
    ['cursor-of-another', 'The page link belongs to another client (404).'],
    ['cursor-with-others', 'A page link is followed as it is.'],
    ['narrowed-to-permitted-types', 'Only vaccine types that the client may search are answered.', 'warning'],
    ['parameters-ignored', 'Unknown parameters were ignored, as was asked for.', 'warning'],
    ['composed-difference', 'Of a composed view: the records do not say the same of this element.', 'information']
  ]),
  OPS_RULES,
  ruleGroup('The service itself', 'Answered 503 or 500; nothing was stored. Send again, after `Retry-After`.', [
    ['too-busy', 'More is being sent than can be stored.'],
    ['audit-unavailable', 'Who reads what cannot be written down, so nothing is read.'],
    ['database-unavailable', 'The database does not answer.'],
    ['issuer-unavailable', 'The keys that tokens are checked with cannot be had.'],
    ['internal-fault', 'A fault of the Hub in this record; quote the request id to its operator.'],
    ['internal-error', 'A fault of the Hub; quote the error id to its operator.'],
    ['issues-cut', 'More was found than one answer holds; mend these and send again.', 'information']
  ])
]
