// Who is calling and what the token allows: scopes of the API, and permissions per vaccine type.
import { isOverrideReason, type OverrideReason } from './override-reasons.js'
import { isVaccineType, VACCINE_TYPES, type VaccineType } from './vaccine-types.js'

/** C create, R read, U update, D delete, S search: the letters of the NHS permission model (`FLU.CRUDS`). */
export type Permission = 'C' | 'R' | 'U' | 'D' | 'S'

/** What may be granted on each type of resource, in the order of SMART v2: create, read, update, delete, search. */
export const SCOPE_LETTERS = {
  Immunization: 'cruds',
  Linkage: 'rs',
  Task: 'rs',
  Provenance: 'rs',
  AuditEvent: 'rs'
} as const
export type ScopedType = keyof typeof SCOPE_LETTERS

/** One letter of a SMART v2 scope, or `ops/*` for people who run the service. */
export type Scope =
  `system/Immunization.${'c' | 'u' | 'd'}` | `system/${ScopedType}.${'r' | 's'}` | 'ops/read' | 'ops/write'

/** Every scope there is, as a client asks for it: `system/Linkage.rs`. */
export const ALL_SCOPES: readonly string[] = [
  ...Object.entries(SCOPE_LETTERS).map(([type, letters]) => `system/${type}.${letters}`),
  'ops/read',
  'ops/write'
]

export interface Caller {
  /** Name of the supplier, service or person: the `sub` of the token. Owner of what it creates. */
  client: string
  scopes: ReadonlySet<Scope>
  permissions: ReadonlyMap<VaccineType, ReadonlySet<Permission>>
  /** Whether a POST of a known identifier with changed content is refused (409) or taken as a correction. */
  changedResend: 'conflict' | 'correct'
  /** Empty objects, arrays and nulls of this supplier are cut out before judging; refused unless said. */
  tolerant?: boolean
  /** ODS code of the organisation that runs the sending system, where its token says so. */
  organisation?: string
  /** Reasons that its records may give against an error of the programme rules; none unless said. */
  overrides?: ReadonlySet<OverrideReason>
  /** May move a record that was filed under the wrong patient to another one; not unless said. */
  patientCorrections?: boolean
  /** Records of its patients that a register elsewhere holds are looked up, and it is told of them; not unless said. */
  existingRecords?: boolean
}

const ALL_TYPES = Object.keys(VACCINE_TYPES) as VaccineType[]

/** Whether the caller may do this to records of this vaccine type. */
export function permits(caller: Caller, permission: Permission, vaccineType: VaccineType): boolean {
  return caller.permissions.get(vaccineType)?.has(permission) === true
}

/** The vaccine types for which the caller has a permission. */
export function permittedTypes(caller: Caller, permission: Permission): VaccineType[] {
  return [...caller.permissions].flatMap(([type, letters]) => (letters.has(permission) ? [type] : []))
}

/**
 * Reads `system/Linkage.rs` and `ops/read` style scopes, space separated. `*` stands for every type; the words of SMART
 * v1 are taken too: `.read` is rs, `.write` is cud, `.*` is all. What is unknown, or of a letter that the type does not
 * have, is left out, as OAuth asks (RFC 6749 section 3.3).
 */
export function parseScopes(text: string): Set<Scope> {
  const scopes = new Set<Scope>()
  for (const word of text.split(' ')) {
    const [, type = '', asked = ''] = /^system\/([A-Za-z]+|\*)\.([cruds]+|read|write|\*)$/.exec(word) ?? []
    const letters = V1_LETTERS.get(asked) ?? asked
    for (const [known, served] of Object.entries(SCOPE_LETTERS))
      if (type === '*' || type === known)
        for (const letter of letters) if (served.includes(letter)) scopes.add(`system/${known}.${letter}` as Scope)
    if (word === 'ops/read' || word === 'ops/write') scopes.add(word)
  }
  return scopes
}

const V1_LETTERS = new Map([
  ['read', 'rs'],
  ['write', 'cud'],
  ['*', 'cruds']
])

/** Reads `["FLU.CRUDS", "COVID.CS"]`, `*` for every vaccine type. Unknown vaccine types and letters are left out. */
export function parsePermissions(entries: readonly string[]): Map<VaccineType, Set<Permission>> {
  const permissions = new Map<VaccineType, Set<Permission>>()
  for (const entry of entries) {
    const [type = '', letters = ''] = entry.toUpperCase().split('.')
    const types = type === '*' ? ALL_TYPES : isVaccineType(type) ? [type] : []
    for (const granted of types) {
      const known = permissions.get(granted) ?? new Set<Permission>()
      for (const letter of letters) if ('CRUDS'.includes(letter)) known.add(letter as Permission)
      permissions.set(granted, known)
    }
  }
  return permissions
}

/** Reads `["offLabelPGD"]`. Unknown reasons are left out. */
export function parseOverrides(entries: readonly string[]): Set<OverrideReason> {
  return new Set(entries.filter(isOverrideReason))
}
