// Narrative: one well-formed XHTML div of formatting elements only. One scan over the text.
// http://hl7.org/fhir/R4/narrative.html: basic HTML formatting elements of HTML 4.0 chapters 7 to 11 (without 9.4: ins and
// del) and 15, anchors, images and inline style; no head, body, scripts, forms, frames, objects, external style sheets.
import { HTML_ENTITIES } from './html-entities.js'

const ELEMENTS = new Set(
  (
    'a abbr acronym address area b bdo big blockquote br caption center cite code col colgroup dd dfn div dl dt em ' +
    'font h1 h2 h3 h4 h5 h6 hr i img kbd li map ol p pre q s samp small span strike strong sub sup table tbody td ' +
    'tfoot th thead tr tt u ul var'
  ).split(' ')
)

/** What may not stand in a paragraph, however deep. */
const BLOCKS = new Set('blockquote div ol p table ul'.split(' '))

const ATTRIBUTES = new Set(
  (
    'abbr accesskey align alt axis bgcolor border cellpadding cellspacing char charoff charset cite class clear color ' +
    'colspan compact coords dir face frame headers height href hreflang hspace id ismap lang longdesc name nohref ' +
    'noshade nowrap rel rev rowspan rules scope shape size space span src start style summary tabindex title type ' +
    'usemap valign value vspace width xml:lang xml:space xmlns'
  ).split(' ')
)

const XHTML_NAMESPACE = 'http://www.w3.org/1999/xhtml'
const CDATA = '<![CDATA['
const MAX_NESTING = 200

/** True for a div that can be shown to a person without harm and says something. */
export function isSafeNarrative(text: string): boolean {
  const scanner = { text, at: skipSpace(text, 0) }
  const open: string[] = []
  let saysSomething = false
  let started = false
  let paragraphs = 0
  while (scanner.at < text.length) {
    const next = text.indexOf('<', scanner.at)
    const end = next < 0 ? text.length : next
    if (end > scanner.at) {
      const between = text.slice(scanner.at, end)
      const isText = between.trim() !== ''
      if (isText && open.length === 0) return false
      if (isText && (!areEntitiesWellFormed(between) || between.includes(']]>'))) return false
      saysSomething ||= isText
    }
    if (next < 0) break
    scanner.at = next
    if (text.startsWith('<!', next)) {
      const behind = text.startsWith('<!--', next) ? endOfComment(text, next) : endOfCharacterData(text, next)
      if (behind < 0 || (open.length === 0 && !text.startsWith('<!--', next))) return false
      saysSomething ||= text.startsWith(CDATA, next) && behind > next + CDATA.length + 3
      scanner.at = behind
      continue
    }
    const tag = readTag(scanner)
    if (tag === undefined) return false
    if (tag.isClosing) {
      if (open.pop() !== tag.name) return false
      if (tag.name === 'p') paragraphs--
      continue
    }
    if (paragraphs > 0 && BLOCKS.has(tag.name)) return false
    if (tag.namespace !== undefined && tag.namespace !== XHTML_NAMESPACE) return false
    if (open.length === 0 && (started || tag.name !== 'div' || tag.namespace !== XHTML_NAMESPACE)) return false
    started = true
    saysSomething ||= tag.name === 'img'
    if (tag.isEmpty) continue
    if (open.push(tag.name) > MAX_NESTING) return false
    if (tag.name === 'p') paragraphs++
  }
  return started && open.length === 0 && saysSomething
}

// XML ends a comment at its first double hyphen.
function endOfComment(text: string, start: number): number {
  const close = text.indexOf('--', start + 4)
  return close >= 0 && text.charAt(close + 2) === '>' ? close + 3 : -1
}

// Markup in it is text to XML, but not to a browser that is handed the narrative as HTML.
function endOfCharacterData(text: string, start: number): number {
  const close = text.startsWith(CDATA, start) ? text.indexOf(']]>', start) : -1
  return close < 0 || /[<>]/.test(text.slice(start + CDATA.length, close)) ? -1 : close + 3
}

