// Invariants of Timing.repeat. http://hl7.org/fhir/R4/datatypes.html#Timing (there is no tim-3 in 4.0.1)
import type { JsonObject } from '../definitions/structure-definition.js'
import type { NativeInvariant, NativeInvariants } from './native-invariant.js'
import { has } from './read.js'

export const TIMING_INVARIANTS: NativeInvariants = {
  'tim-1': needs('duration', 'durationUnit', 'duration.empty() or durationUnit.exists()'),
  'tim-2': needs('period', 'periodUnit', 'period.empty() or periodUnit.exists()'),
  'tim-4': notNegative('duration', 'duration.exists() implies duration >= 0'),
  'tim-5': notNegative('period', 'period.exists() implies period >= 0'),
  'tim-6': needs('periodMax', 'period', 'periodMax.empty() or period.exists()'),
  'tim-7': needs('durationMax', 'duration', 'durationMax.empty() or duration.exists()'),
  'tim-8': needs('countMax', 'count', 'countMax.empty() or count.exists()'),
  'tim-9': {
    expressions: ["offset.empty() or (when.exists() and ((when in ('C' | 'CM' | 'CD' | 'CV')).not()))"],
    remedy: 'an offset needs a when that is not C, CM, CD or CV',
    holds: (repeat) => !has(repeat, 'offset') || isOffsetEvent(repeat['when'])
  },
  'tim-10': {
    expressions: ['timeOfDay.empty() or when.empty()'],
    remedy: 'give timeOfDay or when, not both',
    holds: (repeat) => !has(repeat, 'timeOfDay') || !has(repeat, 'when')
  }
}

function needs(name: string, needed: string, expression: string): NativeInvariant {
  return {
    expressions: [expression],
    remedy: `${name} needs ${needed}; add it`,
    holds: (repeat: JsonObject) => !has(repeat, name) || has(repeat, needed)
  }
}

function notNegative(name: string, expression: string): NativeInvariant {
  return {
    expressions: [expression],
    remedy: `${name} may not be negative`,
    holds: (repeat: JsonObject) => !(typeof repeat[name] === 'number' && repeat[name] < 0)
  }
}

function isOffsetEvent(when: unknown): boolean {
  const events: unknown[] = Array.isArray(when) ? when : []
  return events.length > 0 && !events.every((event) => ['C', 'CM', 'CD', 'CV'].includes(String(event)))
}
