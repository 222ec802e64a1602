// The tag of what the Hub composed of several records to be read: it is stored nowhere, and taken from nobody.
import type { Coding, Resource } from 'fhir/r4.js'
import { RESOURCE_ORIGIN_SYSTEM } from './identifier-systems.js'

export const COMPOSED = {
  system: RESOURCE_ORIGIN_SYSTEM,
  code: 'composed',
  display: 'Composed from what Immunization records say; kept nowhere as such'
} satisfies Coding

export function isComposed({ meta }: Pick<Resource, 'meta'>): boolean {
  return meta?.tag?.some(({ system, code }) => system === COMPOSED.system && code === COMPOSED.code) === true
}
