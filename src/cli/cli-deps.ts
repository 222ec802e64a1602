// What the roof hands to the command line tool: nothing here is read from the environment.
import type { ImmunizationFacts } from '../fhir/immunization.js'
import type { Issue } from '../fhir/issue.js'
import type { CheckVerdict } from '../programmes/explain-check.js'
import type { Programme } from '../programmes/programme.js'
import type { Validator } from '../validation/validator.js'
import type { Output } from './terminal.js'

export interface CliSettings {
  /** Base URL of the service, unless --url says another. */
  url: string
  token?: string
  /** False forbids colours; true allows them on a terminal. */
  colour: boolean
}

export interface TokenRequest {
  client: string
  /** Space separated, as in OAuth; undefined for the development default. */
  scope?: string
  /** `FLU.CRUDS`; undefined for the development default. */
  permissions?: string[]
  /** Empty objects, arrays and nulls are cut out rather than refused. */
  tolerant?: boolean
  /** What a register elsewhere holds of its patients is looked up. */
  existingRecords?: boolean
}

/** What there is to know of the compiled profiles. */
export type ProfileKnowledge = Pick<Validator, 'profiles' | 'describe' | 'jsonSchema'>

/** Programme files without a service: those of PROGRAMMES_DIR, or those that come with it. */
export interface ProgrammeFiles {
  /** Those of the folder. @throws Error whose message says, a line each, what is wrong */
  list(): Promise<readonly Programme[]>
  /** One file wherever it lies. @throws Error whose message says, a line each, what is wrong */
  read(path: string): Promise<{ programme: Programme; text: string }>
  /** Each file alone, with its cases, and together with the folder; without paths, those of the folder. */
  check(paths: readonly string[]): Promise<CheckedFile[]>
  /** What every check saw in and said of an Immunization. @throws Error of the folder, as above */
  explain(text: string): Promise<ExplainedRecord>
}

export interface CheckedFile {
  file: string
  /** Cases beside it; undefined when there is no such file. */
  cases?: number
  /** `file:line: what is wrong and what to do`; none when all is well. */
  faults: string[]
}

export interface ExplainedRecord {
  issues: Issue[]
  checks: CheckVerdict[]
  /** Undefined when a fault of FHIR makes the record unreadable for the rules. */
  facts?: ImmunizationFacts
}

export interface CliDeps {
  settings: CliSettings
  /** The verdict that the API would give, without a database: no identity, no duplicates. */
  validate(text: string): Issue[] | Promise<Issue[]>
  readProfiles(): Promise<ProfileKnowledge>
  programmes: ProgrammeFiles
  /** Makes a development token. @throws Error with a sentence that says why there can be none */
  issueToken(request: TokenRequest): Promise<string>
  stdout: Output
  stderr: Output
  stdin: NodeJS.ReadableStream & { isTTY?: boolean }
  now(): Date
  wait(ms: number): Promise<void>
  /** Waits between two looks of what goes on until Ctrl-C; false once that was pressed. */
  watch(ms: number): Promise<boolean>
}
