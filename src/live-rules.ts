// The rules in force. Programme files may change while the service runs: the folder is looked at, a new set is read as a
// whole, tried on stored records, and takes the place of the last good one in one step, or not at all.
import { readdir, stat } from 'node:fs/promises'
import { fileURLToPath } from 'node:url'
import path from 'node:path'
import { isAlarming, type VerdictComparison } from './ingest/compare-verdicts.js'
import type { ProgrammeRules } from './programmes/programme-rules.js'
import type { Programme } from './programmes/programme.js'
import { loadProgrammeSet, type ProgrammeSet } from './programme-set.js'
import type { Rules } from './rules.js'

export interface LiveRules {
  /** Always the set in force: each reading of a property may see a newer one. */
  readonly rules: Rules
  status(): RulesStatus
  /**
   * Reads the folder again. Never throws: what is wrong is in the status, and the last good set stays in force.
   */
  reload(wish: ReloadWish): Promise<RulesStatus>
  /** Looks at the folder every `everyMs` until stopped. */
  watch(everyMs: number): void
  stop(): Promise<void>
}

export interface ReloadWish {
  cause: 'changed files' | 'SIGHUP' | 'operations call'
  /** Who asked, and why; undefined for the service itself. */
  actor?: string
  reason?: string
  /** Also when many records that were accepted would be refused from now on. */
  force?: boolean
}

export interface RulesStatus {
  /** Of the set in force; 12 hexadecimal digits. */
  version: string
  loadedAt: Date
  programmes: readonly Programme[]
  /** Why the folder as it is now is not in force; undefined when it is. */
  fault?: { at: Date; message: string }
}

export interface LiveRulesDeps {
  rules: Rules
  /** The folder that the programmes of `rules` were read from. */
  folder: URL
  now: () => Date
  /** What `next` would say of recently accepted records, beside the set in force. */
  tryOn: (next: ProgrammeRules) => Promise<VerdictComparison>
  log: {
    info(fields: object, message: string): void
    error(fields: object, message: string): void
  }
  /** Told of every set that comes into force, for the audit trail. */
  onChanged: (wish: ReloadWish, status: RulesStatus) => Promise<void>
}

export function createLiveRules(deps: LiveRulesDeps): LiveRules {
  const { log, now } = deps
  let current: ProgrammeSet = deps.rules
  let loadedAt = now()
  let fault: RulesStatus['fault']
  // One reload after the other: each is compared with the one before.
  let last: Promise<unknown> = Promise.resolve()
  const watcher = createFolderWatch(deps.folder, () => void reload({ cause: 'changed files' }))

  const status = (): RulesStatus => ({
    version: current.version,
    loadedAt,
    programmes: current.programmeFiles,
    ...(fault === undefined ? {} : { fault })
  })

  async function load(wish: ReloadWish): Promise<RulesStatus> {
    const { cause } = wish
    try {
      const next = await loadProgrammeSet(deps.folder, deps.rules.ground)
      if (next.version !== current.version) {
        if (wish.force !== true) refuseAlarming(await deps.tryOn(next.programmes))
        current = next
        loadedAt = now()
        await deps.onChanged(wish, status())
        log.info({ cause, version: next.version, programmes: next.programmeFiles.length }, 'programmes.loaded')
      }
      fault = undefined
    } catch (error) {
      fault = { at: now(), message: error instanceof Error ? error.message : String(error) }
      log.error({ cause, version_in_force: current.version, fault: fault.message }, 'programmes.not_loaded')
    }
    return status()
  }

  function reload(wish: ReloadWish): Promise<RulesStatus> {
    const next = last.then(() => load(wish))
    last = next
    return next
  }

  return {
    rules: liveView(deps.rules, () => current),
    status,
    reload,
    watch: (everyMs) => {
      watcher.start(everyMs)
    },
    async stop() {
      await watcher.stop()
      await last
    }
  }
}

function liveView(rules: Rules, current: () => ProgrammeSet): Rules {
  return {
    ...rules,
    get version() {
      return current().version
    },
    get programmes() {
      return current().programmes
    },
    get programmeFiles() {
      return current().programmeFiles
    },
    get dedup() {
      return current().dedup
    }
  }
}

function refuseAlarming(compared: VerdictComparison): void {
  if (!isAlarming(compared)) return
  const rules = compared.rules.filter(({ refuses }) => refuses).map(({ rule }) => rule)
  throw new Error(
    `the new files would refuse ${compared.newlyRefused} of the last ${compared.records} accepted records ` +
      `(${rules.join(', ')}); mend them, or load them with imms programmes reload --force`
  )
}

/** Calls back when names, sizes or times of a folder's files have changed and then stayed the same for one look. */
function createFolderWatch(
  folder: URL,
  onChanged: () => void
): { start(everyMs: number): void; stop(): Promise<void> } {
  let timer: NodeJS.Timeout | undefined
  let looking: Promise<void> = Promise.resolve()
  let known: string | undefined
  let seen: string | undefined
  const look = async (): Promise<void> => {
    const found = await fingerprintOf(fileURLToPath(folder))
    known ??= found
    // A file that is still being written changes from look to look.
    if (found !== known && found === seen) {
      known = found
      onChanged()
    }
    seen = found
  }
  return {
    start(everyMs) {
      looking = look()
      timer = setInterval(() => {
        looking = looking.then(look)
      }, everyMs)
      timer.unref()
    },
    async stop() {
      clearInterval(timer)
      await looking
    }
  }
}

async function fingerprintOf(folder: string): Promise<string> {
  try {
    const names = await readdir(folder, { recursive: true })
    const files = names.filter((name) => name.endsWith('.yaml')).sort()
    const facts = await Promise.all(
      files.map(async (name) => {
        const { mtimeMs, size, ino } = await stat(path.join(folder, name))
        return `${name} ${mtimeMs} ${size} ${ino}`
      })
    )
    return facts.join('\n')
  } catch (error) {
    // A folder or file that is gone is a change like another; reading it will say so.
    return error instanceof Error ? error.message : String(error)
  }
}
