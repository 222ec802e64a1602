// Conditions and patches, inside the transaction: which record they meet, and which plain submission that makes of them.
import { FhirError } from '../fhir/operation-outcome.js'
import type { Issue } from '../fhir/issue.js'
import { applyJsonPatch } from '../fhir/json-patch.js'
import type { RecordHead } from '../storage/record-head.js'
import {
  doubtOf,
  IDENTIFIER_OF_ANOTHER,
  isStale,
  refuse,
  refuseStale,
  refuseUnknown,
  type Refused
} from './classify-incoming.js'
import {
  checkPermission,
  judgeSubmission,
  type JudgedSubmission,
  type JudgedPlain,
  type Judges,
  type ProgrammeVerdict
} from './judge.js'
import type { ConditionalUpdate, IdentifierCriterion, PatchSubmission, Submission } from './submission.js'
import type { WorkingSet } from './working-set.js'

export type Resolved =
  | { kind: 'plain'; item: JudgedPlain }
  /** What the condition asks for is there already: it is answered, nothing is written. */
  | { kind: 'matched'; head: RecordHead; issues: Issue[] }
  | Refused

export interface ResolveDeps {
  judges: Judges
  now: () => Date
  onJudged?: (verdict: ProgrammeVerdict) => void
}

export async function resolveSubmission(item: JudgedSubmission, set: WorkingSet, deps: ResolveDeps): Promise<Resolved> {
  const { submission, judgement } = item
  switch (submission.kind) {
    case 'create':
      return resolveCreate({ submission, ...(judgement === undefined ? {} : { judgement }) }, set)
    case 'conditional-update':
      return resolveUpdate(submission, item, set)
    case 'patch':
      return resolvePatch(submission, set, deps)
    case 'update':
    case 'delete':
      return { kind: 'plain', item: { submission, ...(judgement === undefined ? {} : { judgement }) } }
  }
}

// Source: http://hl7.org/fhir/R4/http.html#ccreate. The payload is not looked at where a record matches.
function resolveCreate(item: JudgedPlain, set: WorkingSet): Resolved {
  const { submission } = item
  if (submission.kind !== 'create' || submission.ifNoneExist === undefined) return { kind: 'plain', item }
  const matched = match(submission.ifNoneExist, submission, set)
  switch (matched.kind) {
    case 'none':
      return { kind: 'plain', item }
    case 'one':
      return { kind: 'matched', head: matched.head, issues: [CONDITION_MATCHED] }
    case 'many':
      return several()
    case 'of-another':
      return refuse(409, 'conflict', 'identifier-of-another', IDENTIFIER_OF_ANOTHER)
  }
}

// Source: http://hl7.org/fhir/R4/http.html#cond-update. Ids are given by the Hub, so an id that meets nothing is unknown.
function resolveUpdate(submission: ConditionalUpdate, { judgement }: JudgedSubmission, set: WorkingSet): Resolved {
  const { criterion, ifMatch, bodyId, payload, kind: _kind, ...sender } = submission
  const matched = match(criterion, submission, set)
  const judged = judgement?.kind === 'sound' ? judgement.judged : undefined
  const missing = (permission: 'C' | 'U'): Issue | undefined =>
    judged === undefined ? undefined : checkPermission(submission.caller, permission, judged.vaccineType)
  const plain = (made: JudgedPlain['submission'], permission: 'C' | 'U'): Resolved => {
    const issue = missing(permission)
    if (issue !== undefined) return { kind: 'refused', status: 403, issues: [issue] }
    return { kind: 'plain', item: { submission: made, ...(judgement === undefined ? {} : { judgement }) } }
  }
  switch (matched.kind) {
    case 'none': {
      if (bodyId !== undefined) return refuse(404, 'not-found', 'unknown-record', NO_MATCH_FOR_ID)
      if (ifMatch !== undefined) return refuse(412, 'conflict', 'version-stale', NO_MATCH_FOR_VERSION)
      if (judged !== undefined && !isMeant(criterion, judged.facts.identifier))
        return refuse(422, 'business-rule', 'condition-mismatch', MISMATCH, 'Immunization.identifier[0]')
      return plain({ ...sender, kind: 'create', payload }, 'C')
    }
    case 'one': {
      const { recordId } = matched.head
      if (bodyId !== undefined && bodyId !== recordId)
        return refuse(400, 'value', 'update-id', OTHER_ID, 'Immunization.id')
      return plain({ ...sender, kind: 'update', recordId, ifMatch: ifMatch ?? '*', payload }, 'U')
    }
    case 'many':
      return several()
    case 'of-another':
      return refuse(409, 'conflict', 'identifier-of-another', IDENTIFIER_OF_ANOTHER)
  }
}

