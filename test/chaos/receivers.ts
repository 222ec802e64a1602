// The destinations of a campaign, played by the sandbox: steered by the faults, and asked what they got.
import { sandboxDestinations } from '../../src/sandbox/destinations.js'
import type { JournalEntry } from '../../src/sandbox/journal.js'
import { forkSandbox } from '../../src/sandbox/process.js'
import type { DestinationEntry } from '../../src/destinations.js'
import { VERSIONS_OF, type Judged } from './judge.js'
import type { Profile } from './profiles.js'

export interface Receivers {
  entries: DestinationEntry[]
  steer(destination: Judged, setting: Record<string, unknown>): Promise<void>
  allUp(): Promise<void>
  /** Everything that has arrived since the start, in order. */
  readJournal(): Promise<readonly JournalEntry[]>
  /** What each holds in the end; of the GP record nothing, which only forwards. */
  allHoldings(): Promise<Partial<Record<Judged, unknown[]>>>
  hashSecret: string
  close(): Promise<void>
}

export async function openReceivers(
  profile: Pick<Profile, 'destinations' | 'timeoutMs' | 'ratePerSecond'>,
  persons: readonly string[]
): Promise<Receivers> {
  const sandbox = await forkSandbox({ seed: { persons } })
  const journal: JournalEntry[] = []
  const steer = async (destination: Judged, setting: Record<string, unknown>): Promise<void> => {
    await ask('PUT', `/control/${destination}`, setting)
  }
  async function ask(method: string, path: string, body?: object): Promise<unknown> {
    const answer = await fetch(`${sandbox.url}${path}`, {
      method,
      ...(body === undefined ? {} : { body: JSON.stringify(body) })
    })
    if (!answer.ok) throw new Error(`the sandbox answered ${method} ${path} with ${answer.status}`)
    return answer.json()
  }
  return {
    entries: sandboxDestinations(sandbox.url, sandbox.keys)
      .filter(({ name }) => profile.destinations.some((destination) => destination === name))
      .map((entry) => ({
        ...entry,
        timeoutMs: profile.timeoutMs,
        ...(isKeepingVersions(entry.kind) ? { versions: VERSIONS_OF[entry.kind] } : {}),
        ...(entry.kind === 'nhs-immunisation-api' ? { ratePerSecond: profile.ratePerSecond } : {})
      })),
    steer,
    async allUp() {
      for (const destination of profile.destinations) await steer(destination, { mode: 'up' })
    },
    async readJournal() {
      // The sandbox drops old entries, so they are fetched as they come.
      journal.push(...((await ask('GET', `/journal?after=${journal.at(-1)?.order ?? 0}`)) as JournalEntry[]))
      return journal
    },
    async allHoldings() {
      const all: Partial<Record<Judged, unknown[]>> = {}
      for (const destination of profile.destinations)
        if (destination !== 'gp-record') all[destination] = (await ask('GET', `/holdings/${destination}`)) as unknown[]
      return all
    },
    hashSecret: sandbox.keys.eligibility.hashSecret,
    close: () => sandbox.close()
  }
}

function isKeepingVersions(kind: string): kind is keyof typeof VERSIONS_OF {
  return kind in VERSIONS_OF
}
