// Pairs made to mislead, as senders write them, with the outcome that clinical reasoning asks for.
import type { Immunization } from 'fhir/r4.js'
import type { PairOutcome } from '../../src/dedup/compare-events.js'
import { NULL_FLAVOR_SYSTEM, ODS_CODE_SYSTEM, SNOMED_SYSTEM } from '../../src/fhir/identifier-systems.js'
import { VACCINE_TYPES, type VaccineType } from '../../src/fhir/vaccine-types.js'
import { EMIS, FLU_AMP, FLU_GENERIC, FLU_NASAL, PHARMACY, SCHOOL, TPP } from './events.js'

export interface Sent {
  from: string
  type: VaccineType
  diseases?: readonly string[]
  on: string
  primary: boolean
  snomed?: string
  /** A code of the American list of vaccines. */
  cvx?: string
  text?: string
  lot?: string
  dose?: number | string
  ods?: string
  route?: string
  site?: string
  ml?: number
  status?: Immunization['status']
}

export interface AdversarialPair {
  why: string
  a: Sent
  b: Sent
  expect: PairOutcome
}

const CVX = 'http://hl7.org/fhir/sid/cvx'
const ARM = { left: '368208006', right: '368209003' }
const [INTRAMUSCULAR, NASAL] = ['78421000', '46713006']
const [PRIORIX, MMRVAXPRO, PROQUAD] = ['34925111000001104', '13968211000001108', '45480711000001107']
const [HEXA, HEXA_GENERIC, HEPB] = ['34765811000001105', '1162634005', '10752011000001102']
const [PCV13, PPV23] = ['16649411000001104', '981000221107']
const [MENQUADFI, MENACWY_GENERIC] = ['39779611000001104', '871873006']
const VARICELLA = ['38907003']

const own: Sent = {
  from: PHARMACY,
  type: 'FLU',
  on: '2026-10-06T10:30:00+01:00',
  primary: true,
  snomed: FLU_AMP,
  lot: 'AB12345',
  ods: 'FX111'
}
const copy: Sent = {
  from: EMIS,
  type: 'FLU',
  on: '2026-10-06T00:00:00+01:00',
  primary: false,
  snomed: FLU_GENERIC,
  lot: 'AB12345'
}
const bare = { from: EMIS, on: '2026-10-06', primary: false } as const
const infant: Sent = {
  from: PHARMACY,
  type: '6IN1',
  on: '2026-03-02T09:15:00+00:00',
  primary: true,
  snomed: HEXA,
  lot: 'A21CD345A',
  ods: 'B81001',
  dose: 1
}
const toddler: Sent = {
  from: PHARMACY,
  type: 'MMR',
  on: '2026-05-11T11:00:00+01:00',
  primary: true,
  snomed: PRIORIX,
  lot: 'A69CE123A',
  ods: 'B81001'
}

function without(sent: Sent, ...fields: (keyof Sent)[]): Sent {
  const rest = { ...sent }
  for (const field of fields) Reflect.deleteProperty(rest, field)
  return rest
}
const same = (why: string, a: Sent, b: Sent): AdversarialPair => ({ why, a, b, expect: 'same' })
const possible = (why: string, a: Sent, b: Sent): AdversarialPair => ({ why, a, b, expect: 'possible' })
const distinct = (why: string, a: Sent, b: Sent): AdversarialPair => ({ why, a, b, expect: 'distinct' })

