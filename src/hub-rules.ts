// The rules that are neither of a profile nor of a programme, for the page that explains every rule id. A test holds
// this list against what the source emits, both ways.
import type { IssueSeverity } from './fhir/issue.js'

export interface HubRule {
  id: string
  severity: IssueSeverity
  /** What is wrong, and what to do. */
  meaning: string
}

export interface HubRules {
  title: string
  intro: string
  rules: readonly HubRule[]
}

type Row = readonly [id: string, meaning: string, severity?: IssueSeverity]

export const HUB_RULES: readonly HubRules[] = [
  group('JSON', 'The body is read strictly; the text names line and column. Answered 400.', [
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
  group('Identity', 'Which record is this? Answered 422, 409, 412 or 404; remarks go with an accepted record.', [
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
  group('Duplicates', 'Never refuse. The points and the rule that decided stand in `diagnostics`.', [
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
  group('Rehearsals', '`$validate` writes nothing and is answered 200.', [
    ['validate-request', 'The question is not understood (400); the text says what $validate takes.'],
    ['check-passed', 'A programme check that had nothing to remark; told with `verdicts=all` only.', 'information'],
    ['preview-verdict', 'The status that the real thing would be answered now.', 'information'],
    ['preview-narrowed', 'Records this client may not read were not compared.', 'information'],
    ['no-fault', 'Nothing speaks against the resource.', 'information']
  ]),
  group(
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
  group('Terminology server', 'What it says of a code has rules of its own, above.', [
    [
      'terminology-waiting',
      'The codes of the record are yet to be looked up; only `imms explain` says so.',
      'information'
    ]
  ]),
  group('Programmes, beside the checks', 'Raised by the choice of programme files itself.', [
    ['no-programme', 'No programme is in force for these diseases on this day; check both.', 'warning'],
    ['override-not-taken', 'A tag names a reason that is unknown, or that this client may not give.', 'warning']
  ]),
  group('Callers', 'Answered 401 or 403.', [
    ['token-missing', 'There is no bearer token, or more than one.'],
    ['token-refused', 'The token is expired, not for this service, or its signature or key is not accepted.'],
    ['scope-missing', 'The token lacks a scope; ask for it when getting a token.'],
    ['permission-missing', 'The client has no such permission for this vaccine type; ask the operator.']
  ]),
  group('Requests', 'Answered 400, 404, 405, 406, 413, 414 or 415.', [
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
  group('Patches', 'JSON Patch (RFC 6902). Answered 400 or 422; nothing was changed. Operations are counted from 1.', [
    ['patch-malformed', 'The body is no JSON Patch, or an operation of it is none (400).'],
    ['patch-path', 'A path leads nowhere in the record (400); read it and patch that version.'],
    ['patch-size', 'The result would be larger or deeper than any record that is taken (400).'],
    ['patch-test', 'A test fails: the record holds something else (422).'],
    ['patch-protected', 'A path writes resourceType, id, versionId or lastUpdated, which are the server’s (422).']
  ]),
  group('Keys of writes', 'Idempotency-Key, or an X-Request-ID that is a UUID; kept for 24 hours.', [
    ['idempotency-key', 'The key is empty, longer than 255 characters, or not printable ASCII (400).'],
    ['idempotency-mismatch', 'The key was used for another request (422); every request takes a key of its own.'],
    ['idempotency-in-flight', 'A request with this key is being processed (409); send it again after `Retry-After`.']
  ]),
  group('Bundles', 'Of the whole Bundle (400, 413), or of one entry; `expression` names its place.', [
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
  group('Searches', 'Answered 400; remarks stand in an entry of mode `outcome`.', [
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
  group('Operations', 'Answers of `/ops`: 400, 404, 409, 412 or 503.', [
    ['ops-query', 'A query parameter is wrong; the text names it.'],
    ['ops-path', 'The id in the path is none.'],
    ['ops-body', 'The body is missing or does not fit; the text names the place.'],
    ['ops-not-found', 'What is named is not known here.'],
    ['programmes-not-loaded', 'The programme files could not be loaded; the set before them stays in force.'],
    ['programme-file', 'The programme file has a fault; the text names line and place.'],
    ['ops-unknown-destination', 'There is no such destination.'],
    ['ops-unknown-replay', 'There is no such replay.'],
    ['ops-not-planned', 'The replay was started or cancelled before.'],
    ['ops-count-differs', 'The count that was typed is not the number of deliveries; plan again.'],
    ['ops-another-runs', 'Another replay to this destination has not ended; wait for it or cancel it.'],
    ['ops-unknown-delivery', 'There is no such delivery to that destination.'],
    ['ops-not-delivered', 'Only what was delivered can be sent once more as it was.'],
    ['ops-stale-version', 'A later version was sent, or is on its way; send the current one, or allow a stale one.'],
    ['ops-plan-expired', 'A plan is good for 15 minutes; plan again.'],
    ['ops-destination-closed', 'The destination takes nothing now; mend that first, or start with queue only.'],
    ['ops-approval-needed', 'A second person must approve the replay before it starts.'],
    ['ops-approval-needless', 'The replay needs no approval; start it.'],
    ['ops-same-person', 'Who planned a replay cannot approve it.'],
    ['ops-rate-too-high', 'The destination takes less than was asked for.'],
    ['ops-rate-unknown', 'The destination has no rate to take a share of; say how many a second.'],
    ['ops-not-running', 'Only a replay that runs can be paused.'],
    ['ops-not-paused', 'Only a replay that is paused can be resumed.'],
    ['ops-replay-ended', 'The replay has ended.'],
    ['ops-reason-needed', 'A replay that has started is cancelled with a reason (400).'],
    ['ops-not-held', 'The delivery is not held.'],
    ['ops-door-open', 'Nothing holds the destination back, so there is nothing to probe.'],
    ['ops-destination-resting', 'The destination asked for a rest, which a probe keeps; wait for its end.'],
    ['ops-probe-under-way', 'A probe of the destination is being sent; look at the status.'],
    ['ops-nothing-waits', 'No delivery that could be sent waits for the destination.'],
    ['ops-limits-above-file', 'Limits are set below those of the destinations file only; change the file.'],
    ['ops-merge-into-itself', 'A number cannot be merged into itself.'],
    ['ops-already-merged', 'The number is merged into another one; undo that first.'],
    ['ops-merge-in-a-circle', 'The successor is merged into the number itself; undo that first.'],
    ['ops-merge-count-differs', 'Another number of records changes patients than was confirmed; plan again.'],
    ['ops-unknown-merge', 'There is no such merge.'],
    ['ops-merge-undone', 'The merge was undone before.'],
    ['ops-patients-busy', 'The records of these patients are being written to all the time (503); try again.'],
    ['ops-unknown-pair', 'There is no such pair of records; the list shows those there are.'],
    ['ops-unknown-decision', 'There is no such decision; the pair shows those there are.'],
    ['ops-pair-decided', 'The pair is decided already; undo that decision first.'],
    ['ops-pair-separated', 'The two cannot be joined: another decision, or the records, keep them apart.'],
    [
      'ops-patients-differ',
      'The two are kept under two patients: correct the NHS number of one, or merge the numbers; then they are compared anew.'
    ],
    ['ops-decision-undone', 'The decision was undone before.'],
    ['ops-records-busy', 'The records of the patient are being written to all the time (503); try again.'],
    ['dedup-file', 'The file of weights has a fault (422); the text names the place.']
  ]),
  group('The service itself', 'Answered 503 or 500; nothing was stored. Send again, after `Retry-After`.', [
    ['too-busy', 'More is being sent than can be stored.'],
    ['audit-unavailable', 'Who reads what cannot be written down, so nothing is read.'],
    ['database-unavailable', 'The database does not answer.'],
    ['issuer-unavailable', 'The keys that tokens are checked with cannot be had.'],
    ['internal-fault', 'A fault of the Hub in this record; quote the request id to its operator.'],
    ['internal-error', 'A fault of the Hub; quote the error id to its operator.'],
    ['issues-cut', 'More was found than one answer holds; mend these and send again.', 'information']
  ])
]

function group(title: string, intro: string, rows: readonly Row[]): HubRules {
  return { title, intro, rules: rows.map(([id, meaning, severity = 'error']) => ({ id, severity, meaning })) }
}
