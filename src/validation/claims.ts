// What a resource says of itself in meta.profile. A claim adds rules when the profile is loaded, and is never required.
import { isObject, type JsonObject } from './definitions/structure-definition.js'

export interface ProfileClaim {
  canonical: string
  index: number
}

/** Claims read at most: more is noise, and each one loaded costs a pass. */
const MAX_CLAIMS = 20

export function readClaims(resource: JsonObject): ProfileClaim[] {
  const meta = resource['meta']
  const list: unknown[] = isObject(meta) && Array.isArray(meta['profile']) ? meta['profile'] : []
  return list
    .slice(0, MAX_CLAIMS)
    .flatMap((canonical, index) => (typeof canonical === 'string' ? [{ canonical, index }] : []))
}
