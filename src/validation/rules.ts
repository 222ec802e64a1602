// Every rule of the validator: how severe a breach is, which FHIR issue code it has, and what it means. The id a
// supplier sees is `r4-<name>` when base FHIR R4 asks for it and `profile-<name>` when a profile does.
import type { IssueCode, IssueSeverity } from '../fhir/issue.js'

export interface Rule {
  severity: IssueSeverity
  code: IssueCode
  meaning: string
}

/** What an issue says otherwise than its rule does. */
export interface Finding {
  severity?: IssueSeverity
  code?: IssueCode
  /** A rule id of its own: the key of an invariant. */
  rule?: string
}

export const RULES = {
  'resource-type': {
    severity: 'fatal',
    code: 'structure',
    meaning: 'The value is not a resource of a known type.'
  },
  'resource-not-allowed': {
    severity: 'error',
    code: 'structure',
    meaning: 'A resource of this type may not stand here.'
  },
  'profile-unknown': {
    severity: 'error',
    code: 'not-found',
    meaning: 'The profile asked for is not loaded.'
  },
  'profile-claim-unknown': {
    severity: 'information',
    code: 'informational',
    meaning: 'meta.profile names a profile that is not loaded; it was not judged.'
  },
  'profile-claim-type': {
    severity: 'error',
    code: 'invalid',
    meaning: 'meta.profile names a profile of another type of resource.'
  },
  'too-deep': { severity: 'fatal', code: 'structure', meaning: 'Elements are nested too deeply.' },
  'unknown-element': {
    severity: 'error',
    code: 'structure',
    meaning: 'FHIR R4 has no element of this name here.'
  },
  'json-type': {
    severity: 'error',
    code: 'structure',
    meaning: 'The JSON value is of another kind than the element needs.'
  },
  'json-array': {
    severity: 'error',
    code: 'structure',
    meaning: 'A repeating element is a JSON array; any other is not.'
  },
  null: { severity: 'error', code: 'structure', meaning: 'null only holds a place in an array of primitives.' },
  empty: { severity: 'error', code: 'structure', meaning: 'Objects, arrays and strings may not be empty.' },
  'empty-dropped': {
    severity: 'warning',
    code: 'structure',
    meaning: 'Tolerant mode left out an empty object, array or null.'
  },
  'cardinality-min': { severity: 'error', code: 'required', meaning: 'A required element is missing.' },
  'cardinality-max': {
    severity: 'error',
    code: 'structure',
    meaning: 'The element is there too often, or not allowed at all.'
  },
  'choice-repeated': { severity: 'error', code: 'structure', meaning: 'Only one type of a choice may be given.' },
  'type-not-allowed': { severity: 'error', code: 'structure', meaning: 'A profile does not allow this type here.' },
  'primitive-format': {
    severity: 'error',
    code: 'value',
    meaning: 'The value does not have the format of its type, or is no real date.'
  },
  'primitive-sibling': {
    severity: 'error',
    code: 'structure',
    meaning: 'An element of the form _name does not go with its element.'
  },
  'value-range': { severity: 'error', code: 'value', meaning: 'The value is longer, smaller or larger than allowed.' },
  'fixed-value': { severity: 'error', code: 'value', meaning: 'The value differs from the one that is fixed.' },
  'code-unknown': {
    severity: 'error',
    code: 'code-invalid',
    meaning: 'The code is not in the value set that is required.'
  },
  'code-outside': {
    severity: 'warning',
    code: 'code-invalid',
    meaning: 'The code is not in the value set that should be used.'
  },
  'code-unchecked': {
    severity: 'warning',
    code: 'not-found',
    meaning: 'The value set is not at hand: the code was not checked.'
  },
  'snomed-form': {
    severity: 'warning',
    code: 'code-invalid',
    meaning: 'A SNOMED CT or dm+d code does not have the form of an identifier.'
  },
  'terminology-outside': {
    severity: 'warning',
    code: 'code-invalid',
    meaning:
      'The terminology server says the code is outside its value set; information where the set is only preferred.'
  },
  'terminology-code': {
    severity: 'warning',
    code: 'code-invalid',
    meaning: 'The terminology server finds no such code; information where the value set is only preferred.'
  },
  'terminology-unchecked': {
    severity: 'warning',
    code: 'not-found',
    meaning: 'The terminology server cannot judge the value set or code system; information unless it is required.'
  },
  'terminology-open': {
    severity: 'information',
    code: 'transient',
    meaning: 'The terminology server has not answered; it is asked again until it does.'
  },
  'terminology-inactive': {
    severity: 'information',
    code: 'informational',
    meaning: 'The code is inactive: kept for old records, replaced for new ones.'
  },
  'slice-min': { severity: 'error', code: 'required', meaning: 'A required slice of a list is missing.' },
  'slice-max': { severity: 'error', code: 'structure', meaning: 'A slice of a list is there too often.' },
  'slice-closed': { severity: 'error', code: 'structure', meaning: 'An item fits no slice and the list is closed.' },
  'extension-unknown': {
    severity: 'information',
    code: 'informational',
    meaning: 'The extension is not known here; its content was not judged.'
  },
  'extension-context': { severity: 'error', code: 'extension', meaning: 'The extension does not belong here.' },
  'extension-part': {
    severity: 'error',
    code: 'extension',
    meaning: 'The extension has no part of this name.'
  },
  'modifier-extension': {
    severity: 'error',
    code: 'extension',
    meaning: 'A modifier extension that is not known cannot be ignored.'
  },
  'absolute-uri': {
    severity: 'error',
    code: 'value',
    meaning: 'A system or the url of an extension is relative: it names nothing that another reader can find.'
  },
  'reference-format': { severity: 'error', code: 'value', meaning: 'The reference holds white space: it is no URL.' },
  'reference-form': {
    severity: 'warning',
    code: 'value',
    meaning: 'The reference is neither Type/id nor absolute nor #id: nobody else can follow it.'
  },
  'reference-target': {
    severity: 'error',
    code: 'invalid',
    meaning: 'The reference points at a type of resource that may not stand here.'
  },
  'reference-type': {
    severity: 'error',
    code: 'invalid',
    meaning: 'Reference.type says another type than the reference.'
  },
  'contained-id': {
    severity: 'error',
    code: 'structure',
    meaning: 'Contained resources need ids, and ids that differ.'
  },
  narrative: { severity: 'error', code: 'invalid', meaning: 'The narrative is not safe, well-formed XHTML.' },
  invariant: { severity: 'error', code: 'invariant', meaning: 'An invariant is broken; the rule id is its key.' },
  'invariant-unchecked': {
    severity: 'warning',
    code: 'not-supported',
    meaning: 'An invariant could not be evaluated.'
  }
} as const satisfies Record<string, Rule>

export type RuleName = keyof typeof RULES
