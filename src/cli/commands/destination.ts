// imms destination pause | resume | probe | limits | breaker
import type { Command } from 'commander'
import type { BreakerAnswer, DestinationAnswer, LimitsAnswer, ProbeAnswer, Wire } from '../../http/ops-answers.js'
import type { CommandLine } from '../command-line.js'
import { CommandFault, EXIT } from '../exit-code.js'
import type { Terminal } from '../terminal.js'
import { parseSeconds } from '../time-argument.js'
import { outcomeWords } from '../words.js'

interface Reasoned {
  reason: string
}

const pathOf = (name: string, verb: string): string => `/ops/destinations/${encodeURIComponent(name)}/${verb}`

export function addDestination(program: Command, line: CommandLine): void {
  const destination = program.command('destination').description('hold a destination back, let it go on, try it')
  addSwitches(destination, line)
  addProbe(destination, line)
  addLimits(destination, line)
  addBreaker(destination, line)
}

function addSwitches(destination: Command, line: CommandLine): void {
  const verbs = [
    { verb: 'pause', means: 'send nothing until it is resumed; what is being sent ends' },
    { verb: 'resume', means: 'send again, what waits longest first' }
  ]
  for (const { verb, means } of verbs) {
    const command = destination
      .command(verb)
      .argument('<name>')
      .description(means)
      .requiredOption('--reason <text>', 'why; kept in the audit trail')
    line.define<Reasoned>(command, async ({ client, terminal, json }, { reason }, [name = '']) => {
      const answer = await client.post<Wire<DestinationAnswer>>(pathOf(name, verb), { reason })
      if (json) terminal.printJson(answer)
      else terminal.print(`${answer.destination} is ${answer.state}. Next: imms status`)
      return EXIT.ok
    })
  }
}

function addProbe(destination: Command, line: CommandLine): void {
  const command = destination
    .command('probe')
    .argument('<name>')
    .description('send one delivery through an open breaker or a paused door, now')
    .requiredOption('--reason <text>', 'why; kept in the audit trail')
  line.define<Reasoned>(command, async ({ client, terminal, json }, { reason }, [name = '']) => {
    const answer = await client.post<Wire<ProbeAnswer>>(pathOf(name, 'probe'), { reason })
    if (json) terminal.printJson(answer)
    else printProbe(answer, terminal)
    return answer.outcome === 'delivered' || answer.outcome === 'not-needed' ? EXIT.ok : EXIT.trouble
  })
}

function printProbe(probe: Wire<ProbeAnswer>, terminal: Terminal): void {
  const { destination, deliveryId, outcome, status, message, durationMs, state, breaker } = probe
  terminal.print(`${outcomeWords(status, outcome)} in ${durationMs} ms, delivery ${deliveryId}`)
  if (message !== null) terminal.print(message)
  terminal.print(`${destination} is ${state}, its breaker ${breaker === 'open' ? 'is open' : 'is closed'}.`)
  terminal.print(
    'Next: ',
    state === 'paused'
      ? `imms destination resume ${destination} --reason "<why>"`
      : breaker === 'open'
        ? `imms deliveries show ${deliveryId}`
        : 'imms status'
  )
}

function addLimits(destination: Command, line: CommandLine): void {
  const command = destination
    .command('limits')
    .argument('<name>')
    .description('how fast it is sent to; change it for all processes, until it is reset')
    .option('--rate <perSecond>', 'requests a second, no more than the destinations file allows')
    .option('--concurrency <count>', 'requests at the same moment in each process, no more than the file allows')
    .option('--reset', 'as the file says again')
    .option('--reason <text>', 'why; needed where something is changed')
  line.define<Partial<Reasoned> & { rate?: string; concurrency?: string; reset?: true }>(
    command,
    async ({ client, terminal, json }, { rate, concurrency, reset, reason }, [name = '']) => {
      const path = pathOf(name, 'limits')
      const isChange = rate !== undefined || concurrency !== undefined || reset === true
      if (isChange && reason === undefined)
        throw new CommandFault(EXIT.usage, 'a change needs --reason "<why>"; it is kept in the audit trail')
      const answer = isChange
        ? await client.post<Wire<LimitsAnswer>>(path, {
            ...(rate === undefined ? {} : { ratePerSecond: Number(rate) }),
            ...(concurrency === undefined ? {} : { concurrency: Number(concurrency) }),
            ...(reset === true ? { reset } : {}),
            reason
          })
        : await client.get<Wire<LimitsAnswer>>(path)
      if (json) terminal.printJson(answer)
      else printLimits(answer, terminal)
      return EXIT.ok
    }
  )
}

function printLimits({ destination, file, byHand, inForce }: Wire<LimitsAnswer>, terminal: Terminal): void {
  const none = (limit: number | null, word: string): string => (limit === null ? word : String(limit))
  terminal.print(destination)
  terminal.printTable(
    [
      { head: 'LIMIT' },
      { head: 'IN FORCE', align: 'right' },
      { head: 'BY HAND', align: 'right' },
      { head: 'FILE', align: 'right' }
    ],
    [
      [
        'requests a second',
        none(inForce.ratePerSecond, 'no limit'),
        none(byHand.ratePerSecond, '-'),
        none(file.ratePerSecond, 'no limit')
      ],
      ['at the same moment', String(inForce.concurrency), none(byHand.concurrency, '-'), String(file.concurrency)]
    ]
  )
  if (byHand.ratePerSecond === null && byHand.concurrency === null) return
  terminal.print(`Next: imms destination limits ${destination} --reset --reason "<why>"`)
}

function addBreaker(destination: Command, line: CommandLine): void {
  const command = destination
    .command('breaker')
    .argument('<name>')
    .argument('<open|close>')
    .description('open: nothing goes for a while, then one probe decides; close: everything goes')
    .option('--for <time>', 'how long nothing goes: 90s, 15m, 2h', '15m')
    .requiredOption('--reason <text>', 'why; kept in the audit trail')
  line.define<Reasoned & { for: string }>(command, async ({ client, terminal, json }, options, [name = '', verb]) => {
    if (verb !== 'open' && verb !== 'close')
      throw new CommandFault(EXIT.usage, `"${verb ?? ''}" is not what a breaker does: say open or close`)
    const { reason } = options
    const answer = await client.post<Wire<BreakerAnswer>>(
      pathOf(name, 'breaker'),
      verb === 'open' ? { state: 'open', forSeconds: parseSeconds(options.for), reason } : { state: 'closed', reason }
    )
    if (json) terminal.printJson(answer)
    else terminal.print(`The breaker of ${answer.destination} is ${answer.breaker}. Next: imms status`)
    return EXIT.ok
  })
}
