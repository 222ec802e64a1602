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
      'Conditions (If-None-Exist, PUT and PATCH of the collection) are identifier=system|value. An update or a patch by ' +
      'id names its version in If-Match. Idempotency-Key, or an X-Request-ID that is a UUID, is answered again for 24 hours. ' +
      `Parameters that shape a search: ${shaping}`,
    versioning: 'versioned-update',
    readHistory: true,
    updateCreate: false,
    conditionalCreate: true,
    conditionalRead: 'full-support',
    conditionalUpdate: true,
    conditionalDelete: 'not-supported',
    searchParam: SEARCH_PARAMETERS.map(({ name, type, definition, documentation }) => ({
      name,
      type,
      documentation,
      ...(definition === undefined ? {} : { definition })
    }))
  }
}
