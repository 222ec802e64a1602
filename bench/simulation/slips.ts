// What happens to a record between the needle and us.
import { VACCINE_TYPES } from '../../src/fhir/vaccine-types.js'
import type { ProductAncestry } from '../../src/dedup/product-ancestry.js'
import { addDays } from './days.js'
import type { Dice } from './dice.js'

/** Kinds of error, as they are counted. */
export type Slip =
  | 'date a day off'
  | 'date 2 to 7 days off'
  | 'date 8 to 20 days off'
  | 'date a month or a year off'
  | 'month or year only'
  | 'lot lost'
  | 'lot a keystroke off'
  | 'lot with look-alike letters'
  | 'lot of another jab'
  | 'placeholder for a lot'
  | 'generic product'
  | 'no product'
  | 'product nobody has listed'
  | 'another brand'
  | 'no organisation'
  | 'another dose number'
  | 'one component of a combination'
  | 'copy that calls itself primary'
  | 'NHS number not verified'
  | 'sent again under another identifier'
  | 'entered twice in one system'
  | 'reported by a second system of the place'
  | 'copy of the next practice'

/** One report before it becomes a resource. */
export interface Draft {
  /** Needles it tells of: a copy of a nasal dose given in halves tells of both. */
  needles: string[]
  slips: Slip[]
  system: string
  ods?: string
  primary: boolean
  verified: boolean
  status: 'completed' | 'not-done'
  day: string
  /** Day on which it was given, whatever the record says. */
  trueDay: string
  /** HH:MM; undefined is written as midnight. */
  time?: string
  precision: 'day' | 'month' | 'year'
  diseases: readonly string[]
  product?: string
  lot?: string
  dose?: number
  route?: string
  site?: string
  ml?: number
  /** Days after the needle at which it reaches us. */
  delayDays: number
}

/** What a practice types, or its system fills in, from a letter or message about a vaccination given elsewhere. */
export function copyCarelessly(draft: Draft, dice: Dice, ancestry: ProductAncestry): Draft {
  const copy: Draft = { ...draft, slips: [...draft.slips], primary: false }
  for (const field of ['time', 'route', 'site', 'ml'] as const) Reflect.deleteProperty(copy, field)
  slipDate(copy, dice)
  slipLot(copy, dice)
  slipProduct(copy, dice, ancestry)
  slipDose(copy, dice)
  if (dice.chance(0.01)) {
    copy.primary = true
    copy.slips.push('copy that calls itself primary')
  }
  if (dice.chance(0.005)) {
    copy.verified = false
    copy.slips.push('NHS number not verified')
  }
  return copy
}

function slipDate(copy: Draft, dice: Dice): void {
  const slip = dice.weigh({ none: 0.89, day: 0.055, days: 0.03, weeks: 0.015, far: 0.004, partial: 0.006 })
  switch (slip) {
    case 'none':
      return
    case 'day':
      copy.day = addDays(copy.day, dice.chance(0.8) ? 1 : -1)
      copy.slips.push('date a day off')
      return
    case 'days':
      copy.day = addDays(copy.day, dice.chance(0.4) ? 7 : dice.between(2, 6))
      copy.slips.push('date 2 to 7 days off')
      return
    case 'weeks':
      copy.day = addDays(copy.day, dice.between(8, 20))
      copy.slips.push('date 8 to 20 days off')
      return
    case 'far':
      copy.day = addDays(copy.day, dice.pick([-365, -31, -30, 30, 31]))
      copy.slips.push('date a month or a year off')
      return
    case 'partial':
      copy.precision = dice.pick(['month', 'year'])
      copy.slips.push('month or year only')
  }
}

const PLACEHOLDERS = ['UNKNOWN', 'N/A', 'not recorded', 'NK', '0', 'see notes', 'x']

function slipLot(copy: Draft, dice: Dice): void {
  if (copy.lot === undefined) return
  const slip = dice.weigh({ none: 0.5, lost: 0.43, placeholder: 0.02, typo: 0.03, alike: 0.015, other: 0.005 })
  switch (slip) {
    case 'none':
      return
    case 'lost':
      delete copy.lot
      copy.slips.push('lot lost')
      return
    case 'placeholder':
      copy.lot = dice.pick(PLACEHOLDERS)
      copy.slips.push('placeholder for a lot')
      return
    case 'typo':
      copy.lot = mistype(copy.lot, dice)
      copy.slips.push('lot a keystroke off')
      return
    case 'alike':
      copy.lot = copy.lot.replace('0', 'O').replace('1', 'I').replace('5', 's').toLowerCase()
      copy.slips.push('lot with look-alike letters')
      return
    case 'other':
      copy.lot = `Q${dice.between(10000, 99999)}`
      copy.slips.push('lot of another jab')
  }
}

/** One keystroke: another character, one too many or one too few. */
function mistype(lot: string, dice: Dice): string {
  const at = dice.between(1, lot.length - 1)
  const key = String(dice.between(0, 9))
  return lot.slice(0, at) + dice.pick(['', key, key + lot[at]!]) + lot.slice(at + 1)
}

const UNLISTED = '999999011000001104'

function slipProduct(copy: Draft, dice: Dice, ancestry: ProductAncestry): void {
  const slip = dice.weigh({ none: 0.2, generic: 0.4, absent: 0.36, unlisted: 0.03, brand: 0.01 })
  const ancestors = ancestry.get(copy.product ?? '')?.ancestors ?? []
  switch (slip) {
    case 'none':
      return
    case 'generic':
      if (ancestors.length === 0) delete copy.product
      else copy.product = dice.pick(ancestors)
      copy.slips.push(ancestors.length === 0 ? 'no product' : 'generic product')
      return
    case 'absent':
      delete copy.product
      copy.slips.push('no product')
      return
    case 'unlisted':
      copy.product = UNLISTED
      copy.slips.push('product nobody has listed')
      return
    case 'brand': {
      const brands = [...ancestry].filter(
        ([code, known]) =>
          code !== copy.product && known.ancestors.some((one) => ancestors.includes(one)) && known.level === 'AMP'
      )
      if (brands.length === 0) return
      copy.product = dice.pick(brands)[0]
      copy.slips.push('another brand')
    }
  }
}

function slipDose(copy: Draft, dice: Dice): void {
  const slip = dice.weigh({ none: 0.18, lost: 0.8, other: 0.02 })
  if (slip === 'none' || copy.dose === undefined) return
  if (slip === 'lost') delete copy.dose
  else {
    copy.dose += 1
    copy.slips.push('another dose number')
  }
}

/** Some systems know only the parts: 6-in-1 without a code of its own, MMRV as MMR and chickenpox. */
export function splitIntoComponents(copy: Draft): Draft[] {
  const has = (codes: readonly string[]): boolean => codes.every((code) => copy.diseases.includes(code))
  const parts =
    has(VACCINE_TYPES['6IN1']) && copy.diseases.length === 6
      ? [VACCINE_TYPES['4IN1'], VACCINE_TYPES.HIB, VACCINE_TYPES.HEPB]
      : has(VACCINE_TYPES.MMRV)
        ? [VACCINE_TYPES.MMR, ['38907003']]
        : []
  return parts.map((diseases) => {
    const part: Draft = { ...copy, diseases, slips: [...copy.slips, 'one component of a combination'] }
    delete part.product
    return part
  })
}
