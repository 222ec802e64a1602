// From the value of a YAML file to a Programme, or an error that names file, path and what to do.
import { compileSchema, refuseProblems } from './file-schema.js'
import { lintProgramme } from './lint-programme.js'
import { PROGRAMME_SCHEMA } from './programme-schema.js'
import type { Programme } from './programme.js'

const checkSchema = compileSchema(PROGRAMME_SCHEMA)

/**
 * Reads one programme file after YAML (1.2 core schema: `on` and `yes` stay texts).
 * `fileName` is kept and stands in every issue's diagnostics: give it relative to the programmes folder.
 * @throws ProgrammeFileError naming file, path and what to do, for everything that is wrong at once
 */
export function parseProgramme(fileName: string, value: unknown): Programme {
  checkSchema(fileName, value)
  const programme: Programme = { ...(value as Omit<Programme, 'file'>), file: fileName }
  refuseProblems(fileName, lintProgramme(programme))
  return programme
}

/** Whether a file of the programmes folder holds a programme: `1.0.0.yaml` does, `1.0.0.cases.yaml` and others do not. */
export function isProgrammeFile(fileName: string): boolean {
  return /(^|\/)\d+\.\d+\.\d+\.yaml$/.test(fileName)
}
