// The programme files of a folder as one set: read, checked together, tried on their own cases, and compiled.
import { createHash } from 'node:crypto'
import { type DedupRules, type EventWindow, withProgrammeWindows } from './dedup/dedup-rules.js'
import type { VaccineType } from './fhir/vaccine-types.js'
import { ProgrammeFileError } from './programmes/file-schema.js'
import { isProgrammeFile, parseProgramme } from './programmes/parse-programme.js'
import { findFailedCases, parseProgrammeCases } from './programmes/programme-cases.js'
import type { Programme } from './programmes/programme.js'
import { createProgrammeRules, type ProgrammeRules } from './programmes/programme-rules.js'
import type { VaccineCodes } from './programmes/vaccine-codes.js'
import { type CatalogueFile, readFolder } from './catalogues.js'

/** What the programme files say, all of it from one reading of the folder. */
export interface ProgrammeSet {
  /** Of the files' content: the same files give the same version. */
  version: string
  programmes: ProgrammeRules
  programmeFiles: readonly Programme[]
  dedup: DedupRules
}

/** What a set is compiled with and does not change while the service runs. */
export interface ProgrammeGround {
  codes: VaccineCodes
  /** Without the windows of programmes. */
  dedup: DedupRules
}

/** @throws Error naming file, line and fault, of every fault of one kind at once */
export async function loadProgrammeSet(folder: URL, ground: ProgrammeGround): Promise<ProgrammeSet> {
  return compileProgrammeSet(await readFolder(folder, ['.yaml']), ground)
}

/** As {@link loadProgrammeSet}, of files that were read already. */
export function compileProgrammeSet(files: readonly CatalogueFile[], ground: ProgrammeGround): ProgrammeSet {
  return withLines(files, () => {
    const programmeFiles = files
      .filter(({ name }) => isProgrammeFile(name))
      .map(({ name, content }) => parseProgramme(name, content))
    const programmes = createProgrammeRules(programmeFiles, ground.codes)
    refuseFailedCases(files, programmeFiles, ground.codes)
    return {
      version: versionOf(files),
      programmes,
      programmeFiles,
      dedup: withWindowsOf(programmeFiles, ground.dedup)
    }
  })
}

/** Weights with the windows that these programmes state. */
export function withWindowsOf(programmes: readonly Programme[], dedup: DedupRules): DedupRules {
  return withProgrammeWindows(dedup, windowsOf(programmes))
}

// The cases beside a file are its author's own word on what it must say.
function refuseFailedCases(
  files: readonly CatalogueFile[],
  programmes: readonly Programme[],
  codes: VaccineCodes
): void {
  const failed = programmes.flatMap((programme) => {
    const casesFile = programme.file.replace(/\.yaml$/, '.cases.yaml')
    const found = files.find(({ name }) => name === casesFile)
    if (found === undefined) return []
    const problems = findFailedCases(programme, parseProgrammeCases(casesFile, found.content), codes)
    return problems.map((problem) => ({ file: casesFile, ...problem }))
  })
  if (failed.length > 0) throw new ProgrammeFileError(failed)
}

/** The files keep their lines; the checks, that see values only, name places within a file by JSON Pointer. */
export function withLines<Result>(files: readonly CatalogueFile[], work: () => Result): Result {
  try {
    return work()
  } catch (error) {
    if (!(error instanceof ProgrammeFileError)) throw error
    throw new ProgrammeFileError(
      error.problems.map((problem) => {
        const line = files.find(({ name }) => name === problem.file)?.lineOf?.(problem.path)
        return line === undefined ? problem : { ...problem, line }
      })
    )
  }
}

function versionOf(files: readonly CatalogueFile[]): string {
  const relevant = files.filter(({ name }) => isProgrammeFile(name)).map(({ name, content }) => [name, content])
  return createHash('sha256').update(JSON.stringify(relevant)).digest('hex').slice(0, 12)
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
