// FHIR in XML from objects shaped like FHIR JSON. The order of properties is the order of elements, which FHIR XML fixes.
// Source: http://hl7.org/fhir/STU3/xml.html
import { create } from 'xmlbuilder2'

type Builder = ReturnType<typeof create>

const FHIR = 'http://hl7.org/fhir'
const XHTML = 'http://www.w3.org/1999/xhtml'

/** A resource or element; a property that is undefined is left out. */
export interface XmlElement {
  readonly [name: string]: XmlValue
}
export type XmlValue = string | number | boolean | undefined | XmlElement | readonly XmlValue[] | XhtmlTable

/** The text of a section: rows of a heading and its lines, written as an XHTML table. */
export class XhtmlTable {
  constructor(readonly rows: readonly (readonly [heading: string, ...lines: string[]])[]) {}
}

/** Resource as a complete XML document. Characters that XML cannot hold are left out. */
export function toFhirXml(resource: XmlElement & { resourceType: string }): string {
  const document = create({ version: '1.0', encoding: 'UTF-8', invalidCharReplacement: '' })
  writeResource(document, resource)
  return document.end()
}

function writeResource(parent: Builder, resource: XmlElement & { readonly resourceType: string }): void {
  const element = parent.ele(FHIR, resource.resourceType)
  for (const [name, value] of Object.entries(resource)) {
    if (name !== 'resourceType') writeProperty(element, name, value)
  }
}

function writeProperty(parent: Builder, name: string, value: XmlValue): void {
  if (value === undefined) return
  if (isList(value)) {
    for (const item of value) writeProperty(parent, name, item)
  } else if (value instanceof XhtmlTable) {
    writeTable(parent, value)
  } else if (typeof value !== 'object') {
    parent.ele(FHIR, name).att('value', String(value))
  } else if (isResource(value)) {
    writeResource(parent.ele(FHIR, name), value)
  } else {
    writeElement(parent.ele(FHIR, name), name, value)
  }
}

function writeElement(element: Builder, name: string, value: XmlElement): void {
  for (const [property, content] of Object.entries(value)) {
    // The url of an extension is an attribute, every other property an element.
    if (name === 'extension' && property === 'url' && typeof content === 'string') element.att('url', content)
    else writeProperty(element, property, content)
  }
}

function writeTable(parent: Builder, table: XhtmlTable): void {
  const body = parent.ele(XHTML, 'div').ele(XHTML, 'table').ele(XHTML, 'tbody')
  for (const [heading, ...lines] of table.rows) {
    const row = body.ele(XHTML, 'tr')
    row.ele(XHTML, 'th').txt(heading)
    const cell = row.ele(XHTML, 'td')
    for (const line of lines) cell.ele(XHTML, 'p').txt(line)
  }
}

function isResource(value: XmlElement): value is XmlElement & { readonly resourceType: string } {
  return typeof value['resourceType'] === 'string'
}

// Array.isArray does not narrow a readonly array out of a union.
function isList(value: XmlValue): value is readonly XmlValue[] {
  return Array.isArray(value)
}
