// Who sent a Bundle, as it is kept with the job and read again by whoever runs it.
import type { Caller, Permission, Scope } from '../../fhir/caller.js'
import type { VaccineType } from '../../fhir/vaccine-types.js'
import type { ClaimedBundleJob } from '../../storage/bundle-job-store.js'
import type { Preferences } from '../prefer.js'
import type { BundleSender } from './bundle-deps.js'

interface KeptSender {
  caller: Omit<Caller, 'scopes' | 'permissions'>
  scopes: Scope[]
  permissions: [VaccineType, Permission[]][]
  prefer: Preferences
}

export function toKeptSender({ caller, prefer }: BundleSender): KeptSender {
  const { scopes, permissions, ...rest } = caller
  return {
    caller: rest,
    scopes: [...scopes],
    permissions: [...permissions].map(([type, letters]) => [type, [...letters]]),
    prefer
  }
}

export function readKeptSender({ sender, requestId, createdAt }: ClaimedBundleJob): BundleSender {
  const { caller, scopes, permissions, prefer } = sender as KeptSender
  return {
    caller: {
      ...caller,
      scopes: new Set(scopes),
      permissions: new Map(permissions.map(([type, letters]) => [type, new Set(letters)]))
    },
    requestId,
    receivedAt: createdAt,
    prefer
  }
}
