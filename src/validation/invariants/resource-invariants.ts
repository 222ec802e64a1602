// Invariants of the resources around an immunisation, base FHIR R4 and UK Core.
import { isObject, type JsonObject } from '../definitions/structure-definition.js'
import type { NativeInvariant, NativeInvariants } from './native-invariant.js'
import { codingsOf, countOf, has, hasChoice, hasCoding, objectsOf } from './read.js'

const MEDIA_LINK = 'http://hl7.org/fhir/5.0/StructureDefinition/extension-DiagnosticReport.media.link'
const VERIFICATION = 'http://terminology.hl7.org/CodeSystem/condition-ver-status'
const CLINICAL = 'http://terminology.hl7.org/CodeSystem/condition-clinical'

export const RESOURCE_INVARIANTS: NativeInvariants = {
  'ukcore-imm-001': {
    expressions: ["(status != 'not-done') or (status = 'not-done' and statusReason.exists())"],
    remedy: 'status not-done needs a statusReason; add it',
    holds: (immunization) => immunization['status'] !== 'not-done' || has(immunization, 'statusReason')
  },
  'ukcore-diag-lab-002': {
    expressions: [
      `DiagnosticReport.media.extension('${MEDIA_LINK}').empty() or DiagnosticReport.media.link.reference.empty()`
    ],
    remedy: 'media has the link extension or a link reference, not both; remove one',
    holds(report) {
      const media = objectsOf(report['media'])
      const isExtended = media.some((one) => objectsOf(one['extension']).some((each) => each['url'] === MEDIA_LINK))
      return !isExtended || !media.some((one) => isObject(one['link']) && has(one['link'], 'reference'))
    }
  },
  'imm-1': needsOneOf(['documentType', 'reference'], 'documentType.exists() or reference.exists()'),
  'pat-1': needsOneOf(
    ['name', 'telecom', 'address', 'organization'],
    'name.exists() or telecom.exists() or address.exists() or organization.exists()'
  ),
  'org-1': {
    expressions: ['(identifier.count() + name.count()) > 0'],
    remedy: 'an organisation needs an identifier or a name',
    holds: (organization) => countOf(organization['identifier']) > 0 || has(organization, 'name')
  },
  'org-2': notForHome('an address'),
  'org-3': notForHome('a telecom'),
  'obs-3': needsOneOf(['low', 'high', 'text'], 'low.exists() or high.exists() or text.exists()'),
  'obs-6': {
    expressions: ['dataAbsentReason.empty() or value.empty()'],
    remedy: 'a value and a dataAbsentReason exclude each other; remove one',
    holds: (observation) => !has(observation, 'dataAbsentReason') || !hasChoice(observation, 'value')
  },
  'obs-7': {
    expressions: ['value.empty() or component.code.where(coding.intersect(%resource.code.coding).exists()).empty()'],
    remedy: 'a component with the code of the observation itself stands for its value; give only one of them',
    holds(observation) {
      if (!hasChoice(observation, 'value')) return true
      const own = new Set(codingsOf(observation['code']).map((coding) => JSON.stringify(coding)))
      const components = objectsOf(observation['component'])
      return !components.some((one) => codingsOf(one['code']).some((coding) => own.has(JSON.stringify(coding))))
    }
  },
  'con-1': needsOneOf(['summary', 'assessment'], 'summary.exists() or assessment.exists()'),
  'con-2': needsOneOf(['code', 'detail'], 'code.exists() or detail.exists()'),
  'con-3': {
    expressions: [
      "clinicalStatus.exists() or verificationStatus.coding.where(system='http://terminology.hl7.org/CodeSystem/condition-ver-status' and code = 'entered-in-error').exists() or category.select($this='problem-list-item').empty()"
    ],
    remedy: 'a condition that is not entered in error should have a clinicalStatus',
    holds: (condition) =>
      has(condition, 'clinicalStatus') || isEnteredInError(condition) || countOf(condition['category']) === 0
  },
  'con-4': {
    expressions: [
      "abatement.empty() or clinicalStatus.coding.where(system='http://terminology.hl7.org/CodeSystem/condition-clinical' and (code='resolved' or code='remission' or code='inactive')).exists()"
    ],
    remedy: 'an abated condition is inactive, in remission or resolved; correct clinicalStatus',
    holds: (condition) =>
      !hasChoice(condition, 'abatement') ||
      hasCoding(condition['clinicalStatus'], CLINICAL, ['resolved', 'remission', 'inactive'])
  },
  'con-5': {
    expressions: [
      "verificationStatus.coding.where(system='http://terminology.hl7.org/CodeSystem/condition-ver-status' and code='entered-in-error').empty() or clinicalStatus.empty()"
    ],
    remedy: 'a condition entered in error has no clinicalStatus; remove it',
    holds: (condition) => !isEnteredInError(condition) || !has(condition, 'clinicalStatus')
  },
  'ait-1': {
    expressions: [
      "verificationStatus.coding.where(system = 'http://terminology.hl7.org/CodeSystem/allergyintolerance-verification' and code = 'entered-in-error').exists() or clinicalStatus.exists()"
    ],
    remedy: 'an allergy that is not entered in error needs a clinicalStatus',
    holds: (allergy) => isAllergyInError(allergy) || has(allergy, 'clinicalStatus')
  },
  'ait-2': {
    expressions: [
      "verificationStatus.coding.where(system = 'http://terminology.hl7.org/CodeSystem/allergyintolerance-verification' and code = 'entered-in-error').empty() or clinicalStatus.empty()"
    ],
    remedy: 'an allergy entered in error has no clinicalStatus; remove it',
    holds: (allergy) => !isAllergyInError(allergy) || !has(allergy, 'clinicalStatus')
  },
  'qrs-1': {
    expressions: ['(answer.exists() and item.exists()).not()'],
    remedy: 'an item has answers or items, not both',
    holds: (item) => item['answer'] === undefined || item['item'] === undefined
  }
}

function needsOneOf(names: readonly string[], expression: string): NativeInvariant {
  return {
    expressions: [expression],
    remedy: `at least one of ${names.join(', ')} is needed`,
    holds: (focus) => names.some((name) => has(focus, name))
  }
}

function notForHome(what: string): NativeInvariant {
  return {
    expressions: ["where(use = 'home').empty()"],
    remedy: `${what} of an organisation is not of use home`,
    holds: (focus) => focus['use'] !== 'home'
  }
}

function isEnteredInError(condition: JsonObject): boolean {
  return hasCoding(condition['verificationStatus'], VERIFICATION, ['entered-in-error'])
}

function isAllergyInError(allergy: JsonObject): boolean {
  const status = allergy['verificationStatus']
  return isObject(status) && hasCoding(status, ALLERGY_VERIFICATION, ['entered-in-error'])
}

const ALLERGY_VERIFICATION = 'http://terminology.hl7.org/CodeSystem/allergyintolerance-verification'
