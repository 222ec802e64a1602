// The rule catalogues, read from profiles/ and compiled once.
import { createHash } from 'node:crypto'
import { parseDedupRules, withProgrammeWindows, type DedupRules, type EventWindow } from './dedup/dedup-rules.js'
import { parseProductAncestry, type ProductAncestry } from './dedup/product-ancestry.js'
import type { VaccineType } from './fhir/vaccine-types.js'
import { isProgrammeFile, parseProgramme } from './programmes/parse-programme.js'
import type { Programme } from './programmes/programme.js'
import { createProgrammeRules, type ProgrammeRules } from './programmes/programme-rules.js'
import { parseVaccineCodes } from './programmes/vaccine-codes.js'
import { readCatalogue } from './validation/definitions/catalogue.js'
import { createValidator, type Validator } from './validation/validator.js'
import { PACKAGE_ROOT, readFolder, readOne } from './catalogues.js'
import { createDeferredEngine, loadExpressionEngine } from './deferred-engine.js'
import { type PackageReport, readProfilePackages, reportPackages } from './profile-packages.js'

export interface Rules {
  validator: Validator
  programmes: ProgrammeRules
  programmeFiles: readonly Programme[]
  dedup: DedupRules
  ancestry: ProductAncestry
  /** Undefined where no packages were asked for. */
  packages?: PackageReport
}

/** Version of the weights in force; the file of that name lies in profiles/dedup/. */
const DEDUP_VERSION = 'dedup-1.0.0'

/**
 * `archives`: official FHIR packages (.tgz), whose definitions take the place of ours.
 * @throws Error naming the file and the fault; the service does not start on a bad catalogue
 */
export async function loadRules(
  profiles: URL = new URL('profiles/', PACKAGE_ROOT),
  archives: readonly string[] = []
): Promise<Rules> {
  const [r4, ukCore, valueSets, programmeFolder, products, procedures, ancestry, dedup] = await Promise.all([
    readFolder(new URL('r4/', profiles), ['.json']),
    readFolder(new URL('uk-core/', profiles), ['.json']),
    readFolder(new URL('terminology/', profiles), ['.json']),
    readFolder(new URL('programmes/', profiles), ['.yaml']),
    readOne(new URL('terminology/vaccine-products.yaml', profiles), 'terminology/vaccine-products.yaml'),
    readOne(new URL('terminology/vaccination-procedures.yaml', profiles), 'terminology/vaccination-procedures.yaml'),
    readOne(new URL('terminology/product-ancestry.yaml', profiles), 'terminology/product-ancestry.yaml'),
    readOne(new URL(`dedup/${DEDUP_VERSION}.yaml`, profiles), `${DEDUP_VERSION}.yaml`)
  ])
  const ours = [...r4, ...ukCore, ...valueSets]
  const packages = await readProfilePackages(archives)
  const catalogue = readCatalogue(
    ours,
    packages.flatMap(({ files }) => files)
  )
  const deferred = createDeferredEngine()
  const validator = createValidator(catalogue, { engine: deferred })
  const uncheckedExpressions = deferred.isWanted() ? deferred.use(await loadExpressionEngine()) : []
  const programmeFiles = programmeFolder
    .filter(({ name }) => isProgrammeFile(name))
    .map(({ name, content }) => parseProgramme(name, content))
  const codes = {
    products: parseVaccineCodes(products.name, products.content),
    procedures: parseVaccineCodes(procedures.name, procedures.content)
  }
  return {
    validator,
    programmes: createProgrammeRules(programmeFiles, codes),
    programmeFiles,
    dedup: withProgrammeWindows(parseDedupRules(dedup.name, dedup.content), windowsOf(programmeFiles)),
    ancestry: parseProductAncestry(ancestry.name, ancestry.content),
    ...(packages.length === 0 ? {} : { packages: { ...reportPackages(packages, ours), uncheckedExpressions } })
  }
}

/** Which rules are in force, in one line: `programme rules 3f2a9c01b2d4 (flu-adult 2026.1, …); deduplication dedup-1.0.0`. */
export function describeRules({ programmeFiles, dedup }: Pick<Rules, 'programmeFiles' | 'dedup'>): string {
  const active = programmeFiles
    .filter(({ status }) => status === 'active')
    .map(({ id, version }) => `${id} ${version}`)
    .sort()
    .join(', ')
  const digest = createHash('sha256').update(active).digest('hex').slice(0, 12)
  return `programme rules ${digest} (${active}); deduplication ${dedup.version}`
}

// Of several active files for one vaccine type, the widest window: the pair decides later what it is.
function windowsOf(programmes: readonly Programme[]): Partial<Record<VaccineType, Partial<EventWindow>>> {
  const windows: Partial<Record<VaccineType, Partial<EventWindow>>> = {}
  for (const { status, vaccineType, dedup } of programmes) {
    if (status !== 'active' || dedup === undefined) continue
    const known = windows[vaccineType]
    windows[vaccineType] = {
      ...dedup,
      ...(dedup.windowDays === undefined ? {} : { windowDays: Math.max(dedup.windowDays, known?.windowDays ?? 0) })
    }
  }
  return windows
}
