// Reading the data files of deduplication: every fault named at once, by file and path.
import { Ajv2020, type ErrorObject } from 'ajv/dist/2020.js'
import { isSnomedConceptId } from '../fhir/snomed.js'

export interface FileFault {
  /** JSON Pointer into the file. */
  path: string
  /** What is wrong and what to do. */
  message: string
}

/** A file of weights or products that cannot be used: the service does not start on it. */
export class DedupFileError extends Error {
  constructor(
    readonly file: string,
    readonly faults: readonly FileFault[]
  ) {
    super(faults.map(({ path, message }) => `${file} at ${path === '' ? '/' : path}: ${message}`).join('\n'))
    this.name = 'DedupFileError'
  }
}

/** @throws DedupFileError when there is at least one fault */
export function refuseFaults(file: string, faults: readonly FileFault[]): void {
  if (faults.length > 0) throw new DedupFileError(file, faults)
}

/**
 * Compiles a JSON Schema (2020-12) into a check that throws a DedupFileError for a value that does not fit.
 * Format beyond JSON Schema: `snomed-concept` (digits, partition, check digit).
 */
export function compileFileCheck(schema: Record<string, unknown>): (file: string, value: unknown) => void {
  const ajv = new Ajv2020({ allErrors: true, strict: true })
  ajv.addFormat('snomed-concept', isSnomedConceptId)
  const validate = ajv.compile(schema)
  return (file, value) => {
    if (!validate(value)) throw new DedupFileError(file, (validate.errors ?? []).map(readFault))
  }
}

function readFault(error: ErrorObject): FileFault {
  const params = error.params as Record<string, unknown>
  const path = error.instancePath
  switch (error.keyword) {
    case 'additionalProperties':
      return {
        path,
        message: `"${String(params['additionalProperty'])}" is not known here; remove it or mend its spelling`
      }
    case 'required':
      return { path, message: `"${String(params['missingProperty'])}" is missing; add it` }
    case 'enum':
      return { path, message: `must be one of ${(params['allowedValues'] as unknown[]).join(', ')}` }
    case 'format':
      return {
        path,
        message: 'must be a SNOMED CT concept id in quotes with a right check digit; compare it with its source'
      }
    default:
      return { path, message: error.message ?? 'is wrong' }
  }
}
