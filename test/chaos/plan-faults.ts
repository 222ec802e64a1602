// What goes wrong, and when: the same seed and settings give the same plan. Every kind of fault comes once before any
// comes again.
import { createRandom } from '../support/synthetic.js'
import { groundFaultMakers, nameGroundFault, type GroundFault } from './ground-faults.js'
import type { Judged } from './judge.js'
import type { Profile } from './profiles.js'

export type Role = 'api' | 'relay' | 'worker'

export type Fault =
  /** SIGKILL; started again at once. */
  | { kind: 'kill'; role: Role; place: number }
  /** SIGTERM to each process of the role in turn, as a deployment does. */
  | { kind: 'roll'; role: Role }
  /** SIGSTOP, and SIGCONT later. */
  | { kind: 'freeze'; role: Role; place: number; forMs: number }
  | { kind: 'redis-flush' }
  | { kind: 'redis-away'; forMs: number; keepsData: boolean }
  /** An immediate stop, and a start that recovers. */
  | { kind: 'postgres-crash'; forMs: number }
  | { kind: 'receiver'; destination: Judged; setting: Record<string, unknown>; forMs: number }
  | GroundFault

export interface PlannedFault {
  atMs: number
  fault: Fault
}

export interface PlanOptions {
  seed: number
  durationMs: number
  engine: 'redis' | 'postgres'
  counts: Record<Role, number>
  profile: Pick<
    Profile,
    | 'destinations'
    | 'contested'
    | 'isDeployment'
    | 'faultEveryMs'
    | 'kills'
    | 'rolls'
    | 'freezeMs'
    | 'outageMs'
    | 'timeoutMs'
  >
}

interface Dice {
  below(count: number): number
  between(range: readonly [number, number]): number
  pick<Value>(values: readonly Value[]): Value
}

export function planFaults(options: PlanOptions): PlannedFault[] {
  const dice = createDice(createRandom(options.seed))
  const makers = makersFor(options, dice)
  const planned: PlannedFault[] = []
  let bag: (() => Fault)[] = []
  let atMs = options.profile.faultEveryMs / 2
  while (atMs < options.durationMs) {
    if (bag.length === 0) bag = [...makers]
    const [make] = bag.splice(dice.below(bag.length), 1)
    planned.push({ atMs: Math.round(atMs), fault: make!() })
    atMs += options.profile.faultEveryMs * (0.5 + dice.below(1_000) / 1_000)
  }
  return planned
}

function makersFor({ engine, counts, profile }: PlanOptions, dice: Dice): (() => Fault)[] {
  const kill = (role: Role) => (): Fault => ({ kind: 'kill', role, place: dice.below(counts[role]) })
  const roll = (role: Role) => (): Fault => ({ kind: 'roll', role })
  const outage = (): number => Math.round(dice.between(profile.outageMs))
  const freeze = (role: Role, forMs: () => number) => (): Fault => ({
    kind: 'freeze',
    role,
    place: dice.below(counts[role]),
    forMs: forMs()
  })
  const receiver =
    (setting: () => Record<string, unknown>, among = profile.destinations) =>
    (): Fault => ({ kind: 'receiver', destination: dice.pick(among), setting: setting(), forMs: outage() })
  // Versions that rise by themselves, requests that come twice, tokens that end at once.
  const contest = (['conflict', 'duplicate', 'expired'] as const).map((mode) =>
    receiver(() => ({ mode, times: 6 }), profile.contested)
  )
  const redis: (() => Fault)[] = [
    () => ({ kind: 'redis-flush' }),
    () => ({ kind: 'redis-away', forMs: outage(), keepsData: true }),
    () => ({ kind: 'redis-away', forMs: outage(), keepsData: false })
  ]
  const { timeoutMs } = profile
  if (profile.isDeployment) return profile.rolls.map(roll)
  return [
    ...Array.from({ length: profile.kills }, () => [kill('worker'), kill('relay'), kill('api')]).flat(),
    ...profile.rolls.map(roll),
    ...[freeze('worker', () => profile.freezeMs), freeze('relay', outage)],
    () => ({ kind: 'postgres-crash', forMs: Math.round(outage() / 3) }),
    receiver(() => ({ mode: 'down' })),
    receiver(() => ({ mode: 'slow', delayMs: Math.round(timeoutMs * 0.5), when: dice.pick(['before', 'after']) })),
    receiver(() => ({ mode: 'slow', delayMs: timeoutMs + 1_000, when: dice.pick(['before', 'after']), times: 8 })),
    receiver(() => ({ mode: 'limited', retryAfterSeconds: 1, times: 3 })),
    receiver(() => ({ mode: 'reset', when: 'before', times: 8 })),
    receiver(() => ({ mode: 'reset', when: 'after', times: 8 })),
    receiver(() => ({ mode: 'reset', when: 'after', only: 'write', times: 4 })),
    receiver(() => ({ mode: 'half', when: 'after', times: 8 })),
    receiver(() => ({ mode: 'garbled', when: 'after', times: 8 })),
    receiver(() => ({
      mode: 'random',
      seed: dice.below(1_000),
      rates: { down: 0.1, reset: 0.1, half: 0.05, limited: 0.03 }
    })),
    receiver(() => ({ mode: 'refuse', times: 3 })),
    receiver(() => ({ mode: 'credentials', times: 2 })),
    ...(profile.contested.length > 0 ? contest : []),
    ...(engine === 'redis' ? redis : []),
    ...groundFaultMakers({ engine, profile }, (range) => dice.between(range))
  ]
}

function createDice(random: () => number): Dice {
  const below = (count: number): number => Math.floor(random() * count)
  return {
    below,
    between: ([from, to]) => from + random() * (to - from),
    pick: (values) => values[below(values.length)]!
  }
}

/** `kill worker 2`, `receiver gp-record reset`: what a line of progress and the report call it. */
export function nameFault(fault: Fault): string {
  switch (fault.kind) {
    case 'kill':
      return `kill ${fault.role}`
    case 'roll':
      return `roll ${fault.role}s`
    case 'freeze':
      return `freeze ${fault.role}`
    case 'redis-flush':
      return 'Redis flushed'
    case 'redis-away':
      return fault.keepsData ? 'Redis restarted' : 'Redis restarted empty'
    case 'postgres-crash':
      return 'PostgreSQL crashed'
    case 'receiver':
      return `receiver ${[fault.setting['mode'], fault.setting['when']].filter(Boolean).join(' ')}`
    case 'redis-full':
    case 'redis-tail':
    case 'duplicate-jobs':
    case 'open-transaction':
    case 'disk-full':
    case 'answers-cut':
      return nameGroundFault(fault)
  }
}
