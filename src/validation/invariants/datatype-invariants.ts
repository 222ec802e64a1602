// Invariants of the datatypes of FHIR R4. http://hl7.org/fhir/R4/datatypes.html, http://hl7.org/fhir/R4/metadatatypes.html
import { isObject, type JsonObject } from '../definitions/structure-definition.js'
import type { NativeInvariants } from './native-invariant.js'
import { has, hasChoice, isNotAfter } from './read.js'

const UCUM = 'http://unitsofmeasure.org'

export const DATATYPE_INVARIANTS: NativeInvariants = {
  'ext-1': {
    expressions: ['extension.exists() != value.exists()'],
    remedy: 'an extension has either a value or extensions, not both and not neither',
    holds: (extension) => (extension['extension'] !== undefined) !== hasChoice(extension, 'value')
  },
  'qty-3': {
    expressions: ['code.empty() or system.exists()'],
    remedy: 'a coded unit needs its system; add system',
    holds: (quantity) => !has(quantity, 'code') || has(quantity, 'system')
  },
  'sqty-1': {
    expressions: ['comparator.empty()'],
    remedy: 'a simple quantity has no comparator; remove it',
    holds: (quantity) => !has(quantity, 'comparator')
  },
  'ref-1': {
    // Judged by facets/reference.ts, which resolves the id anyway; a reference without a literal passes.
    expressions: [
      "reference.startsWith('#').not() or (reference.substring(1).trace('url') in %rootResource.contained.id.trace('ids'))",
      "reference.startsWith('#').not() or (reference.substring(1).trace('url') in %resource.contained.id.trace('ids'))"
    ],
    remedy: 'the local reference must name a contained resource',
    holds: () => true
  },
  'per-1': {
    expressions: [
      'start.hasValue().not() or end.hasValue().not() or (start <= end)',
      'start.empty() or end.empty() or (start <= end)'
    ],
    remedy: 'the start may not be after the end; correct one of them',
    holds({ start, end }) {
      if (typeof start !== 'string' || typeof end !== 'string') return true
      return isNotAfter(start, end) !== false
    }
  },
  'att-1': {
    expressions: ['data.empty() or contentType.exists()'],
    remedy: 'data needs its contentType; add it',
    holds: (attachment) => !has(attachment, 'data') || has(attachment, 'contentType')
  },
  'cpt-2': {
    expressions: ['value.empty() or system.exists()'],
    remedy: 'a contact value needs its system (phone, email, ...); add system',
    holds: (contact) => !has(contact, 'value') || has(contact, 'system')
  },
  'rng-2': {
    expressions: ['low.empty() or high.empty() or (low <= high)'],
    remedy: 'low may not be above high; correct one of them',
    holds({ low, high }) {
      if (!isObject(low) || !isObject(high) || low['code'] !== high['code'] || low['unit'] !== high['unit']) return true
      const [from, to] = [low['value'], high['value']]
      return typeof from !== 'number' || typeof to !== 'number' || from <= to
    }
  },
  'rat-1': {
    expressions: ['(numerator.empty() xor denominator.exists()) and (numerator.exists() or extension.exists())'],
    remedy: 'a ratio has both numerator and denominator, or extensions in their place',
    holds: (ratio) =>
      has(ratio, 'numerator') === has(ratio, 'denominator') &&
      (has(ratio, 'numerator') || ratio['extension'] !== undefined)
  },
  'txt-1': {
    // Judged with the narrative itself: primitives/xhtml.ts.
    expressions: ['htmlChecks()'],
    remedy: 'the narrative holds formatting elements only',
    holds: () => true
  },
  'txt-2': { expressions: ['htmlChecks()'], remedy: 'the narrative says something', holds: () => true },
  'exp-1': {
    expressions: ['expression.exists() or reference.exists()'],
    remedy: 'an expression needs expression or reference',
    holds: (expression) => has(expression, 'expression') || has(expression, 'reference')
  },
  'age-1': {
    expressions: [
      '(code.exists() or value.empty()) and (system.empty() or system = %ucum) and (value.empty() or value.hasValue().not() or value > 0)'
    ],
    remedy: 'an age has a UCUM unit and a value above 0',
    holds: (age) => isUcum(age) && !(typeof age['value'] === 'number' && age['value'] <= 0)
  },
  'cnt-3': {
    expressions: [
      "(code.exists() or value.empty()) and (system.empty() or system = %ucum) and (code.empty() or code = '1') and (value.empty() or value.hasValue().not() or value.toString().contains('.').not())"
    ],
    remedy: 'a count is a whole number with the UCUM unit 1',
    holds: (count) =>
      isUcum(count) &&
      (count['code'] === undefined || count['code'] === '1') &&
      (typeof count['value'] !== 'number' || Number.isInteger(count['value']))
  },
  'dis-1': {
    expressions: ['(code.exists() or value.empty()) and (system.empty() or system = %ucum)'],
    remedy: 'a distance has a UCUM unit',
    holds: isUcum
  },
  'drt-1': {
    expressions: ['code.exists() implies ((system = %ucum) and value.exists())'],
    remedy: 'a duration with a code has a value and the system UCUM',
    holds: (duration) => !has(duration, 'code') || (duration['system'] === UCUM && has(duration, 'value'))
  },
  'trd-1': {
    expressions: ['data.empty() or timing.empty()'],
    remedy: 'a trigger has data or timing, not both',
    holds: (trigger) => trigger['data'] === undefined || !hasChoice(trigger, 'timing')
  },
  'trd-2': {
    expressions: ['condition.exists() implies data.exists()'],
    remedy: 'a trigger with a condition needs data',
    holds: (trigger) => trigger['condition'] === undefined || trigger['data'] !== undefined
  },
  'trd-3': {
    expressions: [
      "(type = 'named-event' implies name.exists()) and (type = 'periodic' implies timing.exists()) and (type.startsWith('data-') implies data.exists())"
    ],
    remedy: 'a named event needs a name, a periodic one timing, a data one data',
    holds(trigger) {
      const { type } = trigger
      if (type === 'named-event') return has(trigger, 'name')
      if (type === 'periodic') return hasChoice(trigger, 'timing')
      return typeof type !== 'string' || !type.startsWith('data-') || trigger['data'] !== undefined
    }
  },
  'drq-1': pathOrSearch(),
  'drq-2': pathOrSearch()
}

function isUcum(quantity: JsonObject): boolean {
  const isCoded = has(quantity, 'code') || !has(quantity, 'value')
  return isCoded && (quantity['system'] === undefined || quantity['system'] === UCUM)
}

function pathOrSearch(): NativeInvariants[string] {
  return {
    expressions: ['path.exists() xor searchParam.exists()'],
    remedy: 'a filter has path or searchParam, not both and not neither',
    holds: (filter) => has(filter, 'path') !== has(filter, 'searchParam')
  }
}
