import { NO_PARAMS, type Check, type NoParams } from '../check.js'
import { enough, nothing } from '../ground.js'

/** Texts that stand for "no batch number", as suppliers type them; compared in upper case without other characters. */
const PLACEHOLDERS: ReadonlySet<string> = new Set([
  '0',
  '00',
  'NK',
  'UNK',
  'UNKNOWN',
  'NA',
  'NONE',
  'NOTRECORDED',
  'NOTKNOWN',
  'TEST',
  'X'
])

export const batchPresent: Check<NoParams> = {
  description: 'A dose reported by who gave it names its batch.',
  rules: ['batch-missing'],
  appliesTo: 'given',
  params: NO_PARAMS,
  look:
    () =>
    ({ facts }) =>
      facts.primarySource ? enough('lotNumber') : nothing('primarySource: reported by somebody else than who gave it'),
  compile:
    () =>
    ({ facts }) => {
      if (!facts.primarySource || namesBatch(facts.lotNumber)) return undefined
      return {
        rule: 'batch-missing',
        code: 'required',
        expression: ['Immunization.lotNumber'],
        text: 'lotNumber should name the batch of a dose reported by its primary source; send it with a correction when it is known'
      }
    }
}

function namesBatch(lotNumber: string | undefined): boolean {
  const characters = (lotNumber ?? '').toUpperCase().replace(/[^A-Z0-9]/g, '')
  return characters !== '' && !PLACEHOLDERS.has(characters)
}
