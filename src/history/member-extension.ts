// What an entry of a Bundle says of its record: its part in the event, and the group it stands in.
import type { Extension } from 'fhir/r4.js'
import { EVENT_MEMBER_URL } from '../fhir/identifier-systems.js'
import type { EventMember } from '../storage/event-members.js'

/** `source`: the record that counts; `component`: a part of what that record tells. */
export function memberExtension({ role, groupId }: Pick<EventMember, 'role' | 'groupId'>): Extension {
  return {
    url: EVENT_MEMBER_URL,
    extension: [
      { url: 'role', valueCode: role },
      { url: 'group', valueUuid: `urn:uuid:${groupId}` }
    ]
  }
}
