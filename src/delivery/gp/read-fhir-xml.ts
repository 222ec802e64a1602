// FHIR in XML as a tree of elements: enough of it to read an answer, and nothing that an answer must not have.
// Source: http://hl7.org/fhir/STU3/xml.html
import { SaxesParser } from 'saxes'

export interface XmlNode {
  /** Without a prefix. */
  name: string
  /** By the names they are written with. */
  attributes: Readonly<Record<string, string>>
  children: XmlNode[]
}

const DEEPEST = 64

/** The text is given up where this is thrown. */
class NotRead extends Error {}

/**
 * The root element. Text between elements is left out: FHIR keeps its values in attributes.
 * Undefined for what is not well-formed, declares a document type, or is nested deeper than any message is.
 */
export function readFhirXml(text: string): XmlNode | undefined {
  const parser = new SaxesParser({ xmlns: true })
  const document: XmlNode = { name: '', attributes: {}, children: [] }
  const open = [document]
  const giveUp = (): never => {
    throw new NotRead()
  }
  parser.on('error', giveUp)
  // Where entities would be declared, to be expanded or fetched.
  parser.on('doctype', giveUp)
  parser.on('opentag', ({ local, attributes }) => {
    const written = Object.values(attributes).map(({ name, value }) => [name, value] as const)
    const node: XmlNode = { name: local, attributes: Object.fromEntries(written), children: [] }
    open.at(-1)?.children.push(node)
    if (open.push(node) > DEEPEST) giveUp()
  })
  parser.on('closetag', () => {
    open.pop()
  })
  try {
    parser.write(text).close()
  } catch (error) {
    if (error instanceof NotRead) return undefined
    throw error
  }
  return document.children[0]
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
