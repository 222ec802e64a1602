// The JSON Schema (2020-12) of a programme file. The params of each check come from the check itself.
import { OVERRIDE_REASONS } from '../fhir/override-reasons.js'
import { VACCINE_TYPES } from '../fhir/vaccine-types.js'
import { CHECKS } from './check-catalogue.js'
import { CHECK_NAMES } from './programme.js'
import { age, concept, day, list, object, oneOf, text, wholeNumber, type Schema } from './schema-words.js'

const certainty = (of: string): Schema =>
  oneOf(`${of}: H read in the named source, M in test data, a prototype or a secondary page, L recalled or assumed.`, [
    'H',
    'M',
    'L'
  ])
const period = (description: string): Schema =>
  object(
    description,
    {
      from: day('First day.'),
      to: day('Last day; left out while no end is known.'),
      certainty: certainty('Certainty of the days')
    },
    ['from']
  )
const settings = list(
  'Where it is given: gp, pharmacy, school, maternity, care-home, community. For people.',
  text('A setting.')
)

const criterion: Schema = {
  ...object('A criterion: every key in it must hold.', {
    ageAtLeast: age('This age has been reached.'),
    ageBelow: age('This age has not been reached.'),
    asOf: day('Day on which the ages are taken; the day of vaccination when left out.'),
    bornOnOrAfter: day('Born on this day or later.'),
    bornOnOrBefore: day('Born on this day or earlier.'),
    schoolYearFrom: wholeNumber('In this school year or higher; Reception is 0.', 0),
    schoolYearTo: wholeNumber('In this school year or lower; Reception is 0.', 0),
    flag: {
      description:
        'Something an Immunization does not carry (PREGNANT, RISK_GROUP): cannot tell unless it is known otherwise.',
      type: 'string',
      pattern: '^[A-Z_]+$'
    }
  }),
  minProperties: 1
}

const cohort = object(
  'A group the programme is offered to.',
  {
    id: { description: 'Name for references in this file.', type: 'string', pattern: '^[a-z0-9-]+$' },
    label: text('The group in words.'),
    period: period('When the group is offered the vaccine, if not for the whole time of the file.'),
    settings,
    all: list('Every one of these must hold.', criterion),
    any: list('At least one of these must hold.', criterion),
    certainty: certainty('Certainty of the group')
  },
  ['id', 'label']
)

const product = object(
  'A vaccine product of the programme.',
  {
    code: concept('dm+d code (AMP) in quotes; left out while it is not known.'),
    display: text('Short name for people.'),
    from: day('First day on which it is in use.'),
    to: day('Last day on which it is in use.'),
    licensedMinAge: age('Licensed from this age.'),
    licensedMaxAgeBefore: age('Licensed until before this age.'),
    routes: list('Routes by which it is given.', concept('SNOMED CT route.')),
    sites: list('Sites at which it is given. For people.', concept('SNOMED CT body site.')),
    doseMl: { description: 'Volume of one dose in millilitres.', type: 'number', exclusiveMinimum: 0 },
    certainty: certainty('Certainty of code, routes and volume'),
    licenceCertainty: certainty('Certainty of the licence ages, when it differs')
  },
  ['display', 'certainty']
)

const procedure = object(
  'A vaccination procedure code of the programme.',
  {
    code: concept('SNOMED CT procedure in quotes.'),
    display: text('Short name for people.'),
    dose: wholeNumber('Dose number the code stands for.', 1),
    route: concept('Route the code stands for.'),
    certainty: certainty('Certainty of the code')
  },
  ['code', 'display', 'certainty']
)

const dose = object(
  'A dose of the course. Several rows may have one number, for different cohorts.',
  {
    number: wholeNumber('Dose number.', 1),
    cohort: text('Id of the cohort the row is for; everybody when left out.'),
    minAge: age('Least age at which the dose counts.'),
    recommendedAge: age('Age of the schedule.'),
    maxAge: age('From this age on the dose is too late.'),
    minIntervalFromPrevious: age('Least interval since the dose before.'),
    recommendedInterval: age('Interval of the schedule. For people.')
  },
  ['number']
)

