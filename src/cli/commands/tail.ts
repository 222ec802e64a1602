// imms tail: attempts as they end, until Ctrl-C.
import type { Command } from 'commander'
import type { AttemptsAnswer, Wire } from '../../http/ops-answers.js'
import type { CommandLine } from '../command-line.js'
import { EXIT } from '../exit-code.js'
import type { Style, Terminal } from '../terminal.js'
import { momentWords, outcomeWords } from '../words.js'

type Attempts = Wire<AttemptsAnswer>
type Attempt = Attempts['attempts'][number]

interface TailOptions {
  destination?: string
}

const POLL_MS = 1_000
/** Enough to know every attempt that the service may tell twice. */
const REMEMBERED = 5_000

export function addTail(program: Command, line: CommandLine): void {
  const command = program
    .command('tail')
    .description('attempts as they end, until Ctrl-C')
    .option('--destination <name>', 'only at this destination')
  line.define<TailOptions>(command, async ({ client, terminal, json, deps }, { destination }) => {
    const seen = new Set<string>()
    let after: string | undefined
    do {
      const answer = await client.get<Attempts>('/ops/attempts', { destination, after })
      for (const attempt of answer.attempts) {
        const key = `${attempt.deliveryId}/${attempt.epoch}`
        if (seen.has(key)) continue
        seen.add(key)
        if (json) terminal.printLine(JSON.stringify(attempt))
        else printAttempt(attempt, terminal)
      }
      forgetOldest(seen)
      after = answer.next
    } while (await deps.watch(POLL_MS))
    return EXIT.ok
  })
}

const GOOD: readonly string[] = ['delivered', 'not-needed']

function printAttempt(attempt: Attempt, terminal: Terminal): void {
  const { endedAt, startedAt, destination, operation, version, deliveryId, triggeredBy, message } = attempt
  const tookMs = Date.parse(endedAt) - Date.parse(startedAt)
  const style: Style = GOOD.includes(attempt.outcome) ? 'green' : 'red'
  const by = triggeredBy === 'schedule' ? '' : ` (${triggeredBy})`
  terminal.print(
    `${momentWords(endedAt)}  ${destination}  `,
    { text: outcomeWords(attempt.status, attempt.outcome), style },
    `  ${operation} of version ${version}  ${tookMs} ms${by}  ${deliveryId}`,
    message === null ? '' : `  ${message}`
  )
}

function forgetOldest(seen: Set<string>): void {
  for (const key of seen) {
    if (seen.size <= REMEMBERED) return
    seen.delete(key)
  }
}
