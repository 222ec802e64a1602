// Reading the data files of this folder: one JSON Schema each, every fault named at once, by file and path.
import { Ajv2020, type ErrorObject } from 'ajv/dist/2020.js'
import { isAge } from './age.js'
import { isFullDate } from '../fhir/dates.js'
import { isSnomedConceptId } from '../fhir/snomed.js'

export interface FileProblem {
  /** JSON Pointer into the file, "" for the whole. A reader that kept the YAML can find the line. */
  path: string
  /** What is wrong and what to do. */
  message: string
  /** From 1, where the reader kept it. */
  line?: number
}

/** A file of profiles/ that cannot be used. The service does not start, or keeps the last good set. */
export class ProgrammeFileError extends Error {
  constructor(readonly problems: readonly (FileProblem & { file: string })[]) {
    super(
      problems
        .map(({ file, line, path, message }) => {
          const place = `${line === undefined ? '' : `:${line}`}${path === '' ? '' : ` at ${path}`}`
          return `${file}${place}: ${message}`
        })
        .join('\n')
    )
    this.name = 'ProgrammeFileError'
  }
}

/** @throws ProgrammeFileError when there is at least one problem */
export function refuseProblems(file: string, problems: readonly FileProblem[]): void {
  if (problems.length > 0) throw new ProgrammeFileError(problems.map((problem) => ({ file, ...problem })))
}

/**
 * Compiles a schema into a check that throws a ProgrammeFileError for a value that does not fit.
 * Formats beyond JSON Schema: `day` (a real YYYY-MM-DD), `age` (P3Y4M, P16W) and `snomed-concept` (digits, partition,
 * check digit).
 */
export function compileSchema(schema: Record<string, unknown>): (file: string, value: unknown) => void {
  const ajv = new Ajv2020({ allErrors: true, strict: true, allowUnionTypes: true })
  ajv.addFormat('day', isFullDate)
  ajv.addFormat('age', isAge)
  ajv.addFormat('snomed-concept', isSnomedConceptId)
  const validate = ajv.compile(schema)
  return (file, value) => {
    if (validate(value)) return
    throw new ProgrammeFileError(readProblems(validate.errors ?? []).map((problem) => ({ file, ...problem })))
  }
}

const FORMAT_MESSAGES: Readonly<Record<string, string>> = {
  day: 'must be a real day in quotes, "YYYY-MM-DD"',
  age: 'must be an age such as P16W or P3Y4M',
  'snomed-concept':
    'must be a SNOMED CT concept id in quotes; its check digit or partition is wrong, compare it with the source'
}

// `if` only says that a branch was entered; the branch's own errors say what is wrong.
function readProblems(errors: readonly ErrorObject[]): FileProblem[] {
  return errors
    .filter((error) => error.keyword !== 'if')
    .map((error) => ({ path: error.instancePath, message: describeError(error) }))
}

function describeError(error: ErrorObject): string {
  const params = error.params as Record<string, unknown>
  switch (error.keyword) {
    case 'additionalProperties':
      return `"${String(params['additionalProperty'])}" is not known here; remove it or mend its spelling`
    case 'required':
      return `"${String(params['missingProperty'])}" is missing; add it`
    case 'enum':
      return `must be one of ${(params['allowedValues'] as unknown[]).join(', ')}`
    case 'format':
      return FORMAT_MESSAGES[String(params['format'])] ?? 'has a wrong format'
    default:
      return `${error.message ?? 'is wrong'}; see the schema of the file`
  }
}
