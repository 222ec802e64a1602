// An official FHIR package, already unpacked by the roof: which of its files are definitions, and what is wrong with it.
// Layout: https://hl7.org/fhir/packages.html (package/package.json, definitions beside it, examples in a folder below).
import type { CatalogueFile } from './catalogue.js'
import { DefinitionError, isObject, type JsonObject } from './structure-definition.js'

export interface PackedFile {
  /** As it stands in the archive: `package/StructureDefinition-UKCore-Patient.json`. */
  path: string
  text: string
}

export interface DefinitionPackage {
  name: string
  version: string
  files: CatalogueFile[]
  /** What was left out and why, for the log. */
  remarks: string[]
}

export interface PackageLimits {
  maxFiles: number
  /** Of one file and of all together, after unpacking. */
  maxCharacters: number
  maxTotalCharacters: number
}

export const PACKAGE_LIMITS: PackageLimits = {
  maxFiles: 20_000,
  maxCharacters: 20_000_000,
  maxTotalCharacters: 150_000_000
}

const DEFINITIONS = new Set(['StructureDefinition', 'ValueSet', 'CodeSystem'])

/**
 * Sorts the files of a package.
 * @throws DefinitionError naming archive and file: a path that leaves the package, broken JSON, too much of anything, no
 * package.json, or a package for another version of FHIR
 */
export function readPackage(
  archive: string,
  packed: readonly PackedFile[],
  limits: PackageLimits = PACKAGE_LIMITS
): DefinitionPackage {
  checkSize(archive, packed, limits)
  for (const { path } of packed) checkPath(archive, path)
  const manifest = packed.find((file) => file.path === 'package/package.json')
  if (manifest === undefined)
    throw new DefinitionError(archive, 'package/package.json', 'is missing: is this a FHIR package?')
  const { name, version, remarks } = readManifest(archive, manifest)
  const files: CatalogueFile[] = []
  for (const file of packed) {
    if (!isDefinitionPath(file.path)) continue
    const content = parse(archive, file)
    const unused = reasonToSkip(content)
    if (unused === undefined) files.push({ name: `${archive}: ${file.path}`, content })
    else if (unused !== '') remarks.push(`${file.path} ${unused}`)
  }
  return { name, version, files, remarks }
}

function checkSize(archive: string, packed: readonly PackedFile[], limits: PackageLimits): void {
  if (packed.length > limits.maxFiles)
    throw new DefinitionError(archive, '', `holds more than ${limits.maxFiles} files`)
  let total = 0
  for (const { path, text } of packed) {
    total += text.length
    if (text.length > limits.maxCharacters) throw new DefinitionError(archive, path, 'is too large for a definition')
  }
  if (total > limits.maxTotalCharacters) throw new DefinitionError(archive, '', 'is too large when unpacked')
}

function checkPath(archive: string, path: string): void {
  const isOutside = path.startsWith('/') || /^[A-Za-z]:/.test(path) || path.includes('\\') || path.includes('\0')
  if (isOutside || path.split('/').includes('..')) {
    throw new DefinitionError(archive, path, 'leaves the package: nothing of it is used')
  }
}

function readManifest(archive: string, file: PackedFile): { name: string; version: string; remarks: string[] } {
  const manifest = parse(archive, file)
  const { name, version } = manifest
  if (typeof name !== 'string' || typeof version !== 'string') {
    throw new DefinitionError(archive, file.path, 'must name the package and its version')
  }
  const listed = manifest['fhirVersions'] ?? manifest['fhir-version-list']
  const fhirVersions: unknown[] = Array.isArray(listed) ? listed : []
  if (fhirVersions.length > 0 && !fhirVersions.some((one) => String(one).startsWith('4.0'))) {
    throw new DefinitionError(archive, file.path, `is for FHIR ${fhirVersions.map(String).join(', ')}, needed is 4.0.1`)
  }
  return { name, version, remarks: dependencyRemarks(manifest['dependencies']) }
}

// Base R4 is ours; R5 is only named for back-ported extensions, which UK Core declares itself.
function dependencyRemarks(dependencies: unknown): string[] {
  const names = isObject(dependencies) ? Object.keys(dependencies) : []
  return names
    .filter((name) => name !== 'hl7.fhir.r4.core' && name !== 'hl7.fhir.r4.expansions')
    .map((name) => `depends on ${name}, which is not fetched: load it beside this package if a definition needs it`)
}

/** Whether a file of a package may hold a definition: JSON in its main folder; examples lie in folders below. */
export function isDefinitionPath(path: string): boolean {
  const [folder, name, ...rest] = path.split('/')
  if (folder !== 'package' || name === undefined || rest.length > 0) return false
  return name.endsWith('.json') && name !== 'package.json' && !name.startsWith('.')
}

// Undefined for what is used; empty for other kinds of resource, which nobody misses.
function reasonToSkip(content: JsonObject): string | undefined {
  const type = content['resourceType']
  if (typeof type !== 'string' || !DEFINITIONS.has(type)) return ''
  if (content['kind'] === 'logical') return 'is a logical model: not used'
  const fhirVersion = content['fhirVersion']
  if (type === 'StructureDefinition' && typeof fhirVersion === 'string' && !fhirVersion.startsWith('4.0')) {
    return `is for FHIR ${fhirVersion}: not used`
  }
  return undefined
}

function parse(archive: string, file: PackedFile): JsonObject {
  let content: unknown
  try {
    content = JSON.parse(file.text.startsWith('\uFEFF') ? file.text.slice(1) : file.text)
  } catch (cause) {
    throw new DefinitionError(
      archive,
      file.path,
      // V8 quotes what stands there, line breaks included.
      `is not JSON (${cause instanceof Error ? cause.message.replace(/\s+/g, ' ') : 'unreadable'})`
    )
  }
  if (!isObject(content)) throw new DefinitionError(archive, file.path, 'must be a JSON object')
  return content
}
