// Programme files for the command line: read, checked and explained without a service.
import { readFile } from 'node:fs/promises'
import path from 'node:path'
import { fileURLToPath } from 'node:url'
import type { CheckedFile, ProgrammeFiles } from './cli/cli-deps.js'
import { parseJson } from './fhir/parse-json.js'
import { FhirError } from './fhir/operation-outcome.js'
import { findIssues } from './ingest/judge.js'
import { ProgrammeFileError } from './programmes/file-schema.js'
import { lintProgrammes } from './programmes/lint-programmes.js'
import { isProgrammeFile, parseProgramme } from './programmes/parse-programme.js'
import { findFailedCases, parseProgrammeCases } from './programmes/programme-cases.js'
import type { Programme } from './programmes/programme.js'
import type { VaccineCodes } from './programmes/vaccine-codes.js'
import { listFolder, PACKAGE_ROOT, parseCatalogueFile, readFolder, readOne, type CatalogueFile } from './catalogues.js'
import { withLines } from './programme-set.js'
import { loadVaccineCodes, type Rules, type RuleSources } from './rules.js'

export function createProgrammeFiles(
  { programmes: folder = new URL('profiles/programmes/', PACKAGE_ROOT) }: RuleSources,
  readRules: () => Promise<Rules>
): ProgrammeFiles {
  const list = async (): Promise<Programme[]> => {
    const files = await readFolder(folder, ['.yaml'])
    return withLines(files, () =>
      files.filter(({ name }) => isProgrammeFile(name)).map(({ name, content }) => parseProgramme(name, content))
    )
  }
  return {
    list,
    async read(name) {
      const text = await readFile(name, 'utf8')
      const file = parseCatalogueFile(name, text)
      return { text, programme: withLines([file], () => parseProgramme(name, file.content)) }
    },
    async check(paths) {
      const codes = await loadVaccineCodes()
      const others = await readOthers(folder)
      const wanted = paths.length > 0 ? paths.map(ofCases) : others.map(({ path: found }) => found)
      const checked = await Promise.all([...new Set(wanted)].map((one) => checkAlone(one, codes)))
      return checkTogether(checked, others, codes)
    },
    async explain(text) {
      try {
        const { issues, read } = findIssues(parseJson(Buffer.from(text)).value, await readRules(), new Date())
        return read === undefined
          ? { issues, checks: [] }
          : { issues, checks: read.verdict.explain([]), facts: read.facts }
      } catch (error) {
        if (error instanceof FhirError) return { issues: [...error.issues], checks: [] }
        throw error
      }
    }
  }
}

interface Alone extends CheckedFile {
  source?: CatalogueFile
  programme?: Programme
}

interface Other {
  path: string
  programme?: Programme
}

/** Of the cases beside a programme file its own name. */
function ofCases(name: string): string {
  return name.replace(/\.cases\.yaml$/, '.yaml')
}

// Another file that cannot be read is not the fault of the one being checked.
async function readOthers(folder: URL): Promise<Other[]> {
  const names = (await listFolder(folder, ['.yaml'])).filter(isProgrammeFile)
  return Promise.all(
    names.map(async (name) => {
      const place = path.relative(process.cwd(), path.join(fileURLToPath(folder), name))
      try {
        const { content } = await readOne(new URL(name, folder), place)
        return { path: place, programme: parseProgramme(place, content) }
      } catch {
        return { path: place }
      }
    })
  )
}

async function checkAlone(name: string, codes: VaccineCodes): Promise<Alone> {
  const faults: string[] = []
  if (!isProgrammeFile(name))
    faults.push(`${name}: a service reads files that are named by their version, 1.0.0.yaml; give it that name`)
  const source = await readSource(name, faults)
  const programme = source === undefined ? undefined : trying(faults, [source], () => parse(name, source))
  const casesName = name.replace(/\.yaml$/, '.cases.yaml')
  const casesFile = casesName === name ? undefined : await readSource(casesName, faults, true)
  const found: Alone = { file: name, faults }
  if (source !== undefined) found.source = source
  if (programme === undefined) return found
  found.programme = programme
  if (casesFile === undefined) return found
  const cases = trying(faults, [casesFile], () => {
    const parsed = parseProgrammeCases(casesName, casesFile.content)
    const failed = findFailedCases(programme, parsed, codes)
    if (failed.length > 0) throw new ProgrammeFileError(failed.map((problem) => ({ file: casesName, ...problem })))
    return parsed
  })
  return { ...found, ...(cases === undefined ? {} : { cases: cases.cases.length }) }
}

function parse(name: string, { content }: CatalogueFile): Programme {
  const programme = parseProgramme(name, content)
  if (path.basename(name) === `${programme.version}.yaml` || !isProgrammeFile(name)) return programme
  throw new ProgrammeFileError([
    {
      file: name,
      path: '/version',
      message: `is ${programme.version}, which is not the name of the file; make them agree`
    }
  ])
}

async function readSource(name: string, faults: string[], mayLack = false): Promise<CatalogueFile | undefined> {
  try {
    return parseCatalogueFile(name, await readFile(name, 'utf8'))
  } catch (error) {
    if (!isMissing(error)) faults.push(syntaxFault(name, error))
    else if (!mayLack) faults.push(`${name}: there is no such file`)
    return undefined
  }
}

function isMissing(error: unknown): boolean {
  return error instanceof Error && 'code' in error && error.code === 'ENOENT'
}

function syntaxFault(name: string, error: unknown): string {
  const message = error instanceof Error ? (error.message.split('\n')[0] ?? '') : String(error)
  const line = /at line (\d+)/.exec(message)?.[1]
  return line === undefined ? message : message.replace(name, `${name}:${line}`)
}

function trying<Result>(faults: string[], files: readonly CatalogueFile[], work: () => Result): Result | undefined {
  try {
    return withLines(files, work)
  } catch (error) {
    if (!(error instanceof ProgrammeFileError)) throw error
    faults.push(...error.message.split('\n'))
    return undefined
  }
}

function checkTogether(checked: readonly Alone[], others: readonly Other[], codes: VaccineCodes): CheckedFile[] {
  const own = checked.flatMap(({ programme }) => programme ?? [])
  const isOwn = (one: Programme): boolean =>
    own.some(
      ({ file, id, version }) =>
        path.resolve(file) === path.resolve(one.file) || `${id} ${version}` === `${one.id} ${one.version}`
    )
  const rest = others.flatMap(({ programme }) => (programme === undefined || isOwn(programme) ? [] : [programme]))
  const problems = lintProgrammes([...rest, ...own], codes)
  return checked.map(({ source, programme: _programme, ...one }) => {
    const mine = problems.filter(({ file }) => file === one.file)
    if (mine.length === 0 || source === undefined) return one
    const faults = [...one.faults]
    trying(faults, [source], () => {
      throw new ProgrammeFileError(mine)
    })
    return { ...one, faults }
  })
}
