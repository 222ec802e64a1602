// What the roof hands to the command line tool: nothing here is read from the environment.
import type { Issue } from '../fhir/issue.js'
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
}

/** What there is to know of the compiled profiles. */
export type ProfileKnowledge = Pick<Validator, 'profiles' | 'describe' | 'jsonSchema'>

export interface CliDeps {
  settings: CliSettings
  /** The verdict that the API would give, without a database: no identity, no duplicates. */
  validate(text: string): Issue[] | Promise<Issue[]>
  readProfiles(): Promise<ProfileKnowledge>
  /** Makes a development token. @throws Error with a sentence that says why there can be none */
  issueToken(request: TokenRequest): Promise<string>
  stdout: Output
  stderr: Output
  stdin: NodeJS.ReadableStream & { isTTY?: boolean }
  now(): Date
  wait(ms: number): Promise<void>
}
