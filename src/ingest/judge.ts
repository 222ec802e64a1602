// Everything that can be said of a submission without looking at what is known: steps 3 and 4 of its path. Pure.
import type { Immunization } from 'fhir/r4.js'
import { permits, type Caller, type Permission } from '../fhir/caller.js'
import { isComposed } from '../fhir/composed-tag.js'
import { hashContent, type ContentHashes } from '../fhir/content-hash.js'
import { readImmunizationFacts, type ImmunizationFacts } from '../fhir/immunization.js'
import { refuses, type Issue } from '../fhir/issue.js'
import type { OverrideReason } from '../fhir/override-reasons.js'
import type { ParsedJson } from '../fhir/parse-json.js'
import type { VaccineType } from '../fhir/vaccine-types.js'
import { readElementPaths } from '../programmes/element-paths.js'
import type { CheckVerdict } from '../programmes/explain-check.js'
import type { Judgement as ProgrammeJudgement, ProgrammeRules } from '../programmes/programme-rules.js'
import { readStatements } from '../programmes/record-statements.js'
import type { JudgementContext } from '../programmes/subject.js'
import type { Validator } from '../validation/validator.js'
import { grantOverrides } from './grant-overrides.js'
import { soundPart } from './sound-part.js'
import type { PlainSubmission, Submission } from './submission.js'
import { tolerate } from './tolerate.js'

export interface Judges {
  validator: Validator
  programmes: ProgrammeRules
}

export interface Judged {
  facts: ImmunizationFacts
  vaccineType: VaccineType
  hashes: ContentHashes
  /** What the programme rules said; another set may be in force by now. */
  verdict: ProgrammeVerdict
  /** Warnings and information only. */
  issues: Issue[]
}

/** What a set of programmes said of a record, and can be asked again once the patient's history is known. */
export interface ProgrammeVerdict extends Pick<ProgrammeJudgement, 'programmes' | 'shadow'> {
  judgeAgain(history: NonNullable<JudgementContext['history']>): ProgrammeJudgement
  explain(history: NonNullable<JudgementContext['history']>): CheckVerdict[]
}

/** The files that judged, as `flu-2026-27 1.0.0`. */
export function programmeNames({ programmes }: Pick<ProgrammeVerdict, 'programmes'>): string[] {
  return programmes.map(({ id, version }) => `${id} ${version}`)
}

/** A submission with what the judges said of it; a delete has no judgement, a patch none until it is applied. */
export interface JudgedSubmission<Kind extends Submission = Submission> {
  submission: Kind
  judgement?: Judgement
}
export type JudgedPlain = JudgedSubmission<PlainSubmission>

export type Judgement = { kind: 'sound'; judged: Judged } | { kind: 'refused'; status: number; issues: Issue[] }

/** dom-6 recommends a narrative. No supplier writes one, and a remark on every record would drown the others. */
const NARRATIVE_RULE = 'r4-dom-6'

/** False for a remark of the profiles that the Hub does not make. */
export function isAskedFor({ rule }: Issue): boolean {
  return rule !== NARRATIVE_RULE
}

/** A submission with what the judges say of it; for a tolerant caller, without what was empty. */
export function judgeSubmission<Kind extends Submission>(
  submission: Kind,
  judges: Judges,
  now: Date
): JudgedSubmission<Kind> {
  if (submission.kind === 'delete' || submission.kind === 'patch') return { submission }
  const { caller, payload: sent } = submission
  const { payload, issues } = caller.tolerant === true ? tolerate(sent) : { payload: sent, issues: [] }
  const judgement = judge(payload, caller, PERMISSIONS[submission.kind], judges, now)
  if (payload === sent) return { submission, judgement }
  return { submission: { ...submission, payload }, judgement: withIssues(judgement, issues) }
}

/** Whether a conditional update creates or updates is known only when it is settled: then its permission is looked at. */
const PERMISSIONS = { create: 'C', update: 'U', 'conditional-update': undefined } as const

function withIssues(judgement: Judgement, issues: readonly Issue[]): Judgement {
  if (judgement.kind === 'refused') return { ...judgement, issues: [...judgement.issues, ...issues] }
  return { ...judgement, judged: { ...judgement.judged, issues: [...issues, ...judgement.judged.issues] } }
}

/** Judges what was sent; every fault is answered at once, by every judge that can still read the resource. */
export function judge(
  payload: ParsedJson,
  caller: Caller,
  permission: Permission | undefined,
  judges: Judges,
  now: Date
): Judgement {
  const { issues, read } = findIssues(payload.value, judges, now, caller.overrides)
  if (refuses(issues) || read === undefined) return refuse(issues)
  const { vaccineType } = read.facts
  if (vaccineType === undefined) throw new Error('an unknown set of target diseases passed the programme rules')
  const missing = permission === undefined ? undefined : checkPermission(caller, permission, vaccineType)
  if (missing !== undefined) return { kind: 'refused', status: 403, issues: [missing] }
  return { kind: 'sound', judged: { ...read, vaccineType, hashes: hashContent(payload.value as Immunization), issues } }
}