const DATES: AdversarialPair[] = [
  same('half past eleven UTC on 5 October is 6 October in London', { ...own, on: '2026-10-05T23:30:00Z' }, copy),
  same(
    'one instant in two time zones',
    { ...own, on: '2026-10-06T00:15:00+01:00' },
    { ...copy, on: '2026-10-05T19:15:00-04:00' }
  ),
  same(
    'midnight UTC in winter is a day without a time',
    { ...own, on: '2026-12-01T14:00:00Z' },
    { ...copy, on: '2026-12-01T00:00:00Z' }
  ),
  same('a date without a time', own, { ...copy, on: '2026-10-06' }),
  same('the next day and the same lot: typed from a letter that came later', own, { ...copy, on: '2026-10-07' }),
  same('the day before and the same lot', own, { ...copy, on: '2026-10-05' }),
  possible(
    'the next day and no lot: nothing shows that it is not another jab',
    own,
    without({ ...copy, on: '2026-10-07' }, 'lot')
  ),
  possible('two days later and the same lot: too far for a slip to be sure of', own, { ...copy, on: '2026-10-08' }),
  possible('a week later and the same lot: the day it was typed in', own, { ...copy, on: '2026-10-13' }),
  possible('a copy with a month only', own, { ...copy, on: '2026-10' }),
  possible('a copy with a year only', own, { ...copy, on: '2026' }),
  distinct('a year that ended 28 days before', { ...own, on: '2026-01-28' }, { ...copy, on: '2025' }),
  distinct('last season and this one, from one brand and one place', own, {
    ...own,
    from: EMIS,
    on: '2025-10-06',
    lot: 'ZZ98765'
  }),
  possible('two who each vouch for their own day, though the lots agree', own, {
    ...own,
    from: SCHOOL,
    on: '2026-10-07T10:30:00+01:00'
  })
]

const SERIES: AdversarialPair[] = [
  distinct('6-in-1 at 8 and 12 weeks, 28 days apart, from one fridge', infant, {
    ...infant,
    on: '2026-03-30',
    dose: 2
  }),
  distinct('the same without dose numbers', without(infant, 'dose'), without({ ...infant, on: '2026-03-30' }, 'dose')),
  distinct('6-in-1 at 21 days, too early, with its dose number', infant, {
    ...infant,
    on: '2026-03-23',
    dose: 2,
    lot: 'A21CD999B'
  }),
  distinct('a GP copy of dose 2 and the first dose', infant, {
    ...infant,
    from: EMIS,
    primary: false,
    on: '2026-03-30',
    dose: 2
  }),
  distinct('a bare GP copy of dose 2, 28 days after dose 1', without(infant, 'dose'), {
    ...bare,
    type: '6IN1',
    on: '2026-03-30'
  }),
  distinct(
    'dose numbers written as text count too',
    { ...infant, dose: '1' },
    { ...infant, from: EMIS, primary: false, on: '2026-03-23', dose: ' 2 ' }
  ),
  same(
    'dose numbers written as text and as a number agree',
    { ...infant, dose: 1 },
    { ...infant, from: EMIS, primary: false, dose: '1' }
  ),
  same(
    'a dose number in words is none',
    { ...infant, dose: 1 },
    { ...infant, from: EMIS, primary: false, dose: 'Second' }
  ),
  possible('dose 1 and dose 2 on one day with one lot: a person must say which', infant, {
    ...infant,
    from: EMIS,
    primary: false,
    dose: 2
  }),
  distinct(
    'COVID 21 days apart, first and second',
    { ...own, type: 'COVID', dose: 1, lot: 'EK1768', snomed: '39114911000001105' },
    { ...own, type: 'COVID', from: SCHOOL, dose: 2, lot: 'EL0739', snomed: '39114911000001105', on: '2026-10-27' }
  ),
  distinct('two flu doses of a child four weeks apart', { ...own, dose: 1 }, { ...own, on: '2026-11-03', dose: 2 }),
  distinct('two flu doses of a child, copies by the practice without numbers', own, {
    ...copy,
    on: '2026-11-03',
    lot: 'AB99999'
  }),
  distinct(
    'hepatitis B at birth and at four weeks',
    { ...bare, type: 'HEPB', primary: true, snomed: HEPB, on: '2026-03-02' },
    { ...bare, from: TPP, type: 'HEPB', primary: true, snomed: HEPB, on: '2026-03-30' }
  ),
  distinct(
    'rabies-like courses at 7 days are known by their dose numbers',
    { ...infant, type: 'HEPB', dose: 1, snomed: HEPB },
    { ...infant, type: 'HEPB', dose: 2, snomed: HEPB, on: '2026-03-09' }
  )
]