/** Local ids that links and images of a narrative name: `#pic` gives `pic`. */
export function localIdsIn(narrative: string): string[] {
  if (!narrative.includes('#')) return []
  return Array.from(narrative.matchAll(/(?:href|src)\s?=\s?["']#([A-Za-z0-9.-]{1,64})["']/g), ([, id = '']) => id)
}

interface Scanner {
  readonly text: string
  at: number
}

interface Tag {
  name: string
  isClosing: boolean
  isEmpty: boolean
  namespace: string | undefined
}

// Reads the tag that begins at scanner.at and steps behind it; undefined for anything not allowed.
function readTag(scanner: Scanner): Tag | undefined {
  const { text } = scanner
  const isClosing = text.charAt(scanner.at + 1) === '/'
  scanner.at += isClosing ? 2 : 1
  const name = readName(scanner)
  if (!ELEMENTS.has(name)) return undefined
  let namespace: string | undefined
  const seen = new Set<string>()
  for (;;) {
    const before = scanner.at
    scanner.at = skipSpace(text, scanner.at)
    if (text.charAt(scanner.at) === '>') {
      scanner.at++
      return { name, isClosing, isEmpty: false, namespace }
    }
    if (isClosing) return undefined
    if (text.startsWith('/>', scanner.at)) {
      scanner.at += 2
      return { name, isClosing, isEmpty: true, namespace }
    }
    if (scanner.at === before) return undefined
    const attribute = readAttribute(scanner)
    if (attribute === undefined || seen.has(attribute.name)) return undefined
    seen.add(attribute.name)
    if (attribute.name === 'xmlns') namespace = attribute.value
  }
}

function readAttribute(scanner: Scanner): { name: string; value: string } | undefined {
  const { text } = scanner
  const name = readName(scanner)
  scanner.at = skipSpace(text, scanner.at)
  if (!ATTRIBUTES.has(name) || text.charAt(scanner.at) !== '=') return undefined
  scanner.at = skipSpace(text, scanner.at + 1)
  const quote = text.charAt(scanner.at)
  if (quote !== '"' && quote !== "'") return undefined
  const end = text.indexOf(quote, scanner.at + 1)
  if (end < 0) return undefined
  const value = text.slice(scanner.at + 1, end)
  scanner.at = end + 1
  return isSafeValue(name, value) ? { name, value } : undefined
}

function isSafeValue(name: string, value: string): boolean {
  if (value.includes('<') || !areEntitiesWellFormed(value)) return false
  if (name === 'style') return !/expression\s*\(|javascript:|vbscript:|@import|-moz-binding|behaviou?r\s*:/i.test(value)
  if (name !== 'href' && name !== 'src' && name !== 'longdesc' && name !== 'cite') return true
  // Browsers skip control characters and read entities inside a scheme.
  const plain = withoutDisguise(value).toLowerCase()
  // What is fetched when the narrative is shown tells others who looks at it.
  if (name === 'src' && /^(?:https?:|ftp:|file:|\/\/)/.test(plain)) return false
  return !/^(?:javascript|vbscript|data:text|data:application)/.test(plain)
}

function withoutDisguise(value: string): string {
  const decoded = value
    .slice(0, 200)
    .replace(/&#x([0-9a-f]{1,6});/gi, (_, digits: string) => character(parseInt(digits, 16)))
    .replace(/&#([0-9]{1,7});/g, (_, digits: string) => character(Number(digits)))
    .replace(/&colon;/gi, ':')
    .replace(/&(?:tab|newline);/gi, '')
  return Array.from(decoded)
    .filter((one) => one > ' ')
    .join('')
}

function character(code: number): string {
  return code > 0 && code <= 0x10ffff ? String.fromCodePoint(code) : ''
}

// &name; &#123; &#x1F; and nothing else that begins with an ampersand.
function areEntitiesWellFormed(text: string): boolean {
  for (let at = text.indexOf('&'); at >= 0; at = text.indexOf('&', at + 1)) {
    const end = text.indexOf(';', at)
    if (end < 0 || end - at > 12) return false
    const name = text.slice(at + 1, end)
    if (!HTML_ENTITIES.has(name) && !/^#(?:[0-9]{1,7}|x[0-9A-Fa-f]{1,6})$/.test(name)) return false
  }
  return true
}

function readName(scanner: Scanner): string {
  const start = scanner.at
  while (isNameCharacter(scanner.text.charCodeAt(scanner.at))) scanner.at++
  return scanner.text.slice(start, scanner.at)
}

function isNameCharacter(code: number): boolean {
  return (code >= 97 && code <= 122) || (code >= 65 && code <= 90) || (code >= 48 && code <= 58) || code === 45
}

function skipSpace(text: string, start: number): number {
  let at = start
  while (at < text.length && text.charCodeAt(at) <= 32) at++
  return at
}
