// Proof that nothing was lost: what must always be true of deliveries, and what receivers hold beside what they should.
// Writes nothing, and asks a receiver no faster than deliveries may be sent to it.
import { setTimeout as delay } from 'node:timers/promises'
import type { Queues } from '../queue/queues.js'
import type { Database } from '../storage/database.js'
import { INVARIANTS, type Invariant } from '../storage/invariants.js'
import { FINDINGS_LIMIT } from '../storage/ops-invariant-queries.js'
import type { Delivery, Destination, ReadBack } from './destination.js'
import { PAID_BY } from './transport/http-destination.js'

export interface VerifyRequest {
  since: Date
  /** Only receivers of this one are asked. */
  destination?: string
  /** Only about this record. */
  recordId?: string
  /** Records to ask each receiver about, chosen by chance; 0 asks none. */
  sample: number
}

export interface CheckedRule extends Omit<Invariant, 'of'> {
  of: Invariant['of'] | 'queue'
  /** What breaks it, at most 100. */
  ids: string[]
  /** There may be more. */
  atLeast: boolean
  /** Why it could not be looked at; null when it was. */
  unknown: string | null
}

export interface ComparedReceiver {
  destination: string
  asked: number
  same: number
  /** What the receiver does not hold as it was delivered. */
  differences: { recordId: string; deliveryId: string; kind: 'missing' | 'differs'; message: string }[]
  /** Records it said nothing about, and why not. */
  unknown: number
  note: string | null
}

export interface Verification {
  verdict: 'ok' | 'trouble'
  sentence: string
  since: Date
  invariants: CheckedRule[]
  receivers: ComparedReceiver[]
  next: string[]
}

export interface Verifier {
  /** Undefined for a destination that is not configured. */
  verify(request: VerifyRequest): Promise<Verification | undefined>
  /** The invariants alone. */
  checkInvariants(since: Date): Promise<CheckedRule[]>
}

export interface VerifierDeps {
  database: Database
  queues: Pick<Queues, 'findNhsNumbers'>
  destinations: readonly Destination[]
}

/** All receivers together: an answer comes before whoever asked gives up. */
const COMPARE_WITHIN_MS = 45_000

export function createVerifier(deps: VerifierDeps): Verifier {
  const checkInvariants = async (since: Date): Promise<CheckedRule[]> => {
    const names = deps.destinations.map(({ name }) => name)
    const found = await deps.database.stores.ops.findViolations(since, names)
    const rules = INVARIANTS.map((rule): CheckedRule => {
      const ids = found.find(({ id }) => id === rule.id)?.ids ?? []
      return { ...rule, ids, atLeast: ids.length >= FINDINGS_LIMIT, unknown: null }
    })
    return [...rules, await checkQueue(deps.queues)]
  }
  return {
    checkInvariants,
    async verify({ since, destination, recordId, sample }) {
      const asked = deps.destinations.filter(({ name }) => destination === undefined || destination === name)
      if (destination !== undefined && asked.length === 0) return undefined
      const invariants = await checkInvariants(since)
      const until = performance.now() + COMPARE_WITHIN_MS
      const receivers: ComparedReceiver[] = []
      for (const receiver of sample === 0 ? [] : asked) {
        const filter = { since, limit: sample, ...(recordId === undefined ? {} : { recordId }) }
        receivers.push(await compare(deps.database, receiver, filter, until))
      }
      return judge(since, invariants, receivers)
    }
  }
}

async function checkQueue(queues: VerifierDeps['queues']): Promise<CheckedRule> {
  const rule = { id: 'I10', title: 'the queue holds nothing of a patient', of: 'queue' } as const
  try {
    const ids = await queues.findNhsNumbers(FINDINGS_LIMIT)
    return { ...rule, ids, atLeast: ids.length >= FINDINGS_LIMIT, unknown: null }
  } catch {
    return { ...rule, ids: [], atLeast: false, unknown: 'the queue does not answer' }
  }
}