const ANTIGENS: AdversarialPair[] = [
  distinct('flu and COVID in one visit, lot typed into both', own, {
    ...own,
    type: 'COVID',
    snomed: '39114911000001105'
  }),
  distinct(
    'flu and RSV in one visit, copies without products',
    { ...bare, type: 'FLU' },
    { ...bare, from: TPP, type: 'RSV' }
  ),
  distinct('MMR and single chickenpox on one day are two needles', toddler, {
    ...bare,
    type: 'MMR',
    diseases: VARICELLA,
    on: '2026-05-11'
  }),
  distinct(
    'MenB and MenACWY on one day',
    { ...own, type: 'MENB', snomed: '23584211000001109' },
    { ...own, type: 'MENACWY', snomed: MENQUADFI }
  ),
  distinct(
    '3-in-1 and MenACWY, the school visit at 14',
    { ...own, type: '3IN1', from: SCHOOL },
    { ...own, type: 'MENACWY', from: SCHOOL }
  ),
  distinct(
    'shingles and chickenpox are two vaccines of one virus',
    { ...own, type: 'SHINGLES' },
    { ...own, type: 'MMR', diseases: VARICELLA, from: EMIS }
  ),
  same(
    'MMRV, and the MMR that the practice has a code for',
    { ...toddler, type: 'MMRV', snomed: PROQUAD },
    { ...bare, type: 'MMR', on: '2026-05-11' }
  ),
  same(
    'MMRV, and its chickenpox part',
    { ...toddler, type: 'MMRV', snomed: PROQUAD },
    { ...bare, type: 'MMR', diseases: VARICELLA, on: '2026-05-11' }
  ),
  possible(
    'MMRV, and an MMR with a brand of its own',
    { ...toddler, type: 'MMRV', snomed: PROQUAD, lot: 'W1234' },
    { ...bare, type: 'MMR', snomed: MMRVAXPRO, on: '2026-05-11' }
  ),
  possible(
    'MMRV and MMR, each vouched for by its giver',
    { ...toddler, type: 'MMRV', snomed: PROQUAD },
    { ...toddler, from: SCHOOL }
  ),
  same('hexavalent, and hepatitis B alone in the copy', infant, { ...bare, type: 'HEPB', on: '2026-03-02' }),
  same('hexavalent, and Hib alone in the copy under a generic name of the whole', infant, {
    ...bare,
    type: 'HIB',
    snomed: HEXA_GENERIC,
    on: '2026-03-02'
  }),
  possible('hexavalent, and a hepatitis B product that babies at risk are given beside it', infant, {
    ...bare,
    type: 'HEPB',
    snomed: HEPB,
    on: '2026-03-02'
  }),
  distinct('hexavalent, and hepatitis B of another lot: given beside it', infant, {
    ...bare,
    type: 'HEPB',
    lot: 'T777888',
    on: '2026-03-02'
  }),
  possible('6-in-1 and 4-in-1 on one day are vaccines of two ages', infant, {
    ...bare,
    type: '4IN1',
    on: '2026-03-02',
    lot: 'A21CD345A'
  }),
  possible(
    '4-in-1 and 3-in-1: the booster of three and that of fourteen',
    { ...infant, type: '4IN1', snomed: '26267211000001100' },
    { ...bare, type: '3IN1', on: '2026-03-02' }
  ),
  possible(
    'Hib/MenC, and MenACWY: one code stands for both',
    { ...infant, type: 'HIBMENC', snomed: '9903711000001109' },
    { ...bare, type: 'MENACWY', on: '2026-03-02' }
  ),
  same(
    'pertussis in pregnancy, and its copy',
    { ...own, type: 'PERTUSSIS', snomed: '42707511000001109' },
    { ...bare, type: 'PERTUSSIS' }
  ),
  possible(
    'two pneumococcal vaccines on one day are two vaccines',
    { ...own, type: 'PNEUMOCOCCAL', snomed: PCV13 },
    { ...copy, type: 'PNEUMOCOCCAL', snomed: PPV23 }
  )
]

