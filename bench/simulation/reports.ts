// What reaches us of one life: the point of care's own records, and everything that echoes them.
import type { Immunization, Patient } from 'fhir/r4.js'
import type { ProductAncestry } from '../../src/dedup/product-ancestry.js'
import {
  NHS_NUMBER_SYSTEM,
  NHS_NUMBER_VERIFICATION_URL,
  NULL_FLAVOR_SYSTEM,
  ODS_CODE_SYSTEM,
  SNOMED_SYSTEM
} from '../../src/fhir/identifier-systems.js'
import { VACCINE_TYPES } from '../../src/fhir/vaccine-types.js'
import { syntheticNhsNumber } from '../../test/support/synthetic.js'
import { addDays, londonOffset } from './days.js'
import type { Dice } from './dice.js'
import type { Life, Needle } from './lives.js'
import { copyCarelessly, splitIntoComponents, type Draft, type Slip } from './slips.js'

export interface Report {
  resource: Immunization
  needles: readonly string[]
  slips: readonly Slip[]
}

/** All reports of a life in the order in which they arrive. */
export function reportLife(life: Life, index: number, dice: Dice, ancestry: ProductAncestry): Report[] {
  const drafts = life.needles.flatMap((needle) => draftsOf(needle, life, dice, ancestry))
  return drafts
    .map((draft) => ({ draft, arrival: addDays(draft.trueDay, draft.delayDays) }))
    .sort((a, b) => (a.arrival < b.arrival ? -1 : a.arrival > b.arrival ? 1 : 0))
    .map(({ draft }, sequence) => ({
      resource: toImmunization(draft, index, sequence, life.birthDate),
      needles: draft.needles,
      slips: draft.slips
    }))
}

function draftsOf(needle: Needle, life: Life, dice: Dice, ancestry: ProductAncestry): Draft[] {
  const own = ownReport(needle, dice)
  const drafts: Draft[] = []
  const isHalf = needle.id.endsWith('-half')
  // On paper, or in a system that does not report: only copies tell of it.
  const isSilent = needle.giver.place !== 'practice' && dice.chance(0.02)
  if (!isSilent) drafts.push(own, ...reportedAgain(own, needle, dice))
  const isElsewhere = needle.giver.place !== 'practice'
  if (isElsewhere && !isHalf && (isSilent || dice.chance(0.7)))
    drafts.push(...copiesOf(own, needle, life, life.practice.system, life.practice.ods, dice, ancestry))
  // Child health keeps its own list of what practices give to children.
  const isChild = needle.day < addDays(life.birthDate, 2000)
  if (!isElsewhere && isChild && dice.chance(0.3))
    drafts.push(...copiesOf(own, needle, life, 'https://child-health.example/list', 'RY0', dice, ancestry))
  // The patient moves: the system of the next practice sends what it took over.
  if (!isHalf && dice.chance(0.06)) {
    const next = dice.pick(['https://emis.example/YGJ', 'https://tpp.example/YGA'])
    const copies = copiesOf(own, needle, life, next, `C8${dice.between(1000, 9999)}`, dice, ancestry)
    const delayDays = dice.between(60, 2000)
    drafts.push(
      ...copies.map((copy): Draft => ({ ...copy, delayDays, slips: [...copy.slips, 'copy of the next practice'] }))
    )
  }
  return drafts
}

function ownReport(needle: Needle, dice: Dice): Draft {
  const draft: Draft = {
    needles: [needle.id],
    slips: [],
    system: needle.giver.system,
    ods: needle.giver.ods,
    primary: true,
    verified: true,
    status: needle.refused ? 'not-done' : 'completed',
    day: needle.day,
    trueDay: needle.day,
    time: `${String(dice.between(8, 18)).padStart(2, '0')}:${String(dice.between(0, 59)).padStart(2, '0')}`,
    precision: 'day',
    diseases: VACCINE_TYPES[needle.type],
    product: needle.product,
    dose: needle.dose,
    route: needle.route,
    ml: needle.ml,
    delayDays: 0
  }
  if (needle.site !== undefined) draft.site = needle.site
  if (!dice.chance(0.02)) draft.lot = needle.lot
  return draft
}

