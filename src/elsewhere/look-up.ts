// One look: look-ups that are due, what the register says of each, and what becomes of it.
import { setTimeout as delay } from 'node:timers/promises'
import type { Destination, RecordSearch } from '../delivery/destination.js'
import { planTurn } from '../delivery/rate.js'
import type { Log } from '../queue/log.js'
import type { Database } from '../storage/database.js'
import type { ClaimedLookUp } from '../storage/elsewhere-store.js'
import type { Outage } from '../terminology/outage.js'
import { waitAfter } from '../terminology/policy.js'
import { foldIn, type FoldDeps, type Found } from './fold-in.js'
import type { ElsewherePolicy } from './policy.js'

export type Register = Pick<Destination, 'name' | 'ratePerSecond'> & Required<Pick<Destination, 'findRecords'>>

export interface LookUpDeps extends Omit<FoldDeps, 'source'> {
  database: Pick<Database, 'transaction' | 'stores'>
  register: Register
  outage: Outage
  policy: ElsewherePolicy
  random: () => number
  log: Log
}

/** Gives how many were done. */
export async function lookUp(deps: LookUpDeps, stop: AbortSignal): Promise<number> {
  const { database, policy, outage } = deps
  const claimed = await database.stores.elsewhere.claim({
    limit: policy.atOnce,
    leaseMs: policy.timeoutMs + policy.leaseMarginMs,
    mayAsk: outage.remainingMs() === 0
  })
  const done = await Promise.all(claimed.map((one) => doOne(one, deps, stop)))
  return done.filter(Boolean).length
}

async function doOne(one: ClaimedLookUp, deps: LookUpDeps, stop: AbortSignal): Promise<boolean> {
  if (one.wants === 'regroup') return fold(one, undefined, deps)
  const { database, policy, register, log } = deps
  const waitMs = await takeTurn(deps)
  if (waitMs !== undefined) {
    await database.stores.elsewhere.postpone(one, Math.max(waitMs, policy.busyMs))
    return false
  }
  const search = await ask(one, deps, stop)
  if (search === undefined) {
    await database.stores.elsewhere.postpone(one, 0)
    return false
  }
  if (search.kind !== 'found') {
    await leave(one, search, deps)
    return false
  }
  const { foreign, unreadable } = search
  // Never what it holds: whose they are is nobody's business here.
  if (foreign + unreadable > 0)
    log.warn({ destination: register.name, vaccine_type: one.vaccineType, foreign, unreadable }, 'elsewhere.left_out')
  return fold(one, search, deps)
}

async function fold(one: ClaimedLookUp, found: Found | undefined, deps: LookUpDeps): Promise<boolean> {
  const { database, register, log } = deps
  const folded = await database.transaction((stores) => foldIn(one, found, stores, { ...deps, source: register.name }))
  if (folded !== undefined && found !== undefined)
    log.info({ destination: register.name, vaccine_type: one.vaccineType, ...folded }, 'elsewhere.looked')
  return folded !== undefined
}

/** Undefined once it may be asked, at the rate of its deliveries; else how long to wait. */
async function takeTurn({ database, register, policy }: LookUpDeps): Promise<number | undefined> {
  const { name, ratePerSecond } = register
  const turn = await database.transaction(async ({ destinations }) => {
    const door = await destinations.lockDoor(name)
    if (door.paused) return { kind: 'wait' as const, waitMs: policy.outage.longestWaitMs }
    if (door.closedForMs > 0) return { kind: 'wait' as const, waitMs: door.closedForMs }
    if (ratePerSecond === undefined) return { kind: 'go' as const, startInMs: 0 }
    const planned = planTurn(door.rateAheadMs, ratePerSecond, 1)
    if (planned.kind === 'go') await destinations.reserveRate(name, 1, ratePerSecond)
    return planned
  })
  if (turn.kind === 'wait') return turn.waitMs
  if (turn.startInMs > 0) await delay(turn.startInMs)
  return undefined
}

/** Undefined when it was stopped. */
async function ask(
  { nhsNumber, vaccineType }: ClaimedLookUp,
  { register, policy }: LookUpDeps,
  stop: AbortSignal
): Promise<RecordSearch | undefined> {
  const limit = AbortSignal.timeout(policy.timeoutMs)
  const search = await register.findRecords({ nhsNumber, vaccineType }, AbortSignal.any([limit, stop]))
  return stop.aborted && search.kind !== 'found' ? undefined : search
}

async function leave(one: ClaimedLookUp, search: Exclude<RecordSearch, Found>, deps: LookUpDeps): Promise<void> {
  const { database, register, outage, policy, random, log } = deps
  const { kind, message } = search
  const restMs = Math.min(('retryAfterMs' in search ? search.retryAfterMs : undefined) ?? 0, policy.longestRestMs)
  // Its deliveries rest as well: a limit is that of the whole application.
  if (kind === 'limited') await database.stores.destinations.closeFor(register.name, Math.max(restMs, policy.busyMs))
  if (kind === 'refused') outage.answered()
  else if (outage.failed(restMs > 0 ? restMs : undefined))
    log.warn({ destination: register.name, problem: message }, 'elsewhere.unavailable')
  const waitMs = kind === 'refused' ? policy.retry.longestMs : waitAfter(one.tries, policy.retry, random)
  await database.stores.elsewhere.postpone(one, Math.max(waitMs, restMs), message)
}
