// The definitions of a catalogue sorted by what they are for.
import type { LoadedDefinition, ValidationCatalogue } from './definitions/catalogue.js'
import { HL7_DEFINITION } from './definitions/structure-definition.js'

export interface Shelves {
  /** Names of the resource types that can be sent, abstract ones left out. */
  resourceTypes: ReadonlySet<string>
  /** Resource profiles that are not base R4. */
  profiles: readonly LoadedDefinition[]
  /** Resource type -> canonical of the profile used when none is asked for. */
  defaults: ReadonlyMap<string, string>
  /** Canonical -> extension, the version used by default. */
  extensions: ReadonlyMap<string, LoadedDefinition>
}

/** Default profiles by resource type, as the UK Core CapabilityStatement lists them: UKCore-<type>. */
const UK_CORE_PREFIX = 'https://fhir.hl7.org.uk/StructureDefinition/UKCore-'

export function sortDefinitions(catalogue: ValidationCatalogue): Shelves {
  const resourceTypes = new Set<string>()
  const profiles: LoadedDefinition[] = []
  const defaults = new Map<string, string>()
  const extensions = new Map<string, LoadedDefinition>()
  for (const [url, [loaded]] of catalogue.definitions) {
    if (loaded === undefined) continue
    const { definition, origin } = loaded
    if (definition.derivation === 'constraint' && definition.type === 'Extension') extensions.set(url, loaded)
    if (definition.kind !== 'resource') continue
    if (origin === 'r4' && definition.derivation !== 'constraint') {
      if (definition.abstract !== true) resourceTypes.add(definition.type)
    } else if (definition.derivation === 'constraint') {
      profiles.push(loaded)
      if (url === UK_CORE_PREFIX + definition.type) defaults.set(definition.type, url)
    }
  }
  return { resourceTypes, profiles, defaults, extensions }
}

/** The elements an extension may stand on; undefined when it names none, or names them in a way that cannot be checked. */
export function readContexts({ definition }: LoadedDefinition): readonly string[] | undefined {
  const contexts = definition.context ?? []
  // HL7's own definitions carry these in places that their contexts do not name.
  if (definition.url.startsWith(`${HL7_DEFINITION}structuredefinition-`)) return undefined
  if (contexts.length === 0 || contexts.some((context) => context.type !== 'element')) return undefined
  return contexts.map((context) => context.expression)
}
