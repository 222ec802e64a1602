// What staff are asked about records, possible duplicates above all: listed, side by side, decided, undone; and other weights, rehearsed.
import { explainPair } from '../dedup/explain.js'
import { explainReview, RULE_MEANINGS, type ReviewExplanation } from '../dedup/explain-review.js'
import type { PairRule } from '../dedup/compare-events.js'
import type { DedupRules } from '../dedup/dedup-rules.js'
import type { VaccineType } from '../fhir/vaccine-types.js'
import { isOvertaken, type Database, type Stores } from '../storage/database.js'
import type { ReviewKind, ReviewState } from '../storage/review-state.js'
import type {
  ReviewCount,
  ReviewDecision,
  ReviewFilter,
  ReviewLine,
  ReviewPair,
  ReviewSide
} from '../storage/review-store.js'
import { decidePair, undoDecision, type Decided, type DecideRequest, type UndoRequest } from './decide-pair.js'
import type { ReviewDeps } from './regroup-pair.js'
import { ReviewRefused, type ReviewRefusal } from './review-refusal.js'

export interface RefusedReview {
  kind: 'refused'
  why: ReviewRefusal
  message: string
}

export interface ListRequest {
  states?: readonly ReviewState[]
  vaccineType?: VaccineType
  supplier?: string
  recordId?: string
  after?: string
  limit: number
}

/** A case: two records side by side, or one that may be another patient's. Nothing in it names a patient. */
export interface ShownPair {
  pairId: string
  kind: ReviewKind
  state: ReviewState
  openedAt: Date
  patientKey: string
  /** The patient that a refused submission named, null where it named none; and that request. Null in a pair. */
  proposedKey: string | null
  requestId: string | null
  /** Register that holds the other record, which is no record of ours and has no side of its own. */
  source: string | null
  /** As suppliers are told: `rules=…; score=…; date+20; …`, of the weights in force; null where nothing was kept to compare. */
  explanation: string | null
  /** What was asked: by which weights, rule and points. */
  asked: Pick<ReviewPair, 'rule' | 'score' | 'features' | 'rulesVersion'> & { meaning: string | null }
  /** Of the weights in force. */
  fields: ReviewExplanation['fields']
  rules: ReviewExplanation['rules']
  records: Omit<ReviewSide, 'fingerprint'>[]
  /** Oldest first, undone ones too. */
  decisions: ReviewDecision[]
}

export interface DuplicateReviews {
  list(request: ListRequest): Promise<{ counts: ReviewCount[]; pairs: ReviewLine[] }>
  /** Noted in the audit trail: it shows what was given to a patient. Undefined for a pair that is not known. */
  show(pairId: string, actor: string): Promise<ShownPair | undefined>
  decide(request: DecideRequest): Promise<Decided | RefusedReview>
  undo(request: UndoRequest): Promise<Decided | RefusedReview>
}

export interface DuplicateReviewsDeps extends ReviewDeps {
  database: Database
  /** Called after a commit that may have made deliveries. */
  onCommitted: () => void
}

const BUSY = 'records of this patient are being written to all the time; nothing was changed, try again'

/** What a person should look at, unless the list is of one record. */
const WAITING: readonly ReviewState[] = ['open', 'outdated', 'wrong-patient']
const ALL: readonly ReviewState[] = [...WAITING, 'decided', 'merged']

export function createDuplicateReviews(deps: DuplicateReviewsDeps): DuplicateReviews {
  const { database, rules } = deps
  const commit = async (work: (stores: Stores) => Promise<Decided>): Promise<Decided | RefusedReview> => {
    try {
      const done = await database.transaction(work)
      if (done.effect !== null) deps.onCommitted()
      return done
    } catch (error) {
      if (error instanceof ReviewRefused) return { kind: 'refused', why: error.why, message: error.message }
      if (isOvertaken(error)) return { kind: 'refused', why: 'records-busy', message: BUSY }
      throw error
    }
  }
  return {
    async list({ states, limit, after, ...rest }) {
      const filter: ReviewFilter = { ...rest, states: states ?? (rest.recordId === undefined ? WAITING : ALL) }
      const { reviews } = database.stores
      return {
        counts: await reviews.count(filter),
        pairs: await reviews.list(filter, { limit, ...(after === undefined ? {} : { after }) })
      }
    },
    show: (pairId, actor) =>
      database.transaction(async (stores) => {
        const pair = await stores.reviews.findPair(pairId)
        if (pair === undefined) return undefined
        const { patientKey, recordA, recordB } = pair
        const entry = { at: deps.now(), actor, action: 'duplicate.show', patientKey, detail: { pairId } }
        await stores.audit.append(
          deps.auditChainId,
          [recordA, ...(recordB === null ? [] : [recordB])].map((recordId) => ({ ...entry, recordId }))
        )
        return show(pair, stores, rules.dedup)
      }),
    decide: (request) => commit((stores) => decidePair(request, stores, deps)),
    undo: (request) => commit((stores) => undoDecision(request, stores, deps))
  }
}

async function show(pair: ReviewPair, stores: Stores, rules: DedupRules): Promise<ShownPair> {
  const {
    pairId,
    kind,
    state,
    openedAt,
    patientKey,
    proposedKey,
    requestId,
    source,
    elsewhere,
    rule,
    score,
    features,
    rulesVersion
  } = pair
  const sides = await stores.reviews.findSides(pair)
  const [a, b] = [...sides.map(({ fingerprint }) => fingerprint), elsewhere]
  const explained = a && b ? explainReview(a, b, rules) : undefined
  return {
    pairId,
    kind,
    state,
    openedAt,
    patientKey,
    proposedKey,
    requestId,
    source,
    explanation: explained === undefined ? null : explainPair(explained.verdict),
    asked: { rule, score, features, rulesVersion, meaning: meaningOf(rule) },
    fields: explained?.fields ?? [],
    rules: explained?.rules ?? [],
    records: sides.map(({ recordId, version, deleted, supplier, lastUpdated, groupId, role }) => ({
      recordId,
      version,
      deleted,
      supplier,
      lastUpdated,
      groupId,
      role
    })),
    decisions: await stores.reviews.listDecisions(pairId)
  }
}

function meaningOf(rule: string): string | null {
  if (rule === 'identity-change') return 'A submission put the record under another patient, and was refused'
  return isKnownRule(rule) ? RULE_MEANINGS[rule] : null
}

function isKnownRule(rule: string): rule is PairRule {
  return rule in RULE_MEANINGS
}