const check: Schema = {
  ...object(
    'A check of the programme.',
    {
      check: oneOf('Which check of the closed list.', CHECK_NAMES),
      severity: oneOf('error refuses the record, warning and information are answered with it.', [
        'error',
        'warning',
        'information'
      ]),
      overridableBy: oneOf(
        'Reason with which a supplier turns the error into a warning: isSubpotent is read from the record, the others are granted per client.',
        [...Object.keys(OVERRIDE_REASONS), 'isSubpotent']
      ),
      params: { description: 'Settings of the check; each check has its own.', type: 'object' },
      from: day('First day of vaccination for which the check holds.'),
      to: day('Last day of vaccination for which the check holds.'),
      source: text('Id of the source it rests on.'),
      certainty: certainty('Certainty of what it rests on; L cannot carry an error')
    },
    ['check', 'severity']
  ),
  allOf: CHECK_NAMES.map((name) => ({
    if: { properties: { check: { const: name } }, required: ['check'] },
    then: { properties: { params: CHECKS[name].params }, ...requiredParams(name) }
  }))
}

function requiredParams(name: keyof typeof CHECKS): Schema {
  return CHECKS[name].params.required === undefined ? {} : { required: ['params'] }
}

const source = object(
  'Where facts of the file were read.',
  {
    id: { description: 'Name for references in this file.', type: 'string', pattern: '^[a-z0-9-]+$' },
    title: text('Title, with its date.'),
    url: text('Address.'),
    read: day('Day on which it was read.')
  },
  ['id', 'title', 'read']
)

export const PROGRAMME_SCHEMA: Schema = {
  $schema: 'https://json-schema.org/draft/2020-12/schema',
  $id: 'https://immunisation-hub.example/schemas/programme-1.json',
  title: 'Programme',
  ...object(
    'One immunisation programme in one period of validity: facts, and checks from a closed list.',
    {
      id: { description: 'Name of the programme and its folder.', type: 'string', pattern: '^[a-z0-9-]+$' },
      version: { description: 'Version of the file and its name.', type: 'string', pattern: '^\\d+\\.\\d+\\.\\d+$' },
      status: oneOf('draft: judged in shadow, not answered. active: judged. retired: kept for reading.', [
        'draft',
        'active',
        'retired'
      ]),
      title: text('Name for people; stands in issue texts.'),
      vaccineType: oneOf('NHS vaccine type.', Object.keys(VACCINE_TYPES)),
      targetDiseases: {
        ...list('Exactly the target diseases of the vaccine type.', concept('SNOMED CT disease.')),
        uniqueItems: true
      },
      effective: period('Days of vaccination the file is for.'),
      season: period('Days on which it is meant to be given, within `effective`.'),
      settings,
      procedures: list('Vaccination procedure codes.', procedure),
      products: list('Vaccine products.', product),
      doses: list('The course.', dose),
      maxDoseNumber: { ...wholeNumber('Highest dose number that can be right.', 1), maximum: 9 },
      alsoCounts: list(
        'Other vaccine types whose doses are doses of this course, because they hold all its diseases. For what comes next.',
        oneOf('NHS vaccine type.', Object.keys(VACCINE_TYPES))
      ),
      cohorts: list('Groups it is offered to; everybody when left out.', cohort),
      dedup: object('For deduplication.', {
        windowDays: wholeNumber('Reports more days apart than this are different vaccinations.', 1),
        oncePerSeason: { description: 'Two events in one season are worth a review.', type: 'boolean' }
      }),
      checks: list('What is checked beside the common checks.', check),
      sources: list('Where the facts were read.', source)
    },
    [
      'id',
      'version',
      'status',
      'title',
      'vaccineType',
      'targetDiseases',
      'effective',
      'products',
      'doses',
      'checks',
      'sources'
    ]
  )
}
