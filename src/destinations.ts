// Destinations: the kinds are the files of delivery/destinations/, the settings are entries of destinations.yaml.
import { readdir } from 'node:fs/promises'
import { pathToFileURL } from 'node:url'
import { Ajv2020, type ErrorObject, type ValidateFunction } from 'ajv/dist/2020.js'
import {
  SENDS,
  VERSIONS,
  type ConfiguredDestination,
  type DestinationKind,
  type DestinationServices,
  type DestinationSettings,
  type Sends,
  type Versions
} from './delivery/destination.js'
import { isVaccineType, VACCINE_TYPES } from './fhir/vaccine-types.js'
import { readOne } from './catalogues.js'

/** One entry of destinations.yaml. */
export interface DestinationEntry {
  name: string
  kind: string
  concurrency?: number
  ratePerSecond?: number
  timeoutMs?: number
  sends?: Sends
  versions?: Versions
  vaccineTypes?: string[]
  options?: Record<string, unknown>
}

const ENTRIES_SCHEMA = {
  type: 'object',
  additionalProperties: false,
  required: ['destinations'],
  properties: {
    destinations: {
      type: 'array',
      items: {
        type: 'object',
        additionalProperties: false,
        required: ['name', 'kind'],
        properties: {
          name: { type: 'string', pattern: '^[a-z][a-z0-9-]{0,62}$' },
          kind: { type: 'string' },
          concurrency: { type: 'integer', minimum: 1, maximum: 256 },
          ratePerSecond: { type: 'number', exclusiveMinimum: 0 },
          timeoutMs: { type: 'integer', minimum: 100, maximum: 600_000 },
          sends: { enum: SENDS },
          versions: { enum: VERSIONS },
          vaccineTypes: { type: 'array', minItems: 1, items: { enum: Object.keys(VACCINE_TYPES) } },
          options: { type: 'object' }
        }
      }
    }
  }
} as const

/** Reads the folder of kinds. @throws Error naming the file that does not export a fitting destinationKind */
export async function loadDestinationKinds(): Promise<Map<string, DestinationKind>> {
  const folder = new URL('./delivery/destinations/', import.meta.url)
  const files = (await readdir(folder)).filter((file) => /\.[jt]s$/.test(file) && !file.endsWith('.d.ts'))
  const kinds = new Map<string, DestinationKind>()
  for (const file of files) {
    const module = (await import(new URL(file, folder).href)) as { destinationKind?: DestinationKind }
    const kind = module.destinationKind
    if (kind?.kind !== file.replace(/\.[jt]s$/, ''))
      throw new Error(`delivery/destinations/${file} must export destinationKind with kind "${file.slice(0, -3)}"`)
    kinds.set(kind.kind, kind)
  }
  return kinds
}

/** Reads the entries of a destinations file. @throws Error naming file and path of every fault */
export async function readDestinationsFile(file: string): Promise<DestinationEntry[]> {
  const { content } = await readOne(pathToFileURL(file), file)
  const check = new Ajv2020({ allErrors: true, strict: true }).compile<{ destinations: DestinationEntry[] }>(
    ENTRIES_SCHEMA
  )
  if (!check(content)) throw new Error(describe(file, check))
  return content.destinations
}

/** Builds the destinations. @throws Error naming every entry with an unknown kind, a name used twice or wrong options */
export function createDestinations(
  entries: readonly DestinationEntry[],
  kinds: ReadonlyMap<string, DestinationKind>,
  services: DestinationServices
): ConfiguredDestination[] {
  const names = entries.map(({ name }) => name)
  const twice = names.find((name, index) => names.indexOf(name) !== index)
  if (twice !== undefined) throw new Error(`destination "${twice}" stands twice in the configuration; names are unique`)
  const ajv = new Ajv2020({ allErrors: true, strict: true, strictRequired: false })
  return entries.map((entry) => {
    const kind = kinds.get(entry.kind)
    if (kind === undefined)
      throw new Error(
        `destination "${entry.name}" has kind "${entry.kind}"; known kinds: ${[...kinds.keys()].sort().join(', ')}`
      )
    const options = entry.options ?? {}
    const check = ajv.compile(kind.optionsSchema)
    if (!check(options)) throw new Error(describe(`destination "${entry.name}"`, check))
    const { sends, versions } = { ...kind.defaults, ...entry }
    return { ...kind.create(settingsOf(entry, kind), options, services), sends, versions }
  })
}

function settingsOf(entry: DestinationEntry, { kind, defaults }: DestinationKind): DestinationSettings {
  const ratePerSecond = entry.ratePerSecond ?? defaults.ratePerSecond
  return {
    name: entry.name,
    kind,
    concurrency: entry.concurrency ?? defaults.concurrency,
    timeoutMs: entry.timeoutMs ?? defaults.timeoutMs,
    ...(ratePerSecond === undefined ? {} : { ratePerSecond }),
    ...(entry.vaccineTypes === undefined ? {} : { vaccineTypes: entry.vaccineTypes.filter(isVaccineType) })
  }
}

// Messages of Ajv name the path and the rule; values are left out, an option may be a secret.
function describe(where: string, check: ValidateFunction): string {
  const faults = (check.errors ?? []).map(
    ({ instancePath, message, params }: ErrorObject) =>
      `${instancePath === '' ? '/' : instancePath} ${message ?? 'is wrong'}${allowed(params)}`
  )
  return `${where}: ${faults.join('; ')}`
}

function allowed(params: Record<string, unknown>): string {
  const hint = params['allowedValues'] ?? params['additionalProperty']
  if (Array.isArray(hint)) return ` (${hint.join(', ')})`
  return typeof hint === 'string' ? ` (${hint})` : ''
}
