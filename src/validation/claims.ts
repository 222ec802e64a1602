// What a resource says of itself in meta.profile. A claim adds rules when the profile is loaded, and is never required.
import { isObject, type JsonObject } from './definitions/structure-definition.js'

export interface ProfileClaim {
  canonical: string
  index: number
}

/** Claims read at most: more is noise, and each one loaded costs a pass. */
const MAX_CLAIMS = 20

/** `wanted` is judged by anyway. */
export function readClaims(resource: JsonObject, wanted: string): readonly ProfileClaim[] {
  const meta = resource['meta']
  const list: unknown = isObject(meta) ? meta['profile'] : undefined
  if (!Array.isArray(list) || (list.length === 1 && list[0] === wanted)) return NONE
  return list
    .slice(0, MAX_CLAIMS)
    .flatMap((canonical: unknown, index) =>
      typeof canonical === 'string' && canonical !== wanted ? [{ canonical, index }] : []
    )
}

const NONE: readonly ProfileClaim[] = []
