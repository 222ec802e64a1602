// Official FHIR packages of a deployment (PROFILE_PACKAGES): unpacked within limits, in memory, and read as definitions.
import { readFile, stat } from 'node:fs/promises'
import { promisify } from 'node:util'
import { gunzip } from 'node:zlib'
import type { CatalogueFile } from './validation/definitions/catalogue.js'
import {
  isDefinitionPath,
  PACKAGE_LIMITS,
  type DefinitionPackage,
  type PackageLimits,
  type PackedFile,
  readPackage
} from './validation/definitions/definition-package.js'
import { DefinitionError, isObject } from './validation/definitions/structure-definition.js'
import { readTarFiles, TarError } from './tar-files.js'

export interface ArchiveLimits extends PackageLimits {
  /** Of the .tgz itself, and of what comes out of it. */
  maxPackedBytes: number
  maxUnpackedBytes: number
}

/** UK Core is 0.6 MB packed and about 20 MB unpacked; these leave room and keep a bomb from filling the memory. */
export const ARCHIVE_LIMITS: ArchiveLimits = {
  ...PACKAGE_LIMITS,
  maxPackedBytes: 50_000_000,
  maxUnpackedBytes: 160_000_000
}

/** What was loaded, for the log line at start. */
export interface PackageReport {
  packages: { archive: string; name: string; version: string; definitions: number }[]
  /** Canonicals of ours whose place was taken. */
  replaced: string[]
  /** What was left out of the packages, and why. */
  remarks: string[]
  /** Invariants that nobody can evaluate here, as `Type: expression`: each record they apply to gets a warning. */
  uncheckedExpressions: readonly string[]
}

const unzip = promisify(gunzip)

/**
 * Reads the packages in the order given.
 * @throws DefinitionError of one line that names the archive and, where there is one, the file inside it
 */
export async function readProfilePackages(
  archives: readonly string[],
  limits: ArchiveLimits = ARCHIVE_LIMITS
): Promise<(DefinitionPackage & { archive: string })[]> {
  const packages = []
  // One after the other: each may hold as much memory as the limits allow.
  for (const archive of archives) {
    const bytes = await unpack(archive, limits)
    packages.push({ ...readPackage(archive, packedFiles(archive, bytes, limits), limits), archive })
  }
  return packages
}

/** What came of loading `packages` beside the files of ours. */
export function reportPackages(
  packages: readonly (DefinitionPackage & { archive: string })[],
  ours: readonly CatalogueFile[]
): Omit<PackageReport, 'uncheckedExpressions'> {
  const known = new Set(ours.flatMap(({ content }) => canonicalsOf(content)))
  const loaded = packages.flatMap(({ files }) => files.flatMap(({ content }) => canonicalsOf(content)))
  return {
    packages: packages.map(({ archive, name, version, files }) => ({
      archive,
      name,
      version,
      definitions: files.length
    })),
    replaced: [...new Set(loaded)].filter((canonical) => known.has(canonical)).sort(),
    remarks: packages.flatMap(({ archive, remarks }) => remarks.map((remark) => `${archive}: ${remark}`))
  }
}

function canonicalsOf(content: unknown): string[] {
  return isObject(content) && typeof content['url'] === 'string' ? [content['url']] : []
}

async function unpack(archive: string, limits: ArchiveLimits): Promise<Buffer> {
  const packed = await readPacked(archive, limits)
  try {
    return await unzip(packed, { maxOutputLength: limits.maxUnpackedBytes })
  } catch (cause) {
    if (codeOf(cause) === 'ERR_BUFFER_TOO_LARGE')
      throw new DefinitionError(archive, '', `is larger than ${limits.maxUnpackedBytes} bytes when unpacked`)
    throw new DefinitionError(archive, '', `cannot be unpacked (${codeOf(cause)}): a gzip file is expected`)
  }
}

async function readPacked(archive: string, { maxPackedBytes }: ArchiveLimits): Promise<Buffer> {
  try {
    const { size } = await stat(archive)
    if (size <= maxPackedBytes) return await readFile(archive)
  } catch (cause) {
    throw new DefinitionError(archive, '', `cannot be read (${codeOf(cause)}); PROFILE_PACKAGES names it`)
  }
  throw new DefinitionError(archive, '', `is larger than ${maxPackedBytes} bytes`)
}

function packedFiles(archive: string, bytes: Buffer, { maxFiles }: ArchiveLimits): PackedFile[] {
  try {
    // Files that nobody reads are handed on by name only: their paths are checked all the same.
    return readTarFiles(bytes, isWanted, maxFiles).map((file) => ({
      path: file.path,
      text: file.bytes === undefined ? '' : decode(archive, file.path, file.bytes)
    }))
  } catch (error) {
    if (error instanceof TarError) throw new DefinitionError(archive, error.path, error.what)
    throw error
  }
}

function isWanted(path: string): boolean {
  return path === 'package/package.json' || isDefinitionPath(path)
}

function decode(archive: string, path: string, bytes: Buffer): string {
  try {
    return new TextDecoder('utf-8', { fatal: true }).decode(bytes)
  } catch {
    throw new DefinitionError(archive, path, 'is not UTF-8')
  }
}

function codeOf(error: unknown): string {
  return error instanceof Error && 'code' in error ? String(error.code) : 'unreadable'
}
