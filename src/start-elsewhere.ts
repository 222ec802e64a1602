// What looks up records that a register holds from others: the loop of the worker role, where a destination can be asked.
import { hostname } from 'node:os'
import { uuidv7 } from 'uuidv7'
import type { ConfiguredDestination } from './delivery/destination.js'
import { createElsewhereLoop } from './elsewhere/elsewhere-loop.js'
import type { Register } from './elsewhere/look-up.js'
import { ELSEWHERE_POLICY } from './elsewhere/policy.js'
import { createOutage } from './terminology/outage.js'
import type { Log } from './log.js'
import type { ReleaseStack } from './release-stack.js'
import type { Parts } from './service-parts.js'

/** Gives what wakes the loop; where nobody can be asked there is none. */
export async function startElsewhere(parts: Parts, log: Log, stack: ReleaseStack): Promise<() => void> {
  const register = parts.destinations.find(isRegister)
  if (register === undefined) return () => undefined
  const { database, liveRules, now } = parts
  const auditChainId = uuidv7()
  await database.stores.audit.openChain(auditChainId, `${hostname()}/${process.pid} elsewhere`)
  const policy = ELSEWHERE_POLICY
  const loop = createElsewhereLoop({
    database,
    register,
    rules: liveRules.rules,
    outage: createOutage(policy.outage, () => performance.now(), Math.random),
    policy,
    now,
    auditChainId,
    random: Math.random,
    log
  })
  stack.add('elsewhere', loop, () => loop.stop())
  await loop.start()
  return () => {
    loop.wake()
  }
}

function isRegister(destination: ConfiguredDestination): destination is ConfiguredDestination & Register {
  return destination.findRecords !== undefined
}
