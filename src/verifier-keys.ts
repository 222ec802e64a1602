// The public keys that the configuration names.
import { readFile } from 'node:fs/promises'
import type { VerifierKeys } from './http/token-verifier.js'
import type { Config } from './config.js'

/** Public keys named by the configuration. @throws Error naming the variable and the file */
export async function readVerifierKeys(auth: NonNullable<Config['auth']>): Promise<VerifierKeys> {
  if (auth.jwksUrl !== undefined) return { url: new URL(auth.jwksUrl) }
  try {
    return { jwks: JSON.parse(await readFile(auth.jwksFile ?? '', 'utf8')) as { keys: [] } }
  } catch (cause) {
    throw new Error(`AUTH_JWKS_FILE: ${auth.jwksFile ?? ''} cannot be read as a JWKS file`, { cause })
  }
}
