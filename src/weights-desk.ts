// What operations staff do with weights of deduplication: try other ones on what is stored.
import { DedupFileError } from './dedup/data-file.js'
import { parseDedupRules } from './dedup/dedup-rules.js'
import type { WeightsDesk } from './http/ops-duplicates.js'
import { compareWeights } from './review/compare-weights.js'
import { parseCatalogueFile } from './catalogues.js'
import type { LiveRules } from './live-rules.js'
import { withWindowsOf } from './programme-set.js'
import type { Parts } from './service-parts.js'

/** Weights of deduplication, tried on stored records beside those in force, with the windows of the programmes. */
export function createWeightsDesk(
  { rules }: Pick<LiveRules, 'rules'>,
  { database, now }: Pick<Parts, 'database' | 'now'>
): WeightsDesk {
  return {
    async rehearse({ name, text }, { since, after, limit }) {
      const next = withWindowsOf(rules.programmeFiles, parseDedupRules(name, parseWeights(name, text)))
      const scan = since === undefined ? {} : { since }
      const compared = await compareWeights(
        database.stores,
        { current: rules.dedup, next, ancestry: rules.ancestry },
        { ...scan, limit, ...(after === undefined ? {} : { after }) },
        now()
      )
      const total = await database.stores.recordScan.countPatients(scan)
      return { ...compared, total, currentVersion: rules.dedup.version, nextVersion: next.version }
    }
  }
}

function parseWeights(name: string, text: string): unknown {
  try {
    return parseCatalogueFile(name, text).content
  } catch (error) {
    throw new DedupFileError(name, [{ path: '', message: error instanceof Error ? error.message : 'is not YAML' }])
  }
}
