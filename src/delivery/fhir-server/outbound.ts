// What is sent to a FHIR server.
import type { Immunization } from 'fhir/r4.js'

/** The Immunization as it was stored, without what is the server's own to say. */
export function toOutbound({ id: _id, meta, ...resource }: Immunization): Immunization {
  const { profile, security, tag } = meta ?? {}
  const kept = {
    ...(profile === undefined ? {} : { profile }),
    ...(security === undefined ? {} : { security }),
    ...(tag === undefined ? {} : { tag })
  }
  return { ...resource, ...(Object.keys(kept).length === 0 ? {} : { meta: kept }) }
}