const LOTS: AdversarialPair[] = [
  same('a lot with spaces, hyphens and small letters', { ...own, lot: 'AB12-345' }, { ...copy, lot: ' ab 12345 ' }),
  same('O for 0 and I for 1', { ...own, lot: 'AB10345' }, { ...copy, lot: 'ABIO345' }),
  same('a copy whose lot is unknown', own, { ...copy, lot: 'Unknown' }),
  same('a copy that refers to the notes', own, { ...copy, lot: 'see notes' }),
  same('a copy whose lot is a row of nines', own, { ...copy, lot: '99999' }),
  possible(
    'two historical records that share no lot but a placeholder',
    { ...copy, lot: 'not entered' },
    { ...copy, from: TPP, lot: 'NOT ENTERED' }
  ),
  possible('two historical records that share 12345', { ...copy, lot: '12345' }, { ...copy, from: TPP, lot: '12345' }),
  possible('one keystroke apart: a slip, or the next lot from the box', own, { ...copy, lot: 'AB12346' }),
  possible('two digits changed places', own, { ...copy, lot: 'AB13245' }),
  possible('another lot altogether, though the rest agrees', own, { ...copy, lot: 'QK77001' }),
  possible('another lot two days later: too early for another dose, so a slip or an accident', own, {
    ...copy,
    lot: 'QK77001',
    on: '2026-10-08',
    snomed: FLU_AMP,
    ods: 'B81001'
  }),
  distinct('two givers, two lots, one day: vaccinated twice', own, {
    ...own,
    from: SCHOOL,
    ods: 'FX222',
    lot: 'QK77001'
  }),
  possible('two givers, one lot of national stock, one day: perhaps vaccinated twice', own, {
    ...own,
    from: SCHOOL,
    ods: 'FX222',
    on: '2026-10-06T15:40:00+01:00'
  }),
  possible(
    'two givers, one lot, days without a time',
    { ...own, on: '2026-10-06' },
    { ...own, from: SCHOOL, ods: 'FX222', on: '2026-10-06' }
  ),
  same('two givers, one lot, one minute, in two time zones: one needle under two organisation codes', own, {
    ...own,
    from: SCHOOL,
    ods: 'FX222',
    on: '2026-10-06T09:30:00Z'
  }),
  possible(
    'two givers, one minute, no lots',
    without(own, 'lot'),
    without({ ...own, from: SCHOOL, ods: 'FX222' }, 'lot')
  ),
  same('one giver, two of its systems, no lots', without(own, 'lot'), without({ ...own, from: SCHOOL }, 'lot')),
  possible('one giver, two of its systems, two lots', own, { ...own, from: SCHOOL, lot: 'QK77001' }),
  possible('one system, everything the same, another identifier', own, { ...own }),
  possible(
    'two bare histories: a day is all they share',
    { ...bare, type: 'FLU' },
    { ...bare, from: TPP, type: 'FLU' }
  ),
  same('two histories of one lot', without(copy, 'snomed'), without({ ...copy, from: TPP }, 'snomed'))
]

const PRODUCTS: AdversarialPair[] = [
  same('a copy with text instead of a code', own, {
    ...without(copy, 'snomed'),
    text: 'Influenza vaccine (surface antigen)'
  }),
  same(
    'two records with text only and one lot',
    { ...without(own, 'snomed'), text: 'Flu jab' },
    { ...without(copy, 'snomed'), text: 'Fluad' }
  ),
  same('a CVX code beside a dm+d code says nothing against it', own, { ...without(copy, 'snomed'), cvx: '140' }),
  same(
    'the same CVX code in both',
    { ...without(own, 'snomed'), cvx: '140' },
    { ...without(copy, 'snomed'), cvx: '140' }
  ),
  possible(
    'two CVX codes: nobody here can say whether they fit together',
    { ...without(own, 'snomed'), cvx: '140' },
    { ...without(copy, 'snomed'), cvx: '111' }
  ),
  possible(
    'one CVX code three days apart, one a history',
    { ...without(own, 'snomed', 'lot'), cvx: '140' },
    { ...without(copy, 'snomed', 'lot'), cvx: '140', on: '2026-10-09' }
  ),
  possible('a code nobody has listed', own, { ...copy, snomed: '999999011000001104' }),
  possible('another brand of the same vaccine', toddler, { ...toddler, from: EMIS, primary: false, snomed: MMRVAXPRO }),
  same(
    'a wider name of the same vaccine',
    { ...own, type: 'MENACWY', snomed: MENQUADFI },
    { ...copy, type: 'MENACWY', snomed: MENACWY_GENERIC }
  ),
  possible('injected and nasal flu', { ...own, route: INTRAMUSCULAR }, { ...copy, route: NASAL })
]

