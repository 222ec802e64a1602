// Who may be one person where the NHS number does not say so: date of birth, family name and postcode, folded and hashed.
// Deduplication reference, section 2.1, step 4.
import { createHmac } from 'node:crypto'
import type { ImmunizationFacts } from '../fhir/immunization.js'

/** Hexadecimal, 16 bytes; undefined unless all three are there: absent is never equal. */
export type BlockOf = (facts: Pick<ImmunizationFacts, 'birthDate' | 'familyName' | 'postcode'>) => string | undefined

/** The key makes the hash useless to whoever does not have it: names and dates of birth are few enough to be tried. */
export function createBlocks(key: Uint8Array): BlockOf {
  return (facts) => {
    const text = blockText(facts)
    if (text === undefined) return undefined
    return createHmac('sha256', key).update(text).digest('hex').slice(0, 32)
  }
}

function blockText({ birthDate, familyName, postcode }: Parameters<BlockOf>[0]): string | undefined {
  const family = foldName(familyName ?? '')
  const place = (postcode ?? '').toUpperCase().replace(/[^A-Z0-9]/g, '')
  // A year or a month of birth is that of too many.
  if (birthDate?.length !== 10 || family === '' || place === '') return undefined
  return [birthDate, family, place].join('|')
}

/** Letters alone, upper case, without accents: O'Neill, O’NEILL and O NEILL are one name. */
export function foldName(name: string): string {
  return name
    .normalize('NFKD')
    .toUpperCase()
    .replace(/[ÆŒØŁĐÞÐ]/g, (letter) => WITHOUT_ACCENT[letter] ?? letter)
    .replace(/[^\p{L}]/gu, '')
}

// Letters that Unicode does not take apart.
const WITHOUT_ACCENT: Readonly<Record<string, string>> = {
  Æ: 'AE',
  Œ: 'OE',
  Ø: 'O',
  Ł: 'L',
  Đ: 'D',
  Ð: 'D',
  Þ: 'TH'
}
