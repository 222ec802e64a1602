// What really happened: the needles of one synthetic life.
import { addDays } from './days.js'
import type { DedupRules } from '../../src/dedup/dedup-rules.js'
import { windowOf } from '../../src/dedup/dedup-rules.js'
import { daysBetween } from '../../src/fhir/dates.js'
import type { VaccineType } from '../../src/fhir/vaccine-types.js'
import type { Programme } from '../../src/programmes/programme.js'
import { SYNTHETIC_VACCINES } from '../../test/support/synthetic-vaccines.js'
import type { Dice } from './dice.js'
import { fluHabit, ROUTINE, type Place } from './schedule.js'

export interface Giver {
  place: Place
  /** identifier.system of the records of its computer system. */
  system: string
  ods: string
}

export interface Needle {
  id: string
  type: VaccineType
  day: string
  product: string
  lot: string
  dose: number
  ml: number
  route: string
  site?: string
  giver: Giver
  /** Offered and refused: nothing was given. */
  refused?: true
}

/** Needles of one vaccine that come close to one another and must stay two. */
export interface Rivals {
  kind:
    | 'next dose of a course'
    | 'second flu dose of a child'
    | 'two halves of a nasal dose'
    | 'vaccinated twice on one day'
    | 'vaccinated twice on two days'
    | 'vaccinated again within weeks'
    | 'refused, then given'
  a: string
  b: string
}

export interface Life {
  practice: Giver
  birthDate: string
  needles: Needle[]
  rivals: Rivals[]
}

export interface World {
  rules: DedupRules
  programmes: readonly Programme[]
}

const TODAY = '2026-11-22'
/** Before this nobody reported electronically. */
const FIRST_REPORT = '2000-01-01'
const NASAL = '43208811000001106'
/** Lots of a vaccine in use at one time: national stock comes to many places from few lots. */
const LOTS_AT_ONCE = 12
/** Share of doses that somebody gives a second time by mistake: several times as many as in life, so that they count. */
const ACCIDENTS = 1 / 2000

export function liveLife(index: number, dice: Dice, world: World): Life {
  const birthDate = addDays('1936-01-01', dice.between(0, daysBetween('1936-01-01', '2026-09-20')))
  const practice: Giver = {
    place: 'practice',
    system: dice.chance(0.6) ? 'https://emis.example/YGJ' : 'https://tpp.example/YGA',
    ods: `B8${String(1000 + (index % 6000)).padStart(4, '0')}`
  }
  const life: Life = { practice, birthDate, needles: [], rivals: [] }
  const give = createGiving(life, dice, world)
  for (const offer of ROUTINE) {
    if (birthDate < (offer.bornFrom ?? '') || birthDate > (offer.bornTo ?? '9999') || !dice.chance(offer.uptake))
      continue
    const planned = addDays(birthDate, offer.atDays + dice.between(0, offer.lateDays))
    const last = life.needles.findLast(({ type, refused }) => type === offer.type && !refused)
    const soonest = last === undefined ? '' : addDays(last.day, windowOf(offer.type, world.rules).windowDays + 1)
    // One in thirty comes a little too early.
    const day = planned > soonest || dice.chance(0.03) ? planned : soonest
    give(offer.type, day, offer.dose, offer.place)
  }
  const isAtRisk = dice.chance(0.08)
  let hadFlu = false
  for (let year = Math.max(2005, Number(birthDate.slice(0, 4))); year <= 2026; year++) {
    const age = year - Number(birthDate.slice(0, 4))
    const { uptake, place } = fluHabit(age)
    const autumn = addDays(`${year}-09-08`, dice.between(0, 80))
    if (dice.chance(isAtRisk ? 0.7 : uptake) && autumn > addDays(birthDate, 183)) {
      const first = give('FLU', autumn, 1, place)
      if (first && !hadFlu && age < 9 && isAtRisk) give('FLU', addDays(autumn, dice.between(26, 40)), 2, 'practice')
      hadFlu = true
    }
    giveCovid(year, age, autumn, give, dice)
  }
  if (dice.chance(0.08) && birthDate > '1985-01-01' && birthDate < '2004-01-01') {
    const pregnancy = addDays('2024-10-01', dice.between(0, 700))
    give('PERTUSSIS', pregnancy, 1, 'maternity')
    give('RSV', addDays(pregnancy, dice.between(0, 60)), 1, 'maternity')
  }
  markCourses(life, world)
  return life
}

type Give = (type: VaccineType, day: string, dose: number, place: Place) => boolean

// Two doses 8 to 12 weeks apart, some at three weeks, a booster; then the old in spring, and in autumn with their flu jab.
function giveCovid(year: number, age: number, autumn: string, give: Give, dice: Dice): void {
  if (year === 2021 && age >= 16 && dice.chance(0.85)) {
    const first = addDays('2021-01-04', dice.between(0, 150))
    const second = addDays(first, dice.chance(0.05) ? dice.between(21, 28) : dice.between(56, 84))
    give('COVID', first, 1, 'hospital')
    give('COVID', second, 2, 'hospital')
    if (dice.chance(0.7)) give('COVID', addDays(second, dice.between(91, 190)), 3, 'pharmacy')
  }
  if (year < 2023 || age < 75) return
  if (dice.chance(0.6)) give('COVID', addDays(`${year}-04-10`, dice.between(0, 70)), 1, 'practice')
  if (dice.chance(0.6)) give('COVID', dice.chance(0.6) ? autumn : addDays(autumn, dice.between(1, 30)), 1, 'pharmacy')
}

