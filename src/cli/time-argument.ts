// Times as people type them: 15m, 2h, 1d for a while ago, or an ISO 8601 date or date-time.
import { parseFhirDateTime } from '../fhir/dates.js'
import { CommandFault, EXIT } from './exit-code.js'

const UNIT_MS = { s: 1_000, m: 60_000, h: 3_600_000, d: 86_400_000 } as const

/** `90s`, `15m`, `2h`, `1d` as seconds. @throws CommandFault (usage) when it is something else */
export function parseSeconds(text: string): number {
  const [, count, unit] = /^(\d{1,6})([smhd])$/.exec(text) ?? []
  if (unit === undefined) throw new CommandFault(EXIT.usage, `"${text}" is not a while: give 90s, 15m, 2h or 1d`)
  return (Number(count) * UNIT_MS[unit as keyof typeof UNIT_MS]) / 1_000
}

/**
 * The moment that is meant, as an ISO date-time in UTC. A bare date is the midnight in London with which it begins.
 * @throws CommandFault (usage) when it is neither, or no day of the calendar
 */
export function parseTimeArgument(text: string, now: Date): string {
  const ago = /^(\d{1,6})([smhd])$/.exec(text)
  if (ago !== null) {
    const unitMs = UNIT_MS[ago[2] as keyof typeof UNIT_MS]
    return new Date(now.getTime() - Number(ago[1]) * unitMs).toISOString()
  }
  const withSeconds = text.replace(/(T\d{2}:\d{2})(?=Z|[+-])/, '$1:00')
  const moment = parseFhirDateTime(withSeconds)
  if (moment?.precision === 'day' || moment?.precision === 'time') return moment.from.toISOString()
  throw new CommandFault(
    EXIT.usage,
    `"${text}" is not a time: give a while ago (90s, 15m, 2h, 1d) or ISO 8601 with its offset (2026-11-22T09:30:00Z)`
  )
}
