// Runs every race in turn, round after round, and tells what went wrong.
import { uuidv7 } from 'uuidv7'
import { syntheticImmunization } from '../support/synthetic.js'
import { RACES } from './races.js'
import { createWriters, type Target } from './writers.js'

export interface RaceOptions {
  /** Processes of one service; the writers are spread over them. */
  targets: readonly Target[]
  /** Over all races together. */
  rounds: number
  /** At once. */
  writers: number
  onRound?: (done: number) => void
}

export interface RaceResult {
  race: string
  rounds: number
  /** Answers by status, of this race. */
  statuses: Map<number, number>
  anomalies: string[]
}

export async function runRaces({ targets, rounds, writers: count, onRound }: RaceOptions): Promise<RaceResult[]> {
  // Identifiers of this run alone, patients where an earlier run has hardly been.
  const supplier = { system: `https://race.example/${uuidv7()}`, ods: 'FZZ01', habit: 'full' } as const
  const from = Math.floor(Math.random() * 50_000)
  const names = Object.keys(RACES)
  const results = new Map(
    names.map((race): [string, RaceResult] => [race, { race, rounds: 0, statuses: new Map(), anomalies: [] }])
  )
  const writers = new Map(names.map((race) => [race, createWriters(targets, count)]))
  for (let round = 0; round < rounds; round++) {
    const race = names[round % names.length]!
    const result = results.get(race)!
    const flu = syntheticImmunization({ n: from + round, vaccineType: 'FLU', supplier })
    const anomalies = await RACES[race]!({ writers: writers.get(race)!, flu })
    result.rounds++
    result.anomalies.push(...anomalies.map((anomaly) => `round ${round + 1}: ${anomaly}`))
    onRound?.(round + 1)
  }
  for (const [race, open] of writers) {
    const result = results.get(race)!
    for (const [status, times] of open.statuses) {
      result.statuses.set(status, times)
      if (status >= 500) result.anomalies.push(`${times} times ${status}`)
    }
    await open.close()
  }
  return [...results.values()]
}