/** Adds a dose, and what goes wrong around it. False when it would lie outside the years of reports. */
function createGiving(life: Life, dice: Dice, world: World): Give {
  return (type, day, dose, place) => {
    if (day > TODAY || day < FIRST_REPORT) return false
    const needle = makeNeedle(
      `n${life.needles.length}`,
      type,
      day,
      dose,
      giverOf(place, life.practice, dice),
      dice,
      world
    )
    if (dice.chance(0.002)) refuseFirst(needle, life, dice)
    life.needles.push(needle)
    if (needle.product === NASAL && dice.chance(0.02)) splitDose(needle, life)
    else if (dice.chance(ACCIDENTS)) giveAgain(needle, life, dice, world)
    return true
  }
}

function makeNeedle(
  id: string,
  type: VaccineType,
  day: string,
  dose: number,
  giver: Giver,
  dice: Dice,
  world: World
): Needle {
  const usual = SYNTHETIC_VACCINES[type]
  const offered = world.programmes
    .filter((programme) => programme.vaccineType === type && programme.status === 'active')
    .flatMap(({ products }) => products.filter(({ code }) => code !== undefined))
  const isNasal = type === 'FLU' && giver.place === 'school'
  const suitable = offered.filter(({ code }) => (code === NASAL) === isNasal)
  const chosen = suitable.length === 0 ? undefined : dice.pick(suitable)
  return {
    id,
    type,
    day,
    dose,
    giver,
    product: chosen?.code ?? usual.product,
    lot: lotOf(type, day, dice),
    ml: chosen?.doseMl ?? usual.doseMl,
    route: chosen?.routes?.[0] ?? usual.route,
    ...(usual.site === undefined || isNasal ? {} : { site: usual.site })
  }
}

// Neighbours in a delivery often differ in their last digit only.
function lotOf(type: VaccineType, day: string, dice: Dice): string {
  const quarter = day.slice(0, 4) + String(Math.floor((Number(day.slice(5, 7)) - 1) / 3))
  const number = (Number(quarter) * 7919 + type.length * 104729 + type.charCodeAt(1) * 1299709) % 90000
  const letters = 'ABCDEFGHJKLMNPRSTUVWXYZ'
  const letter = letters[number % letters.length]!
  return `${letter}${letters[(number >> 3) % letters.length]!}${10000 + number + dice.between(0, LOTS_AT_ONCE - 1)}`
}

function giverOf(place: Place, practice: Giver, dice: Dice): Giver {
  const n = dice.between(100, 999)
  switch (place) {
    case 'practice':
      return practice
    case 'pharmacy':
      return { place, system: dice.pick(['https://pharmacy.example/a', 'https://pharmacy.example/b']), ods: `FX${n}` }
    case 'school':
      return { place, system: 'https://school.example/vaccinations', ods: `RY${n}` }
    case 'hospital':
    case 'maternity':
      return { place, system: `https://${place}.example/vaccinations`, ods: `RX${n}` }
  }
}

function refuseFirst(needle: Needle, life: Life, dice: Dice): void {
  const refusal: Needle = { ...needle, id: `${needle.id}-refused`, refused: true }
  refusal.day = addDays(needle.day, -dice.between(0, 10))
  life.needles.push(refusal)
  life.rivals.push({ kind: 'refused, then given', a: refusal.id, b: needle.id })
}

// One nostril recorded after the other.
function splitDose(needle: Needle, life: Life): void {
  needle.ml = needle.ml / 2
  const other: Needle = { ...needle, id: `${needle.id}-half` }
  life.needles.push(other)
  life.rivals.push({ kind: 'two halves of a nasal dose', a: needle.id, b: other.id })
}

// Somebody did not know: another place on the same day, the next days or weeks; seldom the same place.
function giveAgain(first: Needle, life: Life, dice: Dice, world: World): void {
  const later = dice.weigh({ 0: 0.4, 1: 0.2, 2: 0.4 })
  const places: Place[] = ['practice', 'pharmacy', 'hospital', 'school']
  const giver = dice.chance(0.15)
    ? first.giver
    : giverOf(dice.pick(places.filter((place) => place !== first.giver.place)), life.practice, dice)
  const day = addDays(first.day, later === '0' ? 0 : later === '1' ? 1 : dice.between(2, 27))
  if (day > TODAY) return
  const second = makeNeedle(`${first.id}-again`, first.type, day, first.dose, giver, dice, world)
  if (giver === first.giver && dice.chance(0.7)) second.lot = first.lot
  life.needles.push(second)
  const kind =
    later === '0'
      ? 'vaccinated twice on one day'
      : later === '1'
        ? 'vaccinated twice on two days'
        : 'vaccinated again within weeks'
  life.rivals.push({ kind, a: first.id, b: second.id })
}

/** Doses of a course that lie near enough to be compared at all. */
function markCourses({ needles, rivals }: Life, { rules }: World): void {
  const known = new Set(rivals.flatMap(({ a, b }) => [`${a} ${b}`, `${b} ${a}`]))
  for (const a of needles) {
    for (const b of needles) {
      const days = daysBetween(a.day, b.day)
      const isNext = a.type === b.type && b.dose === a.dose + 1 && days > 0
      if (!isNext || days > windowOf(a.type, rules).windowDays + 14 || known.has(`${a.id} ${b.id}`)) continue
      rivals.push({ kind: a.type === 'FLU' ? 'second flu dose of a child' : 'next dose of a course', a: a.id, b: b.id })
    }
  }
}
