// The rule catalogues, read from profiles/ and compiled once.
import { pathToFileURL } from 'node:url'
import { parseDedupRules, type DedupRules } from './dedup/dedup-rules.js'
import { parseProductAncestry, type ProductAncestry } from './dedup/product-ancestry.js'
import { parseVaccineCodes, type VaccineCodes } from './programmes/vaccine-codes.js'
import { readCatalogue } from './validation/definitions/catalogue.js'
import { createValidator, type Validator } from './validation/validator.js'
import { PACKAGE_ROOT, readFolder, readOne } from './catalogues.js'
import type { Config } from './config.js'
import { createDeferredEngine, loadExpressionEngine } from './deferred-engine.js'
import { loadProgrammeSet, type ProgrammeGround, type ProgrammeSet } from './programme-set.js'
import { type PackageReport, readProfilePackages, reportPackages } from './profile-packages.js'

export interface Rules extends ProgrammeSet {
  validator: Validator
  /** What another set of programmes is compiled with. */
  ground: ProgrammeGround
  ancestry: ProductAncestry
  /** Undefined where no packages were asked for. */
  packages?: PackageReport
}

export interface RuleSources {
  /** Root of the catalogues; that of this package unless said. */
  profiles?: URL
  /** Folder of the programme files; programmes/ of `profiles` unless said. */
  programmes?: URL
  /** Official FHIR packages (.tgz), whose definitions take the place of ours. */
  archives?: readonly string[]
}

/** The sources that a configuration names. */
export function ruleSourcesOf({
  profilePackages,
  programmesDir
}: Pick<Config, 'profilePackages' | 'programmesDir'>): RuleSources {
  return {
    ...(profilePackages === undefined ? {} : { archives: profilePackages }),
    ...(programmesDir === undefined ? {} : { programmes: pathToFileURL(`${programmesDir}/`) })
  }
}

/** @throws Error naming the file and the fault; the service does not start on a bad catalogue */
export async function loadRules(sources: RuleSources = {}): Promise<Rules> {
  const { profiles = new URL('profiles/', PACKAGE_ROOT), programmes = new URL('programmes/', profiles) } = sources
  const [judging, codes, ancestry, dedup] = await Promise.all([
    loadValidator(profiles, sources.archives ?? []),
    loadVaccineCodes(profiles),
    readOne(new URL('terminology/product-ancestry.yaml', profiles), 'terminology/product-ancestry.yaml'),
    loadWeights(new URL('dedup/', profiles))
  ])
  const ground = { codes, dedup }
  const set = await loadProgrammeSet(programmes, ground)
  return { ...judging, ...set, ground, ancestry: parseProductAncestry(ancestry.name, ancestry.content) }
}

/** Of the files in the folder the highest version is in force; one with a fault refuses the start, whichever it is. */
async function loadWeights(folder: URL): Promise<DedupRules> {
  const files = await readFolder(folder, ['.yaml'])
  const byVersion = files
    .map(({ name, content }) => parseDedupRules(name, content))
    .sort((a, b) => a.version.localeCompare(b.version, 'en', { numeric: true }))
  const newest = byVersion.at(-1)
  if (newest === undefined)
    throw new Error('profiles/dedup/ holds no weights; a file such as dedup-1.0.0.yaml is needed')
  return newest
}

/** @throws Error naming the file and the fault */
export async function loadVaccineCodes(profiles = new URL('profiles/', PACKAGE_ROOT)): Promise<VaccineCodes> {
  const [products, procedures] = await Promise.all([
    readOne(new URL('terminology/vaccine-products.yaml', profiles), 'terminology/vaccine-products.yaml'),
    readOne(new URL('terminology/vaccination-procedures.yaml', profiles), 'terminology/vaccination-procedures.yaml')
  ])
  return {
    products: parseVaccineCodes(products.name, products.content),
    procedures: parseVaccineCodes(procedures.name, procedures.content)
  }
}

async function loadValidator(
  profiles: URL,
  archives: readonly string[]
): Promise<Pick<Rules, 'validator' | 'packages'>> {
  const folders = [new URL('r4/', profiles), new URL('uk-core/', profiles), new URL('terminology/', profiles)]
  const ours = (await Promise.all(folders.map((folder) => readFolder(folder, ['.json'])))).flat()
  const packages = await readProfilePackages(archives)
  const catalogue = readCatalogue(
    ours,
    packages.flatMap(({ files }) => files)
  )
  const deferred = createDeferredEngine()
  const validator = createValidator(catalogue, { engine: deferred })
  const uncheckedExpressions = deferred.isWanted() ? deferred.use(await loadExpressionEngine()) : []
  if (packages.length === 0) return { validator }
  return { validator, packages: { ...reportPackages(packages, ours), uncheckedExpressions } }
}

/** Which rules are in force, in one line: `programme rules 3f2a9c01b2d4 (flu-adult 2026.1, …); deduplication dedup-1.0.0`. */
export function describeRules({ version, programmeFiles, dedup }: ProgrammeSet): string {
  const active = programmeFiles.filter(({ status }) => status === 'active').map((file) => `${file.id} ${file.version}`)
  return `programme rules ${version} (${active.sort().join(', ')}); deduplication ${dedup.version}`
}
