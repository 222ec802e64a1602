// imms replay: deliveries are sent again. Always the plan first, then the count, then the start.
import type { Command } from 'commander'
import type { CancelAnswer, PlanAnswer, ReplayAnswer, StartAnswer, Wire } from '../../http/ops-answers.js'
import type { CommandLine, Session } from '../command-line.js'
import { confirmCount } from '../confirm-count.js'
import { CommandFault, EXIT, type ExitCode } from '../exit-code.js'
import { printPlan } from '../print-replay.js'
import {
  addFilter,
  addPace,
  planBody,
  readPace,
  REASON,
  type FilterOptions,
  type Pace,
  type PaceOptions
} from '../replay-options.js'
import { countWords, durationWords, plural, rateWords } from '../words.js'
import { addReplayReads, replayPath } from './replay-reads.js'
import { addReplaySteps } from './replay-steps.js'

type Plan = Wire<PlanAnswer>

interface StartOptions extends PaceOptions {
  confirm?: string
  queueOnly?: true
}

interface ShorthandOptions extends FilterOptions, StartOptions {
  reason?: string
  start?: true
}

/** What the question and the start are about. */
interface Ready {
  replayId: string
  destination: string
  planned: number
  records: number
  usualPerSecond: number
  mostPerSecond: number
}

export function addReplay(program: Command, line: CommandLine): void {
  const replay = addStart(addFilter(program.command('replay').enablePositionalOptions()))
    .description('send deliveries again: a dry run, unless --start is given')
    .option('--start', 'start it once the count is confirmed')
    .option('--reason <text>', REASON)
  line.define<ShorthandOptions>(replay, runShorthand)

  const plan = addFilter(replay.command('plan'))
    .description('keep a plan that changes nothing, and say what it would send')
    .requiredOption('--reason <text>', REASON)
  line.define<FilterOptions & { reason: string }>(plan, async (session, options) => {
    const made = await planReplay(session, options, options.reason)
    if (session.json) session.terminal.printJson(made)
    else printPlan(made, options.destination ?? '', session.terminal)
    if (!session.json && made.planned > 0) printNextStep(made, session)
    return EXIT.ok
  })

  const start = addStart(replay.command('start').argument('<replay>', 'id of a plan')).description(
    'send what a plan holds'
  )
  line.define<StartOptions>(start, async (session, options, [id = '']) => {
    const { pace, ...planned } = await session.client.get<Wire<ReplayAnswer>>(replayPath(id))
    if (pace === null) throw new CommandFault(EXIT.refused, `${planned.destination} is not configured any more`)
    await confirmAndStart(session, { ...planned, ...pace }, options)
    return EXIT.ok
  })

  addReplaySteps(replay, line)
  addReplayReads(replay, line)
}

function addStart(command: Command): Command {
  return addPace(command)
    .option('--confirm <count>', 'the count of the plan, where nobody can be asked')
    .option('--queue-only', 'also while the destination is paused or its breaker open: it begins once that is over')
}

async function runShorthand(session: Session, options: ShorthandOptions): Promise<ExitCode> {
  const { reason, start } = options
  if (start === true && reason === undefined)
    throw new CommandFault(EXIT.usage, 'say why: --reason "<text>"; it is kept in the audit trail')
  readPace(options)
  const plan = await planReplay(session, options, reason ?? 'dry run')
  const destination = options.destination ?? ''
  if (!session.json) printPlan(plan, destination, session.terminal)
  if (start !== true || plan.planned === 0) return endDryRun(session, plan)
  if (plan.approvalNeeded !== null) {
    if (session.json) session.terminal.printJson({ plan, started: null })
    else printNextStep(plan, session)
    return EXIT.refused
  }
  await confirmAndStart(session, { ...plan, destination, usualPerSecond: plan.ratePerSecond }, options, plan)
  return EXIT.ok
}

/** A plan that nobody gave a reason for is not left behind to be started. */
async function endDryRun(session: Session, plan: Plan): Promise<ExitCode> {
  await session.client.post<Wire<CancelAnswer>>(`${replayPath(plan.replayId)}/cancel`, {})
  if (session.json) session.terminal.printJson({ plan, started: null })
  else if (plan.planned > 0)
    session.terminal.print('This was a dry run. To send them: the same with --start --reason "<why>"')
  return EXIT.ok
}

function planReplay({ client, deps }: Session, options: FilterOptions, reason: string): Promise<Plan> {
  return client.post<Plan>('/ops/replays', planBody(options, reason, deps.now()))
}

async function confirmAndStart(session: Session, ready: Ready, options: StartOptions, plan?: Plan): Promise<void> {
  const pace = readPace(options)
  await confirmCount(ready.planned, questionOf(ready, pace), options.confirm, session.deps)
  const started = await session.client.post<Wire<StartAnswer>>(`${replayPath(ready.replayId)}/start`, {
    confirm: ready.planned,
    ...pace,
    ...(options.queueOnly === true ? { queueOnly: true } : {})
  })
  if (session.json) session.terminal.printJson(plan === undefined ? started : { plan, started })
  else printStarted(started, session)
}

function questionOf({ planned, records, destination, usualPerSecond, mostPerSecond }: Ready, pace: Pace): string {
  const perSecond = pace.ratePerSecond ?? (pace.share === undefined ? usualPerSecond : pace.share * mostPerSecond)
  const deliveries = `${countWords(planned)} ${planned === 1 ? 'delivery' : 'deliveries'}`
  const told = `${countWords(records)} ${records === 1 ? 'record' : 'records'}`
  const pacing = `at ${rateWords(perSecond)} (about ${durationWords(planned / perSecond)})`
  return `This will re-send ${deliveries} for ${told} to ${destination} ${pacing}.`
}

function printStarted({ replayId, planned, ratePerSecond }: Wire<StartAnswer>, { terminal }: Session): void {
  const deliveries = plural(planned, 'delivery goes', 'deliveries go')
  terminal.print(
    `${deliveries} again at ${rateWords(ratePerSecond)}, in about ${durationWords(planned / ratePerSecond)}.`
  )
  terminal.print('Next: ', { text: `imms replay watch ${replayId}`, style: 'cyan' })
}

function printNextStep({ replayId, planned, approvalNeeded }: Plan, { terminal }: Session): void {
  const needed = approvalNeeded === 'many' ? 'It is so large that a second person' : 'It is stale, so a second person'
  const next =
    approvalNeeded === null
      ? `imms replay start ${replayId} --confirm ${planned}`
      : `imms replay approve ${replayId} --reason "<why>"`
  const who = approvalNeeded === null ? '' : `${needed} must approve it. `
  terminal.print(`Nothing was changed. ${who}Next: `, { text: next, style: 'cyan' })
}