const NEEDLES: AdversarialPair[] = [
  distinct('refused and given on one day', { ...own, status: 'not-done' }, copy),
  distinct('entered in error and its copy', { ...own, status: 'entered-in-error' }, copy),
  distinct('refused twice', { ...own, status: 'not-done' }, { ...copy, status: 'not-done' }),
  possible(
    'two halves of a nasal dose from two systems',
    { ...own, snomed: FLU_NASAL, ml: 0.1, route: NASAL },
    { ...own, from: SCHOOL, snomed: FLU_NASAL, ml: 0.1, route: NASAL }
  ),
  possible(
    'two halves without a product',
    { ...without(own, 'snomed'), ml: 0.1, route: NASAL },
    { ...without(own, 'snomed'), from: SCHOOL, ml: 0.1, route: NASAL }
  ),
  possible(
    'two halves, one without a lot, under a generic name',
    { ...own, snomed: FLU_GENERIC, ml: 0.1, route: NASAL },
    { ...without(own, 'lot'), from: SCHOOL, snomed: FLU_GENERIC, ml: 0.1, route: NASAL }
  ),
  same(
    'a whole nasal dose reported twice',
    { ...own, snomed: FLU_NASAL, ml: 0.2, route: NASAL },
    { ...own, from: SCHOOL, snomed: FLU_NASAL, ml: 0.2, route: NASAL }
  ),
  possible('both arms named by one giver', { ...own, site: ARM.left }, { ...own, from: SCHOOL, site: ARM.right }),
  same('a copy that names the other arm', { ...own, site: ARM.left }, { ...copy, site: ARM.right }),
  possible('two volumes named by one giver', { ...own, ml: 0.5 }, { ...own, from: SCHOOL, ml: 0.25 }),
  same('X99999 is no organisation', own, { ...copy, ods: 'X99999' })
]

export const ADVERSARIAL_PAIRS: readonly AdversarialPair[] = [
  ...DATES,
  ...SERIES,
  ...ANTIGENS,
  ...LOTS,
  ...PRODUCTS,
  ...NEEDLES
]

/** The Immunization as it is sent, of a patient whose NHS number is verified. */
export function toImmunization(sent: Sent, value: string): Immunization {
  const coding = [
    ...(sent.snomed === undefined ? [] : [{ system: SNOMED_SYSTEM, code: sent.snomed }]),
    ...(sent.cvx === undefined ? [] : [{ system: CVX, code: sent.cvx }])
  ]
  const unknown = { system: NULL_FLAVOR_SYSTEM, code: 'UNK' }
  return {
    resourceType: 'Immunization',
    identifier: [{ system: sent.from, value }],
    status: sent.status ?? 'completed',
    vaccineCode: sent.text === undefined ? { coding: coding.length === 0 ? [unknown] : coding } : { text: sent.text },
    patient: { identifier: { system: 'https://fhir.nhs.uk/Id/nhs-number', value: '9990000018' } },
    occurrenceDateTime: sent.on,
    primarySource: sent.primary,
    ...(sent.lot === undefined ? {} : { lotNumber: sent.lot }),
    ...(sent.route === undefined ? {} : { route: concept(sent.route) }),
    ...(sent.site === undefined ? {} : { site: concept(sent.site) }),
    ...(sent.ml === undefined ? {} : { doseQuantity: { value: sent.ml, unit: 'ml' } }),
    performer: sent.ods === undefined ? [] : [{ actor: { identifier: { system: ODS_CODE_SYSTEM, value: sent.ods } } }],
    protocolApplied: [
      {
        targetDisease: (sent.diseases ?? VACCINE_TYPES[sent.type]).map(concept),
        ...(typeof sent.dose === 'number' ? { doseNumberPositiveInt: sent.dose } : {}),
        ...(typeof sent.dose === 'string' ? { doseNumberString: sent.dose } : {})
      }
    ]
  }
}

function concept(code: string): { coding: { system: string; code: string }[] } {
  return { coding: [{ system: SNOMED_SYSTEM, code }] }
}