// Who may not change the record learns nothing of it, not even through a test; what comes out is judged like a PUT.
async function resolvePatch(submission: PatchSubmission, set: WorkingSet, deps: ResolveDeps): Promise<Resolved> {
  const { target, ifMatch = '*', patch, kind: _kind, ...sender } = submission
  const { caller } = submission
  let head: RecordHead | undefined
  if ('recordId' in target) head = set.findRecord(target.recordId)
  else {
    const matched = match(target.criterion, submission, set)
    if (matched.kind === 'many') return several()
    head = matched.kind === 'one' ? matched.head : matched.kind === 'none' ? matched.deleted : undefined
  }
  if (head?.owner !== caller.client) return refuseUnknown()
  const missing = checkPermission(caller, 'U', head.vaccineType)
  if (missing !== undefined) return { kind: 'refused', status: 403, issues: [missing] }
  if (head.deleted) return refuse(410, 'deleted', 'deleted-record', PATCH_OF_DELETED)
  if (isStale(ifMatch, head)) return refuseStale(head)
  const stored = await set.currentBody(head.recordId)
  if (stored === undefined) throw new Error('a live record without a body')
  const { recordId } = head
  try {
    const payload = { ...applyJsonPatch(stored, patch), sentText: patch.text }
    const made = { ...sender, kind: 'update', recordId, ifMatch, payload } as const
    const item = judgeSubmission(made, deps.judges, deps.now())
    if (item.judgement?.kind === 'sound') {
      const { judged } = item.judgement
      // Only the patients of what was sent are locked, and a patch does not tell whose record it makes.
      if ((judged.facts.nhsNumber ?? null) !== head.nhsNumber)
        return {
          ...refuse(409, 'conflict', 'identity-change', PATCH_OF_PATIENT, 'Immunization.patient'),
          ...(head.nhsNumber === null ? {} : { doubt: doubtOf(judged, head) })
        }
      deps.onJudged?.(judged.verdict)
    }
    return { kind: 'plain', item }
  } catch (error) {
    if (!(error instanceof FhirError)) throw error
    return { kind: 'refused', status: error.status, issues: [...error.issues] }
  }
}

type Matched =
  { kind: 'none'; deleted?: RecordHead } | { kind: 'one'; head: RecordHead } | { kind: 'many' } | { kind: 'of-another' }

/** Deleted records match nothing, as in a search. */
function match(criterion: IdentifierCriterion, { caller }: Submission, set: WorkingSet): Matched {
  const found = set.findMatches(criterion, caller.client)
  if (found.some(({ owner }) => owner !== caller.client)) return { kind: 'of-another' }
  const [head, another] = found.filter(({ deleted }) => !deleted)
  if (another !== undefined) return { kind: 'many' }
  if (head !== undefined) return { kind: 'one', head }
  const [deleted] = found
  return { kind: 'none', ...(deleted === undefined ? {} : { deleted }) }
}

function isMeant({ system, value }: IdentifierCriterion, sent: { system: string; value: string }): boolean {
  return value === sent.value && (system === undefined || system === sent.system)
}

function several(): Refused {
  return refuse(412, 'conflict', 'condition-many', SEVERAL)
}

const CONDITION_MATCHED: Issue = {
  severity: 'information',
  code: 'duplicate',
  layer: 'identity',
  rule: 'condition-matched',
  text: 'a record of this client matches If-None-Exist; it is answered, what was sent was not looked at, nothing was written'
}
const SEVERAL = 'several records of this client have this identifier value, in different systems; name the system too'
const NO_MATCH_FOR_ID =
  'no record matches, and ids are given by the Hub; leave id out to create the record, or check the identifier'
const NO_MATCH_FOR_VERSION = 'no record matches, so it has no version either; leave If-Match out to create the record'
const MISMATCH =
  'no record matches, and the identifier of what was sent is not the one in the URL; a second time it would not match either: send the same identifier in both'
const OTHER_ID = 'the record that matches has another id than the one that was sent; leave id out or send its own'
const PATCH_OF_PATIENT =
  'a patch cannot move a record to another patient; PUT the whole record, with the header X-Patient-Correction'
const PATCH_OF_DELETED = 'this Immunization was deleted; PUT or POST it whole to reinstate it'
