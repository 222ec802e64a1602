// What /metadata says of Immunization.
import { INCLUDES, RESULT_PARAMETERS, REVERSE_INCLUDES } from '../history/result-parameters.js'
import { describeParameter, SEARCH_PARAMETERS } from '../history/search-parameters.js'
import type { ServedResource } from './route.js'

/** `profiles`: canonical URLs that an Immunization is judged by. */
export function immunizationResource(profiles: readonly string[]): ServedResource {
  const shaping = RESULT_PARAMETERS.map(({ name, documentation }) => `${name}: ${documentation}`).join(' ')
  return {
    type: 'Immunization',
    ...(profiles.length === 0 ? {} : { supportedProfile: [...profiles] }),
    documentation:
      'One identifier (system and value) names a vaccination: sent again it is answered 200 and nothing is written. ' +
      "A patient's history shows each vaccination once, by the record that counts of those that suppliers reported; " +
      '-hub.alternates=true shows every record. A search names patient.identifier, patient, identifier or _id. An ' +
      'unknown parameter is answered 400, or ignored with a warning after Prefer: handling=lenient; an unknown ' +
      'modifier is always 400. Commas are alternatives, repeated parameters must all be met. ' +
      'The history of the type shows a client that may create records of a vaccine type what it sent itself, others ' +
      'every record of the types they may read; it takes _since or _at, and _count. ' +
      'Conditions (If-None-Exist, PUT and PATCH of the collection) are identifier=system|value. An update or a patch by ' +
      'id names its version in If-Match. Idempotency-Key, or an X-Request-ID that is a UUID, is answered again for 24 hours. ' +
      `Parameters that shape a search: ${shaping} Reads take _summary and _elements too.`,
    versioning: 'versioned-update',
    readHistory: true,
    updateCreate: false,
    conditionalCreate: true,
    conditionalRead: 'full-support',
    conditionalUpdate: true,
    conditionalDelete: 'not-supported',
    searchParam: [
      ...SEARCH_PARAMETERS.map((parameter) => ({
        name: parameter.name,
        type: parameter.type,
        documentation: describeParameter(parameter),
        ...(parameter.definition === undefined ? {} : { definition: parameter.definition })
      })),
      // FHIR has no names for these, so they are search parameters of the Hub's own.
      ...RESULT_PARAMETERS.filter(({ name }) => name.startsWith('-')).map(({ name, documentation }) => ({
        name,
        type: 'special' as const,
        documentation
      }))
    ],
    searchInclude: [INCLUDES[0]],
    searchRevInclude: [REVERSE_INCLUDES[0]]
  }
}
