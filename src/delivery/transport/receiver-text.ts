// What a receiver says, made fit for our own records: without the patient, and short.
import type { Immunization } from 'fhir/r4.js'

const LONGEST = 300

/** Takes the patient out of a receiver's text. */
export type Redact = (text: string) => string

/**
 * A redactor for the answers about one Immunization. Receivers quote what they refuse, so every name, date and place of
 * the contained people is replaced, and so is anything that looks like an NHS number, ours or not.
 */
export function createRedactor(resource: Immunization): Redact {
  const words = [...new Set((resource.contained ?? []).flatMap((person) => personalWords(person)))]
    .filter((word) => word.length > 1)
    .sort((a, b) => b.length - a.length)
  const personal = words.length === 0 ? undefined : new RegExp(words.map(wholeWord).join('|'), 'giu')
  return (text) => {
    const named = personal === undefined ? text : text.replace(personal, '[patient]')
    return shorten(named.replace(/(?<!\d)\d{3}[ -]?\d{3}[ -]?\d{4}(?!\d)/g, '[number]'))
  }
}

/** Every text in names, addresses, dates of birth, telecoms and identifiers of a contained person. */
function personalWords(person: object): string[] {
  const { name, address, birthDate, telecom, identifier } = person as Record<string, unknown>
  const compactDate = typeof birthDate === 'string' ? birthDate.replaceAll('-', '') : undefined
  const texts = textsIn([name, address, birthDate, compactDate, telecom, identifier])
  return texts.flatMap((text) => [text, ...text.split(/\s+/)])
}

const NOT_PERSONAL = new Set(['use', 'system', 'type', 'period', 'url'])

function textsIn(value: unknown): string[] {
  if (typeof value === 'string') return [value.trim()]
  if (Array.isArray(value)) return value.flatMap(textsIn)
  if (typeof value !== 'object' || value === null) return []
  return Object.entries(value).flatMap(([key, field]) => (NOT_PERSONAL.has(key) ? [] : textsIn(field)))
}

// Bounded by anything but a letter or digit, so that a family name "Ode" does not eat the word "code".
function wholeWord(word: string): string {
  return `(?<![\\p{L}\\p{N}])${word.replace(/[.*+?^${}()|[\]\\]/g, '\\$&')}(?![\\p{L}\\p{N}])`
}

function shorten(text: string): string {
  const oneLine = text.replace(/\s+/g, ' ').trim()
  return oneLine.length > LONGEST ? `${oneLine.slice(0, LONGEST - 3)}...` : oneLine
}
