// The bearer token of a request, and whether its scopes allow the route.
import type { IncomingMessage } from 'node:http'
import type { Caller, Scope } from '../fhir/caller.js'
import { doorFault } from './door-fault.js'
import type { VerifyToken } from './token-verifier.js'

const CHALLENGE = 'Bearer realm="immunisation-hub"'

/** @throws FhirError 401 without a token or with more than one, and what `verifyToken` throws */
export async function authenticate(request: IncomingMessage, verifyToken: VerifyToken): Promise<Caller> {
  // Node keeps the first of several; a proxy before us may have looked at another.
  if (timesSent(request, 'authorization') > 1)
    throw unauthenticated('more than one Authorization header was sent; send one')
  const token = /^Bearer +([A-Za-z0-9._~+/-]+=*)$/i.exec(request.headers.authorization ?? '')?.[1]
  if (token === undefined) throw unauthenticated('send an access token: Authorization: Bearer <token>')
  return verifyToken(token)
}

/** @throws FhirError 403 that names the scope the caller's token lacks */
export function requireScope(caller: Caller, scope: Scope): void {
  if (caller.scopes.has(scope)) return
  const text = `the token of this client lacks the scope ${scope}; ask for it when getting a token`
  throw doorFault(403, 'forbidden', 'scope-missing', text, {
    'WWW-Authenticate': `${CHALLENGE}, error="insufficient_scope", scope="${scope}"`
  })
}

function timesSent({ rawHeaders }: IncomingMessage, name: string): number {
  return rawHeaders.filter((text, index) => index % 2 === 0 && text.toLowerCase() === name).length
}

function unauthenticated(text: string): Error {
  return doorFault(401, 'login', 'token-missing', text, { 'WWW-Authenticate': CHALLENGE })
}
