// What operations staff do with programme files: the rules of a running service, kept up to date, audited and rehearsed.
import { compareVerdicts } from './ingest/compare-verdicts.js'
import type { ProgrammeDesk } from './http/ops-programmes.js'
import { overlaps } from './programmes/day-range.js'
import { parseProgramme } from './programmes/parse-programme.js'
import { createProgrammeRules, type ProgrammeRules } from './programmes/programme-rules.js'
import type { Programme } from './programmes/programme.js'
import { PACKAGE_ROOT, parseCatalogueFile } from './catalogues.js'
import { createLiveRules, type LiveRules } from './live-rules.js'
import type { Log } from './log.js'
import { withLines } from './programme-set.js'
import type { Rules, RuleSources } from './rules.js'
import type { Parts } from './service-parts.js'

/** Records that a new set is tried on before it comes into force. */
const TRIED_RECORDS = 500
const LOOK_EVERY_MS = 2000

export function openLiveRules(
  { database, now, chainId }: Pick<Parts, 'database' | 'now' | 'chainId'>,
  rules: Rules,
  sources: RuleSources,
  log: Log
): LiveRules {
  const live = createLiveRules({
    rules,
    folder: sources.programmes ?? new URL('profiles/programmes/', PACKAGE_ROOT),
    now,
    log,
    tryOn: (next) =>
      compareVerdicts(database.stores, { current: live.rules.programmes, next }, { limit: TRIED_RECORDS }, now()),
    async onChanged({ cause, actor = 'service', reason, force }, { version, programmes }) {
      const entry = {
        at: now(),
        actor,
        action: 'programmes.load',
        detail: {
          cause,
          version,
          ...(reason === undefined ? {} : { reason }),
          ...(force === true ? { force } : {}),
          programmes: programmes.map((one) => `${one.id} ${one.version} ${one.status}`)
        }
      }
      await database.transaction((stores) => stores.audit.append(chainId, [entry]))
    }
  })
  live.watch(LOOK_EVERY_MS)
  return live
}

export function createProgrammeDesk(
  live: LiveRules,
  { database, now }: Pick<Parts, 'database' | 'now'>
): ProgrammeDesk {
  return {
    status: () => live.status(),
    reload: (by) => live.reload({ cause: 'operations call', ...by }),
    async rehearse({ name, text }, { since, before, limit }) {
      const file = parseCatalogueFile(name, text)
      const { programme, next } = withLines([file], () => {
        const parsed = parseProgramme(file.name, file.content)
        return { programme: parsed, next: replaceProgramme(live.rules, parsed) }
      })
      const scan = { vaccineTypes: [programme.vaccineType], ...(since === undefined ? {} : { since }) }
      const total = await database.stores.recordScan.count(scan)
      const compared = await compareVerdicts(
        database.stores,
        { current: live.rules.programmes, next },
        { ...scan, limit, ...(before === undefined ? {} : { before }) },
        now()
      )
      return { ...compared, total }
    }
  }
}

// The file as if it were active, in the place of files of the same id whose time it covers.
function replaceProgramme({ programmeFiles, ground }: Rules, programme: Programme): ProgrammeRules {
  const { from, to = '9999-12-31' } = programme.effective
  const others = programmeFiles.filter(
    ({ id, effective }) => id !== programme.id || !overlaps({ first: from, last: to }, effective)
  )
  return createProgrammeRules([...others, { ...programme, status: 'active' }], ground.codes)
}
