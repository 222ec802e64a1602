// What validation is compiled from: definitions and value sets, gathered from parsed files. Reading files is the roof's.
import { isFactsFile, unpackDefinitions, unpackValueSets } from './r4-facts.js'
import {
  DefinitionError,
  isObject,
  type JsonObject,
  readStructureDefinition,
  splitCanonical,
  type StructureDefinition
} from './structure-definition.js'

/** A parsed file with the name it is spoken of, for example `profiles/uk-core/UKCore-Patient.json`. */
export interface CatalogueFile {
  name: string
  content: unknown
}

/** A definition with where it came from. `origin` ranks: a deployment package replaces ours of the same canonical. */
export interface LoadedDefinition {
  definition: StructureDefinition
  file: string
  origin: 'r4' | 'ours' | 'package'
}

export interface ValidationCatalogue {
  /** Canonical url without version -> every loaded version, the one to use by default first. */
  definitions: ReadonlyMap<string, readonly LoadedDefinition[]>
  /** Canonical url -> system -> codes, complete lists of base R4. */
  codeLists: ReadonlyMap<string, ReadonlyMap<string, readonly string[]>>
  /** Canonical url -> ValueSet resource. */
  valueSets: ReadonlyMap<string, JsonObject>
  /** Canonical url -> CodeSystem resource. */
  codeSystems: ReadonlyMap<string, JsonObject>
}

/**
 * Gathers the files of profiles/r4, profiles/uk-core and profiles/terminology, and those of deployment packages.
 * @throws DefinitionError naming the file and element that cannot be used
 */
export function readCatalogue(
  files: readonly CatalogueFile[],
  packageFiles: readonly CatalogueFile[] = []
): ValidationCatalogue {
  const definitions = new Map<string, LoadedDefinition[]>()
  const codeLists = new Map<string, ReadonlyMap<string, readonly string[]>>()
  const valueSets = new Map<string, JsonObject>()
  const codeSystems = new Map<string, JsonObject>()
  const packed = new Set<JsonObject>()
  const add = (loaded: LoadedDefinition): void => {
    const list = definitions.get(loaded.definition.url)
    if (list === undefined) definitions.set(loaded.definition.url, [loaded])
    else list.push(loaded)
  }
  const take = (content: unknown, file: string, origin: 'ours' | 'package'): void => {
    if (!isObject(content)) throw new DefinitionError(file, '', 'expected a JSON object')
    if (content['resourceType'] === 'StructureDefinition') {
      add({ definition: readStructureDefinition(content, file), file, origin })
    } else if (content['resourceType'] === 'ValueSet' || content['resourceType'] === 'CodeSystem') {
      const url = content['url']
      if (typeof url !== 'string')
        throw new DefinitionError(file, '', `${content['resourceType']}.url must be a string`)
      const shelf = content['resourceType'] === 'ValueSet' ? valueSets : codeSystems
      if (!isNoNewer(packed, shelf.get(url), content)) shelf.set(url, content)
      if (origin === 'package') packed.add(content)
    } else if (origin === 'ours') {
      throw new DefinitionError(file, '', 'expected a StructureDefinition, ValueSet or CodeSystem')
    }
  }
  for (const { name, content } of files) {
    if (isFactsFile(content)) {
      for (const definition of unpackDefinitions(content)) add({ definition, file: name, origin: 'r4' })
      for (const [url, systems] of unpackValueSets(content)) codeLists.set(url, systems)
    } else {
      take(content, name, 'ours')
    }
  }
  for (const { name, content } of packageFiles) take(content, name, 'package')
  for (const list of definitions.values()) list.sort(byRank)
  return { definitions, codeLists, valueSets, codeSystems }
}

/** The definition of a canonical `url` or `url|version`; with a version only that one. */
export function findDefinition(catalogue: ValidationCatalogue, canonical: string): LoadedDefinition | undefined {
  const { url, version } = splitCanonical(canonical)
  const list = catalogue.definitions.get(url)
  if (version === undefined || list === undefined) return list?.[0]
  // Base R4 canonicals are pinned to 4.0.1 in many packages; the facts carry no version of their own.
  return list.find(({ definition, origin }) => definition.version === version || origin === 'r4')
}

// Of several packages that hold a value set, the newest version counts, as for definitions; the first of equals.
function isNoNewer(packed: ReadonlySet<JsonObject>, known: JsonObject | undefined, content: JsonObject): boolean {
  if (known === undefined || !packed.has(known)) return false
  return compareVersions(versionOf(content), versionOf(known)) <= 0
}

function versionOf({ version }: JsonObject): string {
  return typeof version === 'string' ? version : ''
}

const RANKS = { package: 0, ours: 1, r4: 2 }

function byRank(a: LoadedDefinition, b: LoadedDefinition): number {
  const rank = RANKS[a.origin] - RANKS[b.origin]
  return rank !== 0 ? rank : compareVersions(b.definition.version ?? '', a.definition.version ?? '')
}

function compareVersions(a: string, b: string): number {
  return a.localeCompare(b, 'en', { numeric: true })
}
