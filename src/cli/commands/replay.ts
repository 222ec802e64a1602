// imms replay: what is held is sent again. Always the plan first, then the count, then the start.
import type { Command } from 'commander'
import type {
  CancelAnswer,
  PlanAnswer,
  ReplayAnswer,
  ReplaysAnswer,
  StartAnswer,
  Wire
} from '../../http/ops-answers.js'
import { collect, type CommandLine, type Session } from '../command-line.js'
import { confirmCount } from '../confirm-count.js'
import { CommandFault, EXIT, type ExitCode } from '../exit-code.js'
import { printPlan, printReplay, printReplays } from '../print-replay.js'
import { parseTimeArgument } from '../time-argument.js'
import { watchReplay } from '../watch-replay.js'
import { plural } from '../words.js'

type Plan = Wire<PlanAnswer>
type Started = Wire<StartAnswer>

interface FilterOptions {
  destination?: string
  state?: string[]
  class?: string
  since?: string
  until?: string
  limit?: string
}

interface ShorthandOptions extends FilterOptions {
  reason?: string
  start?: true
  confirm?: string
}

const CONFIRM = 'the count of the plan, where nobody can be asked'

export function addReplay(program: Command, line: CommandLine): void {
  const replay = addFilter(program.command('replay').enablePositionalOptions())
    .description('send deliveries again: a dry run, unless --start is given')
    .option('--start', 'start it once the count is confirmed')
    .option('--confirm <count>', CONFIRM)
    .option('--reason <text>', 'why; kept in the audit trail')
  line.define<ShorthandOptions>(replay, runShorthand)

  const plan = addFilter(replay.command('plan'))
    .description('keep a plan that changes nothing, and say what it would send')
    .requiredOption('--reason <text>', 'why; kept in the audit trail')
  line.define<FilterOptions & { reason: string }>(plan, async (session, options) => {
    const made = await planReplay(session, options, options.reason)
    if (session.json) session.terminal.printJson(made)
    else printPlan(made, options.destination ?? '', session.terminal)
    if (!session.json && made.planned > 0) printStartStep(made, session)
    return EXIT.ok
  })

  const start = replay
    .command('start')
    .argument('<replay>', 'id of a plan')
    .description('send what a plan holds')
    .option('--confirm <count>', CONFIRM)
  line.define<{ confirm?: string }>(start, async (session, { confirm }, [id = '']) => {
    const planned = await session.client.get<Wire<ReplayAnswer>>(pathOf(id))
    const question = `This will send ${plural(planned.planned, 'delivery', 'deliveries')} to ${planned.destination} again.`
    await confirmCount(planned.planned, question, confirm, session.deps)
    const started = await startReplay(session, planned.replayId, planned.planned)
    if (session.json) session.terminal.printJson(started)
    else printStarted(started, session)
    return EXIT.ok
  })

  const watch = replay.command('watch').argument('<replay>').description('follow a replay until it is done')
  line.define(watch, (session, _options, [id = '']) => watchReplay(session, pathOf(id)))

  addBookkeeping(replay, line)
}

function addBookkeeping(replay: Command, line: CommandLine): void {
  const list = replay.command('list').description('replays, newest first').option('--limit <count>', 'how many (50)')
  line.define<{ limit?: string }>(list, async ({ client, terminal, json }, { limit }) => {
    const answer = await client.get<Wire<ReplaysAnswer>>('/ops/replays', { limit })
    if (json) terminal.printJson(answer)
    else printReplays(answer.replays, terminal)
    return EXIT.ok
  })

  const show = replay.command('show').argument('<replay>').description('a replay, and what became of its deliveries')
  line.define(show, async ({ client, terminal, json }, _options, [id = '']) => {
    const answer = await client.get<Wire<ReplayAnswer>>(pathOf(id))
    if (json) terminal.printJson(answer)
    else printReplay(answer, terminal)
    return EXIT.ok
  })

  const cancel = replay.command('cancel').argument('<replay>').description('give up a plan before it starts')
  line.define(cancel, async ({ client, terminal, json }, _options, [id = '']) => {
    const answer = await client.post<Wire<CancelAnswer>>(`${pathOf(id)}/cancel`, {})
    if (json) terminal.printJson(answer)
    else terminal.print(`Replay ${answer.replayId} is ${answer.state}.`)
    return EXIT.ok
  })
}

