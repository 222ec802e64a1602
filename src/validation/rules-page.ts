// The page that explains every rule id of the validator, made from the catalogue itself so that it cannot fall behind.
import { NATIVE_INVARIANTS } from './invariants/native-invariants.js'
import { type Rule, RULES } from './rules.js'

/** Markdown, one row for each rule. */
export function writeRulesPage(): string {
  const rules = Object.entries<Rule>(RULES).filter(([name]) => name !== 'invariant')
  const rows = rules.map(([name, { severity, code, meaning }]) => {
    return `| \`r4-${name}\`, \`profile-${name}\` | ${severity} | \`${code}\` | ${meaning} |`
  })
  const invariants = [...NATIVE_INVARIANTS].map(([key, { severity, remedy }]) => {
    const id = key.startsWith('ukcore-') ? key : `r4-${key}`
    return `| \`${id}\` | ${severity ?? 'as defined'} | \`invariant\` | ${remedy} |`
  })
  return [
    '# Validation rules',
    '',
    'The id of a rule begins with `r4-` when base FHIR R4 asks for it and with `profile-` when a profile does.',
    'An invariant of a profile keeps the key its authors gave it.',
    '',
    '| rule | severity | issue code | meaning |',
    '| --- | --- | --- | --- |',
    ...rows,
    '',
    '## Invariants',
    '',
    '| rule | severity | issue code | what to do |',
    '| --- | --- | --- | --- |',
    ...invariants,
    ''
  ].join('\n')
}
