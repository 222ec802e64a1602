// docs/rules.md: every rule id that an answer can name, made from the catalogues themselves. `npm run docs` writes it.
import { ISSUE_RULE_SYSTEM, OVERRIDE_REASON_SYSTEM, PATIENT_FLAG_SYSTEM } from './fhir/identifier-systems.js'
import { OVERRIDE_REASONS } from './fhir/override-reasons.js'
import { CHECKS, COMMON_CHECKS } from './programmes/check-catalogue.js'
import type { Programme } from './programmes/programme.js'
import { writeRulesPage } from './validation/rules-page.js'
import { HUB_RULES } from './hub-rules.js'
import type { HubRules } from './rule-group.js'

/** Markdown. */
export function writeRuleCatalogue(programmes: readonly Programme[]): string {
  return [
    '# Rules',
    '',
    'Made from the code by `npm run docs`; change it there.',
    '',
    'Every issue of an OperationOutcome names its rule: `details.coding` has the system',
    `\`${ISSUE_RULE_SYSTEM}\` and the id below as code. Ids are stable. An error refuses the record,`,
    'warnings and information go with an accepted one; `expression` says where, `details.text` what to do.',
    'No text ever repeats what was sent of a patient.',
    '',
    writeRulesPage().replace(/^#/gm, '##'),
    ...programmeSection(programmes),
    ...HUB_RULES.flatMap(hubSection)
  ].join('\n')
}

function programmeSection(programmes: readonly Programme[]): string[] {
  const rows = Object.entries(CHECKS).flatMap(([name, { rules, description }]) =>
    rules.map((rule) => row([code(rule), severitiesOf(name, programmes).join(', '), code(name), description]))
  )
  return [
    '## Programme checks',
    '',
    'What programme files in `profiles/programmes/` ask for, and what holds for every vaccine (common).',
    'How severe a breach is, the file says; a fact that is not certain never refuses. Refusals are answered 422.',
    '',
    '| rule | severity | check | what is looked at |',
    '| --- | --- | --- | --- |',
    ...rows,
    '',
    ...overrideSection(programmes)
  ]
}

function overrideSection(programmes: readonly Programme[]): string[] {
  const entries = [...COMMON_CHECKS, ...programmes.flatMap(({ checks }) => checks)]
  const rulesOf = (reason: string): string[] => {
    const overridden = entries.filter(({ overridableBy }) => overridableBy === reason)
    const rules = overridden.flatMap(({ check }) => (typeof check === 'string' ? CHECKS[check] : check).rules)
    return [...new Set(rules)].map(code)
  }
  return [
    '### Overrides',
    '',
    'Some errors of programmes happen in real life, and the record must not be lost. A supplier to whom the operator has',
    'granted a reason (claim `overrides` of its token) says so in the record, and the error becomes a warning whose',
    '`diagnostics` name the reason; it is kept with the version. A reason is a tag:',
    `\`meta.tag: [{ "system": "${OVERRIDE_REASON_SYSTEM}", "code": "offLabelPGD" }]\`.`,
    'A dose that is known to be sub-potent needs no grant: `isSubpotent: true` says it all.',
    '',
    '| reason | turns into a warning | what the supplier says by it |',
    '| --- | --- | --- |',
    ...Object.entries(OVERRIDE_REASONS).map(([reason, meaning]) =>
      row([code(reason), rulesOf(reason).join(', '), meaning])
    ),
    row([code('isSubpotent'), rulesOf('isSubpotent').join(', '), 'The dose may not count, an expired one among them.']),
    '',
    '### What is known of the patient',
    '',
    'Groups of a programme ask for more than an Immunization says. A supplier that knows may state it in',
    `\`programEligibility\`, system \`${PATIENT_FLAG_SYSTEM}\`. The codes are the flags of the`,
    `programme files: ${flagsOf(programmes).map(code).join(', ')}.`,
    'With `NOT_` before it the code states the opposite.',
    'A `reasonCode` of SNOMED CT 443684005 (disease outbreak) states `OUTBREAK_OR_TRAVEL`. What is not stated is not known,',
    'and nobody is said to be outside a group for it.',
    ''
  ]
}

function flagsOf(programmes: readonly Programme[]): string[] {
  const criteria = programmes
    .flatMap(({ cohorts = [] }) => cohorts)
    .flatMap(({ all = [], any = [] }) => [...all, ...any])
  return [...new Set(criteria.flatMap(({ flag }) => flag ?? []))].sort()
}

/** `error (common)`, `warning`: what the common checks and the active files say, each once. */
function severitiesOf(name: string, programmes: readonly Programme[]): string[] {
  const check = Object.entries(CHECKS).find(([known]) => known === name)?.[1]
  const common = COMMON_CHECKS.filter((entry) => entry.check === check).map(({ severity }) => `${severity} (common)`)
  const asked = programmes
    .filter(({ status }) => status === 'active')
    .flatMap(({ checks }) => checks.filter((entry) => entry.check === name).map(({ severity }) => severity))
  const all = [...new Set([...common, ...asked.sort()])]
  return all.length > 0 ? all : ['as the file says']
}

function hubSection({ title, intro, rules }: HubRules): string[] {
  return [
    `## ${title}`,
    '',
    intro,
    '',
    '| rule | severity | meaning |',
    '| --- | --- | --- |',
    ...rules.map(({ id, severity, meaning }) => row([code(id), severity, meaning])),
    ''
  ]
}

function row(cells: readonly string[]): string {
  return `| ${cells.join(' | ')} |`
}

function code(text: string): string {
  return `\`${text}\``
}
