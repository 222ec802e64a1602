// The options that say what a replay sends, and how fast; as the operations API takes them.
import type { Command } from 'commander'
import { collect } from './command-line.js'
import { CommandFault, EXIT } from './exit-code.js'
import { parseTimeArgument } from './time-argument.js'

export interface FilterOptions {
  destination?: string
  mode?: string
  state?: string[]
  class?: string
  type?: string[]
  record?: string
  delivery?: string
  allowStale?: true
  since?: string
  until?: string
  limit?: string
}

export interface PaceOptions {
  rate?: string
  share?: string
}

export const REASON = 'why; kept in the audit trail'

export function addFilter(command: Command): Command {
  return command
    .option('--destination <name>', 'where to send again')
    .option('--mode <mode>', 'retry (unless said otherwise), resend-latest, resend-exact or backfill')
    .option(
      '--state <states>',
      'of a retry: held (unless said otherwise), or ready: what waits for its next attempt',
      collect
    )
    .option('--class <class>', 'only where the last attempt ended so: refused, unavailable, …')
    .option('--type <types>', 'only these vaccine types', collect)
    .option('--record <id>', 'only this record')
    .option('--delivery <id>', 'of resend-exact: the delivery to send once more as it was')
    .option('--allow-stale', 'of resend-exact: also over a newer version; a second person must approve it')
    .option('--since <time>', 'last attempt since (backfill: vaccinated since): 15m, 2h, 1d, or ISO 8601')
    .option('--until <time>', 'last attempt before (backfill: vaccinated before)')
    .option('--limit <count>', 'at most so many, the longest planned first')
}

export function addPace(command: Command): Command {
  return command
    .option('--rate <number>', 'deliveries a second (unless said otherwise a quarter of what the destination takes)')
    .option('--share <part>', 'part of the rate of the destination: 0.5 is half of it')
}

/** @throws CommandFault (usage) for what cannot be asked */
export function planBody(options: FilterOptions, reason: string, now: Date): object {
  const { destination, mode, state, type, record, delivery, since, until, limit } = options
  if (destination === undefined)
    throw new CommandFault(EXIT.usage, 'say where to: --destination <name>; imms status lists them')
  if (limit !== undefined && !/^\d{1,9}$/.test(limit))
    throw new CommandFault(EXIT.usage, `--limit: "${limit}" is not a whole number`)
  return withoutUndefined({
    destination,
    reason,
    mode,
    states: state,
    class: options.class,
    vaccineTypes: type,
    record,
    delivery,
    allowStale: options.allowStale,
    since: since === undefined ? undefined : parseTimeArgument(since, now),
    until: until === undefined ? undefined : parseTimeArgument(until, now),
    limit: limit === undefined ? undefined : Number(limit)
  })
}

export interface Pace {
  ratePerSecond?: number
  share?: number
}

/** @throws CommandFault (usage) */
export function readPace({ rate, share }: PaceOptions): Pace {
  if (rate !== undefined && share !== undefined) throw new CommandFault(EXIT.usage, 'give --rate or --share, not both')
  if (rate !== undefined) return { ratePerSecond: readNumber('rate', rate, Infinity) }
  return share === undefined ? {} : { share: readNumber('share', share, 1) }
}

function readNumber(option: string, text: string, most: number): number {
  const value = Number(text)
  if (/^\d{1,6}(\.\d{1,6})?$/.test(text) && value > 0 && value <= most) return value
  const range = most === 1 ? 'above 0 and up to 1' : 'above 0'
  throw new CommandFault(EXIT.usage, `--${option}: "${text}" is not a number ${range}`)
}

function withoutUndefined(values: Record<string, unknown>): object {
  return Object.fromEntries(Object.entries(values).filter(([, value]) => value !== undefined))
}
