// Where clients get tokens and what they may ask for: SMART App Launch 2.2, backend services,
// http://hl7.org/fhir/smart-app-launch/conformance.html, checked 2026-11-22.
import { ALL_SCOPES } from '../fhir/caller.js'
import { FHIR_BASE, type Route } from './route.js'

export interface SmartSettings {
  issuer: string
  /** Where the issuer gives tokens; undefined where nobody has said. */
  tokenEndpoint?: string
  /** Where the issuer publishes its keys. */
  jwksUri?: string
}

/** Below the root and below the FHIR base: SMART asks for the second, many clients for the first. */
export function smartRoutes({ issuer, tokenEndpoint, jwksUri }: SmartSettings): Route[] {
  const configuration = {
    issuer,
    ...(jwksUri === undefined ? {} : { jwks_uri: jwksUri }),
    ...(tokenEndpoint === undefined ? {} : { token_endpoint: tokenEndpoint }),
    token_endpoint_auth_methods_supported: ['private_key_jwt'],
    token_endpoint_auth_signing_alg_values_supported: ['RS384', 'ES384', 'RS512'],
    grant_types_supported: ['client_credentials'],
    scopes_supported: ALL_SCOPES,
    capabilities: ['client-confidential-asymmetric', 'permission-v1', 'permission-v2']
  }
  return [`${FHIR_BASE}/.well-known/smart-configuration`, '/.well-known/smart-configuration'].map((path) => ({
    method: 'GET',
    path,
    access: 'open',
    surface: 'plain',
    handle: (_request, reply) => reply.header('cache-control', 'max-age=300').send(configuration)
  }))
}
