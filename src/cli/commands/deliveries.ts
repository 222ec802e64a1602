// imms deliveries list | show | skip
import type { Command } from 'commander'
import type { DeliveriesAnswer, DeliveryAnswer, SkipAnswer, Wire } from '../../http/ops-answers.js'
import { collect, type CommandLine, type Session } from '../command-line.js'
import { EXIT } from '../exit-code.js'
import type { Column } from '../layout-columns.js'
import type { Style, Terminal, Text } from '../terminal.js'
import { parseTimeArgument } from '../time-argument.js'
import { ageWords, agoWords, momentWords, outcomeWords } from '../words.js'

type Listed = Wire<DeliveriesAnswer>
type Story = Wire<DeliveryAnswer>

interface ListOptions {
  destination?: string
  state?: string[]
  class?: string
  since?: string
  until?: string
  record?: string
  limit?: string
  after?: string
}

export function addDeliveries(program: Command, line: CommandLine): void {
  const deliveries = program.command('deliveries').description('versions of records on their way to destinations')
  const list = deliveries
    .command('list')
    .description('counts by state, then deliveries, newest first')
    .option('--destination <name>', 'only to this destination')
    .option('--state <states>', 'only in these states: held,verify,ready,queued,in_flight,blocked,…', collect)
    .option('--class <class>', 'only where the last attempt ended so: refused, unavailable, …')
    .option('--since <time>', 'planned since: 15m, 2h, 1d, or ISO 8601')
    .option('--until <time>', 'planned before')
    .option('--record <id>', 'only of this record')
    .option('--limit <count>', 'deliveries to a page (50)')
    .option('--after <cursor>', 'the page after this one')
  line.define<ListOptions>(list, listDeliveries)

  const show = deliveries.command('show').argument('<id>').description('one delivery and its attempts, newest first')
  line.define(show, async ({ client, terminal, json, deps }, _options, [id = '']) => {
    const story = await client.get<Story>(`/ops/deliveries/${encodeURIComponent(id)}`)
    if (json) terminal.printJson(story)
    else printStory(story, terminal, deps.now())
    return EXIT.ok
  })

  const skip = deliveries
    .command('skip')
    .argument('<id>')
    .description('give up a held delivery, so that the next version may go')
    .requiredOption('--reason <text>', 'why; kept in the audit trail')
  line.define<{ reason: string }>(skip, async ({ client, terminal, json }, { reason }, [id = '']) => {
    const answer = await client.post<Wire<SkipAnswer>>(`/ops/deliveries/${encodeURIComponent(id)}/skip`, { reason })
    const behind = answer.promoted ? 'the version behind it goes now' : 'nothing waited behind it'
    if (json) terminal.printJson(answer)
    else terminal.print(`Delivery ${answer.deliveryId} was skipped, ${behind}.`)
    return EXIT.ok
  })
}

async function listDeliveries({ client, terminal, json, deps }: Session, options: ListOptions) {
  const { destination, state, since, until, record, limit, after } = options
  const listed = await client.get<Listed>('/ops/deliveries', {
    destination,
    state,
    class: options.class,
    since: since === undefined ? undefined : parseTimeArgument(since, deps.now()),
    until: until === undefined ? undefined : parseTimeArgument(until, deps.now()),
    record,
    limit,
    after
  })
  if (json) terminal.printJson(listed)
  else printList(listed, terminal, deps.now())
  return EXIT.ok
}

const COLUMNS: Column[] = [
  { head: 'DELIVERY' },
  { head: 'DESTINATION' },
  { head: 'STATE' },
  { head: 'AGE', align: 'right', leaveOut: 1 },
  { head: 'LAST', leaveOut: 2 },
  { head: 'TRIES', align: 'right', leaveOut: 4 },
  { head: 'RECORD', leaveOut: 5 },
  { head: 'VERSION', align: 'right', leaveOut: 3 },
  { head: 'MESSAGE', wraps: true, leaveOut: 6 }
]

const STATE_STYLES: Partial<Record<string, Style>> = {
  delivered: 'green',
  held: 'red',
  blocked: 'yellow',
  verify: 'yellow'
}

function printList(listed: Listed, terminal: Terminal, now: Date): void {
  if (listed.counts.length === 0) {
    terminal.print('No deliveries match.')
    return
  }
  terminal.print(listed.counts.map(({ state, count, atLeast }) => `${state} ${count}${atLeast ? '+' : ''}`).join('   '))
  terminal.print()
  terminal.printTable(
    COLUMNS,
    listed.deliveries.map((delivery) => toRow(delivery, now))
  )
  if (listed.next !== null) terminal.print({ text: `More: --after ${listed.next}`, style: 'dim' })
}

function toRow(delivery: Listed['deliveries'][number], now: Date): Text[] {
  return [
    delivery.deliveryId,
    delivery.destination,
    stateText(delivery.state),
    ageWords((now.getTime() - Date.parse(delivery.createdAt)) / 1_000),
    outcomeWords(delivery.status, delivery.class),
    String(delivery.tries),
    delivery.recordId,
    String(delivery.version),
    delivery.message ?? ''
  ]
}

function stateText(state: string): Text {
  const style = STATE_STYLES[state]
  return style === undefined ? state : { text: state, style }
}

const ATTEMPT_COLUMNS: Column[] = [
  { head: 'STARTED' },
  { head: 'TOOK', align: 'right' },
  { head: 'SERIES', align: 'right', leaveOut: 2 },
  { head: 'ATTEMPT', align: 'right' },
  { head: 'BY', leaveOut: 3 },
  { head: 'OUTCOME' },
  { head: 'MESSAGE', wraps: true, leaveOut: 1 }
]

function printStory(story: Story, terminal: Terminal, now: Date): void {
  terminal.print({ text: `Delivery ${story.deliveryId}`, style: 'bold' }, ' ', stateText(story.state))
  terminal.print(
    `${story.operation} of version ${story.version} of record ${story.recordId} (${story.supplier}) to ${story.destination}`
  )
  terminal.print(
    `planned ${momentWords(story.createdAt)} UTC (${agoWords(story.createdAt, now)}), due ${momentWords(story.dueAt)} UTC`
  )
  if (story.crashCount > 0)
    terminal.print({ text: `${story.crashCount} attempts died with their process`, style: 'red' })
  if (story.outcomeUnknown)
    terminal.print({ text: 'an earlier attempt may have reached the receiver', style: 'yellow' })
  terminal.print()
  if (story.attempts.length === 0) terminal.print('No attempt was made yet.')
  else terminal.printTable(ATTEMPT_COLUMNS, story.attempts.map(toAttemptRow))
  terminal.print()
  terminal.print('Next: ', { text: `imms explain ${story.recordId}`, style: 'cyan' })
}

function toAttemptRow(attempt: Story['attempts'][number]): Text[] {
  const { startedAt, endedAt } = attempt
  return [
    momentWords(startedAt),
    endedAt === null ? '-' : `${Date.parse(endedAt) - Date.parse(startedAt)} ms`,
    String(attempt.series),
    String(attempt.attempt),
    attempt.triggeredBy,
    endedAt === null ? 'no end' : outcomeWords(attempt.status, attempt.outcome),
    attempt.message ?? ''
  ]
}