function addFilter(command: Command): Command {
  return command
    .option('--destination <name>', 'where to send again')
    .option('--state <states>', 'held (unless said otherwise), or ready: what waits for its next attempt', collect)
    .option('--class <class>', 'only where the last attempt ended so: refused, unavailable, …')
    .option('--since <time>', 'last attempt since: 15m, 2h, 1d, or ISO 8601')
    .option('--until <time>', 'last attempt before')
    .option('--limit <count>', 'at most so many, the longest planned first')
}

async function runShorthand(session: Session, options: ShorthandOptions): Promise<ExitCode> {
  const { reason, start, confirm } = options
  if (start === true && reason === undefined)
    throw new CommandFault(EXIT.usage, 'say why: --reason "<text>"; it is kept in the audit trail')
  const plan = await planReplay(session, options, reason ?? 'dry run')
  const destination = options.destination ?? ''
  if (!session.json) printPlan(plan, destination, session.terminal)
  if (start !== true || plan.planned === 0) return endDryRun(session, plan)

  const question =
    `This will send ${plural(plan.planned, 'delivery', 'deliveries')} for ` +
    `${plural(plan.records, 'record')} to ${destination} again.`
  await confirmCount(plan.planned, question, confirm, session.deps)
  const started = await startReplay(session, plan.replayId, plan.planned)
  if (session.json) session.terminal.printJson({ plan, started })
  else printStarted(started, session)
  return EXIT.ok
}

/** A plan that nobody gave a reason for is not left behind to be started. */
async function endDryRun(session: Session, plan: Plan): Promise<ExitCode> {
  await session.client.post<Wire<CancelAnswer>>(`${pathOf(plan.replayId)}/cancel`, {})
  if (session.json) session.terminal.printJson({ plan, started: null })
  else if (plan.planned > 0)
    session.terminal.print('This was a dry run. To send them: the same with --start --reason "<why>"')
  return EXIT.ok
}

async function planReplay({ client, deps }: Session, options: FilterOptions, reason: string): Promise<Plan> {
  const { destination, state, since, until, limit } = options
  if (destination === undefined)
    throw new CommandFault(EXIT.usage, 'say where to: --destination <name>; imms status lists them')
  if (limit !== undefined && !/^\d{1,9}$/.test(limit))
    throw new CommandFault(EXIT.usage, `--limit: "${limit}" is not a whole number`)
  return client.post<Plan>('/ops/replays', {
    destination,
    reason,
    ...(state === undefined ? {} : { states: state }),
    ...(options.class === undefined ? {} : { class: options.class }),
    ...(since === undefined ? {} : { since: parseTimeArgument(since, deps.now()) }),
    ...(until === undefined ? {} : { until: parseTimeArgument(until, deps.now()) }),
    ...(limit === undefined ? {} : { limit: Number(limit) })
  })
}

function startReplay({ client }: Session, replayId: string, confirm: number): Promise<Started> {
  return client.post<Started>(`${pathOf(replayId)}/start`, { confirm })
}

function printStarted({ replayId, requeued, skipped }: Started, { terminal }: Session): void {
  const left = skipped === 0 ? '' : `, ${skipped} skipped (no longer as planned)`
  terminal.print(`${plural(requeued, 'delivery', 'deliveries')} will be sent again${left}.`)
  terminal.print('Next: ', { text: `imms replay watch ${replayId}`, style: 'cyan' })
}

function printStartStep({ replayId, planned }: Plan, { terminal }: Session): void {
  terminal.print('Nothing was changed. Next: ', {
    text: `imms replay start ${replayId} --confirm ${planned}`,
    style: 'cyan'
  })
}

function pathOf(replayId: string): string {
  return `/ops/replays/${encodeURIComponent(replayId)}`
}
