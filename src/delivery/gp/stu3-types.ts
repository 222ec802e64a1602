// FHIR R4 data types as FHIR STU3 elements, in the order STU3 fixes.
// Source: http://hl7.org/fhir/STU3/datatypes.html
import type { Address, CodeableConcept, HumanName, Identifier, Quantity } from 'fhir/r4.js'
import type { XmlElement } from './fhir-xml.js'

export function toConcept(concept: CodeableConcept | undefined): XmlElement | undefined {
  if (concept === undefined) return undefined
  return {
    coding: concept.coding?.map(({ system, code, display }) => ({ system, code, display })),
    text: concept.text
  }
}

export function toIdentifier(identifier: Identifier | undefined): XmlElement | undefined {
  return identifier === undefined ? undefined : { system: identifier.system, value: identifier.value }
}

export function toName(name: HumanName): XmlElement {
  const { use, text, family, given, prefix, suffix } = name
  return { use, text, family, given, prefix, suffix }
}

export function toAddress(address: Address): XmlElement {
  const { use, type, text, line, city, district, postalCode, country } = address
  return { use, type, text, line, city, district, postalCode, country }
}

export function toQuantity(quantity: Quantity | undefined): XmlElement | undefined {
  if (quantity === undefined) return undefined
  const { value, unit, system, code } = quantity
  return { value, unit, system, code }
}

/** A single code with its display, as the ITK messages want their own codes. */
export function oneCode(system: string, code: string, display: string): XmlElement {
  return { coding: { system, code, display } }
}

/** What a person reads for a concept: its text, or its first display, or its first code. */
export function readable(concept: CodeableConcept | undefined): string | undefined {
  const coding = concept?.coding?.find(({ display }) => display !== undefined) ?? concept?.coding?.[0]
  return concept?.text ?? coding?.display ?? coding?.code
}

/** "FAMILY, Given", the way NHS messages show a name. */
export function readableName(name: HumanName | undefined): string {
  const family = name?.family?.toUpperCase()
  return (
    [family, name?.given?.join(' ')].filter((part) => part !== undefined && part !== '').join(', ') ||
    (name?.text ?? '')
  )
}
