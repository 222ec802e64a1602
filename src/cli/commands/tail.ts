// imms tail: attempts as they end, until Ctrl-C.
import type { Command } from 'commander'
import type { AttemptsAnswer, Wire } from '../../http/ops-answers.js'
import type { CliDeps } from '../cli-deps.js'
import type { CommandLine } from '../command-line.js'
import { CommandFault, EXIT } from '../exit-code.js'
import type { OpsClient } from '../ops-client.js'
import type { Style, Terminal } from '../terminal.js'
import { momentWords, outcomeWords } from '../words.js'

type Attempt = Wire<AttemptsAnswer>['attempts'][number]

interface TailOptions {
  destination?: string
}

/** Between two looks whether it goes on, and before the next try when the stream has ended. */
const WAIT_MS = 1_000
/** Enough to know every attempt that the service may tell twice. */
const REMEMBERED = 20_000

export function addTail(program: Command, line: CommandLine): void {
  const command = program
    .command('tail')
    .description('attempts as they end, until Ctrl-C')
    .option('--destination <name>', 'only at this destination')
  line.define<TailOptions>(command, async ({ client, terminal, json, deps }, { destination }) => {
    const stop = new AbortController()
    const show = (attempt: Attempt): void => {
      if (json) terminal.printLine(JSON.stringify(attempt))
      else printAttempt(attempt, terminal)
    }
    const following = follow(client, destination, show, deps, stop.signal)
    // A fault of the stream ends the command; Ctrl-C ends the stream.
    const isOver = following.then(() => true)
    while (!(await Promise.race([isOver, deps.watch(WAIT_MS).then((goesOn) => !goesOn)]))) continue
    stop.abort()
    await following
    return EXIT.ok
  })
}

/** Shows each attempt once, whatever becomes of the connection: the service tells again what ended around the break. */
async function follow(
  client: OpsClient,
  destination: string | undefined,
  show: (attempt: Attempt) => void,
  { wait, stderr }: Pick<CliDeps, 'wait' | 'stderr'>,
  signal: AbortSignal
): Promise<void> {
  const seen = new Set<string>()
  let lastId: string | undefined
  while (!hasStopped(signal)) {
    try {
      for await (const { id, data } of client.events('/ops/attempts/stream', { destination }, lastId, signal)) {
        lastId = id ?? lastId
        if (data === undefined) continue
        const attempt = JSON.parse(data) as Attempt
        const key = `${attempt.deliveryId}/${attempt.epoch}`
        if (!seen.has(key)) show(attempt)
        seen.add(key)
        forgetOldest(seen)
      }
    } catch (error) {
      if (hasStopped(signal)) return
      // What was reached once is tried again; what refuses, or was never there, is not.
      if (!(error instanceof CommandFault) || error.exitCode !== EXIT.trouble || lastId === undefined) throw error
      stderr.write(`imms: ${error.message}; trying again\n`)
    }
    if (!hasStopped(signal)) await wait(WAIT_MS)
  }
}

/** A call, because the compiler takes a property for settled once it was looked at. */
function hasStopped(signal: AbortSignal): boolean {
  return signal.aborted
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