async function compare(
  database: Database,
  receiver: Destination,
  filter: { since: Date; recordId?: string; limit: number },
  until: number
): Promise<ComparedReceiver> {
  const compared: ComparedReceiver = {
    destination: receiver.name,
    asked: 0,
    same: 0,
    differences: [],
    unknown: 0,
    note: null
  }
  if (receiver.readBack === undefined) return { ...compared, note: 'this kind of receiver cannot be asked' }
  const door = await database.stores.destinations.readDoor(receiver.name)
  if (door.paused) return { ...compared, note: 'paused: it is not asked' }
  if (door.breakerOpen || door.closedForMs > 0) return { ...compared, note: 'its breaker is open, or it wants a rest' }
  for (const delivery of await database.stores.deliveredLanes.sampleDelivered({
    ...filter,
    destination: receiver.name
  })) {
    if (performance.now() > until) return { ...compared, note: 'the time was over: ask for fewer, or one destination' }
    await waitForTurn(database, receiver)
    count(compared, delivery, await readBack(receiver, delivery))
  }
  return compared
}

/** Takes its moments from the same rate as deliveries do. */
async function waitForTurn(database: Database, { name, ratePerSecond }: Destination): Promise<void> {
  if (ratePerSecond === undefined) return
  const aheadMs = await database.transaction(async ({ destinations }) => {
    const { rateAheadMs } = await destinations.lockDoor(name)
    await destinations.reserveRate(name, PAID_BY.readBack, ratePerSecond)
    return rateAheadMs
  })
  if (aheadMs > 0) await delay(aheadMs)
}

async function readBack(receiver: Destination, delivery: Delivery): Promise<ReadBack> {
  const unknown: ReadBack = { kind: 'unknown', message: 'it could not be asked' }
  try {
    return (await receiver.readBack?.(delivery, AbortSignal.timeout(receiver.timeoutMs))) ?? unknown
  } catch {
    // What the error says may name a patient.
    return unknown
  }
}

function count(compared: ComparedReceiver, delivery: Delivery, answer: ReadBack): void {
  compared.asked += 1
  const { recordId, deliveryId } = delivery
  if (answer.kind === 'same') compared.same += 1
  else if (answer.kind === 'unknown') {
    compared.unknown += 1
    compared.note = answer.message
  } else compared.differences.push({ recordId, deliveryId, kind: answer.kind, message: answer.message })
}

function judge(since: Date, invariants: CheckedRule[], receivers: ComparedReceiver[]): Verification {
  const broken = invariants.filter(({ ids }) => ids.length > 0)
  const differing = receivers.filter(({ differences }) => differences.length > 0)
  const unseen = invariants.filter(({ unknown }) => unknown !== null)
  const isWell = broken.length === 0 && differing.length === 0 && unseen.length === 0
  const words = [
    ...broken.map(({ id, title, ids }) => `${id} (${title}) is broken ${ids.length} times`),
    ...unseen.map(({ id, unknown }) => `${id} could not be looked at: ${unknown ?? ''}`),
    ...differing.map(({ destination, differences }) => `${destination} differs in ${differences.length} records`)
  ]
  return {
    verdict: isWell ? 'ok' : 'trouble',
    sentence: isWell ? 'Nothing is lost, out of order or told twice.' : `${words.join('; ')}.`,
    since,
    invariants,
    receivers,
    next: [...broken.flatMap(nextOfRule), ...differing.flatMap(nextOfReceiver)]
  }
}

function nextOfRule({ of, ids: [id] }: CheckedRule): string[] {
  if (id === undefined) return []
  if (of === 'delivery') return [`imms deliveries show ${id}`]
  if (of === 'record') return [`imms explain ${id}`]
  return of === 'replay' ? [`imms replay show ${id}`] : ['imms doctor']
}

function nextOfReceiver({ differences: [first] }: ComparedReceiver): string[] {
  return first === undefined ? [] : [`imms explain ${first.recordId}`, `imms deliveries show ${first.deliveryId}`]
}
