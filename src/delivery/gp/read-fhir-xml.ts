// FHIR in XML as a tree of elements: enough of XML 1.0 to read an answer, and nothing that an answer must not have.
// Source: https://www.w3.org/TR/xml/ and http://hl7.org/fhir/STU3/xml.html

export interface XmlNode {
  /** Without a prefix. */
  name: string
  attributes: Readonly<Record<string, string>>
  children: XmlNode[]
}

const DEEPEST = 64
// A comment, a section of text, an instruction; or a tag with its attributes.
const TOKEN =
  /<!--[\s\S]*?-->|<!\[CDATA\[[\s\S]*?\]\]>|<\?[\s\S]*?\?>|<(\/?)([\w.:-]+)((?:\s+[\w.:-]+\s*=\s*(?:"[^"<]*"|'[^'<]*'))*)\s*(\/?)>/y
const ATTRIBUTE = /([\w.:-]+)\s*=\s*(?:"([^"]*)"|'([^']*)')/g

/**
 * The root element. Text between elements is left out: FHIR keeps its values in attributes.
 * Undefined for what is not well-formed, declares a document type, or is nested deeper than any message is.
 */
export function readFhirXml(text: string): XmlNode | undefined {
  if (text.includes('<!DOCTYPE')) return undefined
  const document: XmlNode = { name: '', attributes: {}, children: [] }
  const open = [document]
  let at = text.indexOf('<')
  for (; at !== -1; at = text.indexOf('<', at)) {
    // Where no token begins the text is given up, so that reading takes time in proportion to its length.
    TOKEN.lastIndex = at
    const match = TOKEN.exec(text)
    if (match === null) return undefined
    at += match[0].length
    const [, closes, name, attributes = '', isEmpty] = match
    if (name === undefined) continue
    if (closes === '/') {
      if (open.length === 1 || open.pop()?.name !== localName(name)) return undefined
      continue
    }
    const node: XmlNode = { name: localName(name), attributes: readAttributes(attributes), children: [] }
    open.at(-1)?.children.push(node)
    if (isEmpty !== '/') open.push(node)
    if (open.length > DEEPEST) return undefined
  }
  const isWhole = open.length === 1 && document.children.length === 1
  return isWhole ? document.children[0] : undefined
}

/** Every element at the end of a path such as `response/code`, at any depth, in document order. */
export function findAll(node: XmlNode, path: string): XmlNode[] {
  const [first = '', ...rest] = path.split('/')
  const here = descendants(node).filter(({ name }) => name === first)
  return rest.reduce(
    (found, step) => found.flatMap(({ children }) => children.filter(({ name }) => name === step)),
    here
  )
}

function descendants(node: XmlNode): XmlNode[] {
  return [node, ...node.children.flatMap(descendants)]
}

function readAttributes(text: string): Record<string, string> {
  const found = [...text.matchAll(ATTRIBUTE)]
  return Object.fromEntries(found.map(([, name = '', double, single]) => [name, unescape(double ?? single ?? '')]))
}

const NAMED: Record<string, string> = { amp: '&', lt: '<', gt: '>', quot: '"', apos: "'" }

function unescape(text: string): string {
  return text.replace(/&(?:#x([0-9a-fA-F]{1,6})|#(\d{1,7})|(amp|lt|gt|quot|apos));/g, (whole, hex, decimal, name) => {
    if (typeof name === 'string') return NAMED[name] ?? whole
    const point = typeof hex === 'string' ? parseInt(hex, 16) : Number(decimal)
    return point <= 0x10ffff ? String.fromCodePoint(point) : whole
  })
}

function localName(name: string): string {
  return name.slice(name.indexOf(':') + 1)
}