/**
 * Everything the judges say of any JSON value, whoever sends it, with the override
 * reasons that are `granted`. `read` is what was read of it, undefined when a fault
 * of FHIR makes that unsafe.
 */
export function findIssues(
  value: unknown,
  judges: Judges,
  now: Date,
  granted: ReadonlySet<OverrideReason> = new Set()
): { issues: Issue[]; read?: { facts: ImmunizationFacts; verdict: ProgrammeVerdict } } {
  const wrongType = checkResourceType(value)
  if (wrongType !== undefined) return { issues: [wrongType] }
  const found = judges.validator.validate(value).filter(isAskedFor)
  const sound = soundPart(value as Immunization, found)
  if (sound === undefined) return { issues: found }

  const facts = readImmunizationFacts(sound)
  const statements = readStatements(sound)
  const { overrides, issues: overrideIssues } = grantOverrides(statements, granted)
  const context: JudgementContext = { now, paths: readElementPaths(sound), overrides, flags: statements.flags }
  // The set that judges first judges again: another may come into force in between.
  const { programmes } = judges
  const judgement = sound.occurrenceDateTime === undefined ? NOT_JUDGED : programmes.judge(facts, context)
  const verdict: ProgrammeVerdict = {
    programmes: judgement.programmes,
    shadow: judgement.shadow,
    judgeAgain: (history) => programmes.judge(facts, { ...context, history }),
    explain: (history) =>
      sound.occurrenceDateTime === undefined ? [] : programmes.explain(facts, { ...context, history })
  }
  const identityIssues = checkIdentity(sound).filter((issue) => !isAboutFaulty(issue, found))
  return { issues: [...found, ...identityIssues, ...overrideIssues, ...judgement.issues], read: { facts, verdict } }
}

const NOT_JUDGED: ProgrammeJudgement = { issues: [], programmes: [], shadow: { issues: [], programmes: [] } }

/** The issue that names the grant a caller lacks; undefined when it has it. */
export function checkPermission(caller: Caller, permission: Permission, vaccineType: VaccineType): Issue | undefined {
  if (permits(caller, permission, vaccineType)) return undefined
  return {
    severity: 'error',
    code: 'forbidden',
    layer: 'service',
    rule: 'permission-missing',
    text: `this client has no permission ${vaccineType}.${permission}; ask the operator of the Hub to grant it`
  }
}

function refuse(issues: Issue[]): Judgement {
  const errors = issues.filter((issue) => issue.severity === 'error' || issue.severity === 'fatal')
  const status = errors.some((issue) => issue.layer === 'base' || issue.layer === 'json') ? 400 : 422
  return { kind: 'refused', status, issues }
}

function checkResourceType(value: unknown): Issue | undefined {
  const type = typeof value === 'object' && value !== null && 'resourceType' in value ? value.resourceType : undefined
  if (type === 'Immunization') return undefined
  return {
    severity: 'error',
    code: 'structure',
    layer: 'base',
    rule: 'resource-type',
    text: 'a JSON object with "resourceType": "Immunization" is expected here',
    expression: ['Immunization']
  }
}

// FHIR lets these be absent; the Hub cannot keep a record that it could not find again or place in time.
function checkIdentity(resource: Immunization): Issue[] {
  const issues: Issue[] = []
  const identifiers = resource.identifier ?? []
  if (identifiers.length !== 1)
    issues.push(identityIssue('identifier-one', 'Immunization.identifier', 'exactly one identifier is expected'))
  else {
    if (isBlank(identifiers[0]?.system))
      issues.push(identityIssue('identifier-system', 'Immunization.identifier[0].system', 'system is required'))
    if (isBlank(identifiers[0]?.value))
      issues.push(identityIssue('identifier-value', 'Immunization.identifier[0].value', 'value is required'))
  }
  if (resource.occurrenceDateTime === undefined)
    issues.push(
      identityIssue(
        'occurrence-date-time',
        'Immunization.occurrence',
        'occurrenceDateTime is required; a text is not enough'
      )
    )
  if (isComposed(resource)) issues.push(COMPOSED_VIEW)
  return issues
}

const COMPOSED_VIEW: Issue = {
  severity: 'error',
  code: 'business-rule',
  layer: 'identity',
  rule: 'composed-view',
  text: 'this is a view that the Hub composed, and the record of nobody; send what was seen or done as a record of your own',
  expression: ['Immunization.meta.tag']
}

// What was cut out because of a fault is not missing: the fault itself says enough.
function isAboutFaulty({ expression }: Issue, faults: readonly Issue[]): boolean {
  const element = expression?.[0] ?? ''
  return faults.some(
    (fault) => fault.severity === 'error' && fault.expression?.some((path) => path.startsWith(element)) === true
  )
}

function isBlank(text: string | undefined): boolean {
  return text === undefined || text.trim() === ''
}

function identityIssue(rule: string, expression: string, what: string): Issue {
  return {
    severity: 'error',
    code: 'required',
    layer: 'identity',
    rule,
    text: `${what}: it is how the Hub recognises this vaccination when it is sent again`,
    expression: [expression]
  }
}
