// How a FHIR server is reached: its address, the token it wants, and the header that every request carries.
import { createTokenSource, type TokenSource } from '../nhs/token-source.js'
import type { HttpTransport } from '../transport/http-transport.js'
import { readSecretOption } from '../transport/secret-option.js'
import type { FhirRestOptions } from './options.js'
import type { ServerAccess } from './server-api.js'

/** @throws Error naming the destination and the option when a secret cannot be read */
export function readServerAccess(
  settings: { name: string; timeoutMs: number },
  given: Record<string, unknown>,
  transport: HttpTransport,
  now: () => Date
): ServerAccess {
  // Checked against optionsSchema when the configuration was read.
  const options = given as unknown as FhirRestOptions
  const { baseUrl, headerName } = options
  const secret = (file: string, literal: string): string => readSecretOption(settings.name, given, { file, literal })
  const headers = headerName === undefined ? {} : { [headerName]: secret('headerValueFile', 'headerValue') }
  const tokens = readTokens(options, settings.timeoutMs, secret, transport, now)
  return { baseUrl, headers, ...(tokens === undefined ? {} : { tokens }) }
}

function readTokens(
  options: FhirRestOptions,
  timeoutMs: number,
  secret: (file: string, literal: string) => string,
  transport: HttpTransport,
  now: () => Date
): TokenSource | undefined {
  const { tokenUrl, clientId = '', keyId, algorithm = 'RS384', scope } = options
  if (tokenUrl === undefined) {
    if (options.bearerToken === undefined && options.bearerTokenFile === undefined) return undefined
    const token = secret('bearerTokenFile', 'bearerToken')
    return { token: () => Promise.resolve({ kind: 'token', token }) }
  }
  const asked = { tokenUrl, timeoutMs, ...(scope === undefined ? {} : { scope }) }
  if (keyId === undefined) {
    const clientSecret = secret('clientSecretFile', 'clientSecret')
    return createTokenSource({ ...asked, clientId, clientSecret }, transport, now)
  }
  const privateKeyPem = secret('privateKeyFile', 'privateKeyPem')
  return createTokenSource({ ...asked, apiKey: clientId, keyId, privateKeyPem, algorithm }, transport, now)
}
