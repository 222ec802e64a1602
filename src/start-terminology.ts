// What asks a terminology server, where there is one: the loop of the worker role, and the answers known to the API.
import { hostname } from 'node:os'
import { uuidv7 } from 'uuidv7'
import { createAnswerBook } from './terminology/answer-book.js'
import { createKnownTerminology, type TellKnown } from './terminology/known-terminology.js'
import { createOutage } from './terminology/outage.js'
import { TERMINOLOGY_POLICY } from './terminology/policy.js'
import { createTerminologyChecker } from './terminology/terminology-checker.js'
import { createTerminologyClient } from './terminology/terminology-client.js'
import type { TerminologyConfig } from './config.js'
import type { Log } from './log.js'
import type { ReleaseStack } from './release-stack.js'
import type { Parts } from './service-parts.js'

const clock = (): number => performance.now()

/** Gives what wakes the loop; without a server there is none. */
export async function startTerminology(
  parts: Parts,
  config: TerminologyConfig | undefined,
  log: Log,
  stack: ReleaseStack
): Promise<() => void> {
  if (config === undefined) return () => undefined
  const { database, liveRules, now } = parts
  const { validator } = liveRules.rules
  const { stores } = database
  const auditChainId = uuidv7()
  await stores.audit.openChain(auditChainId, `${hostname()}/${process.pid} terminology`)
  const policy = TERMINOLOGY_POLICY
  const checker = createTerminologyChecker({
    database,
    validator,
    answers: stores.terminologyAnswers,
    book: createAnswerBook(stores.terminologyAnswers, clock),
    ask: createTerminologyClient({
      ...config,
      answerBytes: policy.answerBytes,
      findValueSet: (name) => validator.findValueSet(name)
    }),
    outage: createOutage(policy.outage, clock, Math.random),
    policy,
    timeoutMs: config.timeoutMs,
    now,
    auditChainId,
    random: Math.random,
    log
  })
  stack.add('terminology', checker, () => checker.stop())
  checker.start()
  return () => {
    checker.wake()
  }
}

/** What the API may say without asking. */
export function openKnownTerminology({ database, liveRules: { rules } }: Parts): TellKnown {
  const { terminologyAnswers, terminologyChecks } = database.stores
  const book = createAnswerBook(terminologyAnswers, clock)
  return createKnownTerminology({ validator: rules.validator, book, checks: terminologyChecks })
}
