// What /metadata says of Immunization.
import { RESULT_PARAMETERS } from '../history/result-parameters.js'
import { SEARCH_PARAMETERS } from '../history/search-parameters.js'
import type { ServedResource } from './route.js'

/** `profiles`: canonical URLs that an Immunization is judged by. */
export function immunizationResource(profiles: readonly string[]): ServedResource {
  const shaping = RESULT_PARAMETERS.map(({ name, documentation }) => `${name}: ${documentation}`).join(' ')
  return {
    type: 'Immunization',
    ...(profiles.length === 0 ? {} : { supportedProfile: [...profiles] }),
    documentation:
      'One identifier (system and value) names a vaccination: sent again it is answered 200 and nothing is written. ' +
      `Parameters that shape a search: ${shaping}`,
    versioning: 'versioned-update',
    readHistory: true,
    updateCreate: false,
    conditionalCreate: false,
    conditionalRead: 'full-support',
    conditionalUpdate: false,
    conditionalDelete: 'not-supported',
    searchParam: [
      ...SEARCH_PARAMETERS.map(({ name, type, definition, documentation }) => ({
        name,
        type,
        documentation,
        ...(definition === undefined ? {} : { definition })
      })),
      // FHIR has no names for these, so they are search parameters of the Hub's own.
      ...RESULT_PARAMETERS.filter(({ name }) => name.startsWith('-')).map(({ name, documentation }) => ({
        name,
        type: 'special' as const,
        documentation
      }))
    ]
  }
}
