// Access tokens of an application that is registered with NHS England's API platform: one for the whole fleet, where the
// workers can share it.
import type { DestinationServices, DestinationSettings } from '../destination.js'
import type { HttpTransport } from '../transport/http-transport.js'
import { readSecretOption } from '../transport/secret-option.js'
import { shareTokens } from './shared-tokens.js'
import { createTokenSource, type TokenSource } from './token-source.js'

/** As the options of a destination name it, beside its private key. */
export interface ApplicationOptions {
  tokenUrl: string
  apiKey: string
  keyId: string
  privateKeyFile?: string
  privateKeyPem?: string
}

/** @throws Error naming the destination and the option when the key cannot be read or is none */
export function openApplicationTokens(
  { name, timeoutMs }: DestinationSettings,
  options: ApplicationOptions,
  transport: HttpTransport,
  services: DestinationServices
): TokenSource {
  const { tokenUrl, apiKey, keyId } = options
  const { accessTokens } = services
  const now = (): Date => services.now()
  const privateKeyPem = readSecretOption(name, { ...options }, { file: 'privateKeyFile', literal: 'privateKeyPem' })
  const client = { tokenUrl, apiKey, keyId, privateKeyPem, timeoutMs }
  const own = createTokenSource(client, transport, now)
  return accessTokens === undefined ? own : shareTokens(own, accessTokens, client, now)
}
