// FHIR in XML from objects shaped like FHIR JSON. The order of properties is the order of elements, which FHIR XML fixes.
// Written as text: through a document tree the same message cost several times the CPU. Source: http://hl7.org/fhir/STU3/xml.html

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
  const { resourceType, ...content } = resource
  return (
    '<?xml version="1.0" encoding="UTF-8"?>' +
    `<${resourceType} xmlns="http://hl7.org/fhir">${writeContent(content)}</${resourceType}>`
  )
}

function writeContent(element: XmlElement): string {
  return Object.entries(element)
    .map(([name, value]) => writeProperty(name, value))
    .join('')
}

function writeProperty(name: string, value: XmlValue): string {
  if (value === undefined) return ''
  if (isList(value)) return value.map((item) => writeProperty(name, item)).join('')
  if (value instanceof XhtmlTable) return writeTable(value)
  if (typeof value !== 'object') return `<${name} value="${escapeAttribute(String(value))}"/>`
  const { resourceType, ...content } = value
  if (typeof resourceType === 'string') {
    return `<${name}><${resourceType}>${writeContent(content)}</${resourceType}></${name}>`
  }
  return name === 'extension' ? writeExtension(value) : `<${name}>${writeContent(value)}</${name}>`
}

/** The url of an extension is an attribute; of any other element it would be an element. */
function writeExtension({ url, ...content }: XmlElement): string {
  const attribute = typeof url === 'string' ? ` url="${escapeAttribute(url)}"` : ''
  return `<extension${attribute}>${writeContent(content)}</extension>`
}

function writeTable(table: XhtmlTable): string {
  const rows = table.rows.map(([heading, ...lines]) => {
    const cell = lines.map((line) => `<p>${escapeText(line)}</p>`).join('')
    return `<tr><th>${escapeText(heading)}</th><td>${cell}</td></tr>`
  })
  return `<div xmlns="http://www.w3.org/1999/xhtml"><table><tbody>${rows.join('')}</tbody></table></div>`
}

// What XML 1.0 does not allow (2.2): most control characters, and a surrogate without its other half.
const NOT_XML = /[^\t\n\r\u0020-\ud7ff\ue000-\ufffd\u{10000}-\u{10ffff}]/gu

function escapeText(text: string): string {
  return text.replace(NOT_XML, '').replaceAll('&', '&amp;').replaceAll('<', '&lt;').replaceAll('>', '&gt;')
}

// A parser turns raw line ends and tabs in an attribute into spaces.
function escapeAttribute(text: string): string {
  return escapeText(text)
    .replaceAll('"', '&quot;')
    .replace(/[\t\n\r]/g, (space) => `&#${space.charCodeAt(0)};`)
}

// Array.isArray does not narrow a readonly array out of a union.
function isList(value: XmlValue): value is readonly XmlValue[] {
  return Array.isArray(value)
}