function reportedAgain(own: Draft, needle: Needle, dice: Dice): Draft[] {
  const again: Draft[] = []
  if (dice.chance(0.004))
    again.push({ ...own, delayDays: dice.between(1, 200), slips: ['sent again under another identifier'] })
  if (dice.chance(0.003)) {
    const entry: Draft = { ...own, delayDays: dice.between(0, 7), slips: ['entered twice in one system'] }
    entry.time = '18:30'
    if (dice.chance(0.2)) entry.day = addDays(entry.day, 1)
    again.push(entry)
  }
  // A vaccination system beside the place's own record system.
  if (needle.giver.place !== 'school' && dice.chance(0.02)) {
    const second: Draft = { ...own, system: 'https://national-recorder.example/vaccs', slips: [], delayDays: 1 }
    second.slips = ['reported by a second system of the place']
    if (dice.chance(0.05)) second.day = addDays(second.day, 1)
    if (dice.chance(0.1)) delete second.lot
    again.push(second)
  }
  return again
}

function copiesOf(
  own: Draft,
  needle: Needle,
  life: Life,
  system: string,
  practiceOds: string,
  dice: Dice,
  ancestry: ProductAncestry
): Draft[] {
  const copy = copyCarelessly(own, dice, ancestry)
  copy.system = system
  copy.delayDays = dice.between(0, 30)
  const halves = life.rivals.find(({ kind, a }) => kind === 'two halves of a nasal dose' && a === needle.id)
  if (halves !== undefined) copy.needles = [halves.a, halves.b]
  switch (copy.primary ? 'practice' : dice.weigh({ none: 0.6, practice: 0.25, giver: 0.15 })) {
    case 'none':
      delete copy.ods
      copy.slips.push('no organisation')
      break
    case 'practice':
      copy.ods = practiceOds
      break
    case 'giver':
      break
  }
  const parts = dice.chance(0.2) ? splitIntoComponents(copy) : []
  return parts.length > 0 ? parts : [copy]
}

function toImmunization(draft: Draft, index: number, sequence: number, birthDate: string): Immunization {
  return {
    resourceType: 'Immunization',
    contained: [patientOf(draft, index, birthDate)],
    identifier: [{ system: draft.system, value: `${index}-${sequence}` }],
    status: draft.status,
    vaccineCode:
      draft.product === undefined
        ? { coding: [{ system: NULL_FLAVOR_SYSTEM, code: 'UNK' }] }
        : { coding: [{ system: SNOMED_SYSTEM, code: draft.product }] },
    patient: { reference: '#patient' },
    occurrenceDateTime: occurrenceOf(draft),
    primarySource: draft.primary,
    ...(draft.lot === undefined ? {} : { lotNumber: draft.lot }),
    ...(draft.route === undefined ? {} : { route: concept(draft.route) }),
    ...(draft.site === undefined ? {} : { site: concept(draft.site) }),
    ...(draft.ml === undefined ? {} : { doseQuantity: { value: draft.ml, unit: 'ml', code: 'ml' } }),
    performer: [
      {
        actor: { type: 'Organization', identifier: { system: ODS_CODE_SYSTEM, value: draft.ods ?? 'X99999' } }
      }
    ],
    protocolApplied: [
      {
        targetDisease: draft.diseases.map(concept),
        ...(draft.dose === undefined
          ? { doseNumberString: 'Dose sequence not recorded' }
          : { doseNumberPositiveInt: draft.dose })
      }
    ]
  }
}

function patientOf({ verified }: Draft, index: number, birthDate: string): Patient {
  const value = syntheticNhsNumber(index)
  const unverified = { url: NHS_NUMBER_VERIFICATION_URL, valueCodeableConcept: concept('02') }
  const identifier = { system: NHS_NUMBER_SYSTEM, value, ...(verified ? {} : { extension: [unverified] }) }
  return { resourceType: 'Patient', id: 'patient', birthDate, identifier: [identifier] }
}

function occurrenceOf({ day, time, precision }: Draft): string {
  if (precision === 'year') return day.slice(0, 4)
  if (precision === 'month') return day.slice(0, 7)
  return `${day}T${time ?? '00:00'}:00${londonOffset(day)}`
}

function concept(code: string): { coding: { system: string; code: string }[] } {
  return { coding: [{ system: SNOMED_SYSTEM, code }] }
}
