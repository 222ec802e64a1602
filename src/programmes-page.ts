// docs/programmes.md: the whole schedule as its files say it, for clinicians. `npm run docs` writes it.
import { COMMON_CHECKS } from './programmes/check-catalogue.js'
import { describeProgramme, severityWords } from './programmes/describe-programme.js'
import { nameOf } from './programmes/explain-check.js'
import { periodWords } from './programmes/programme-words.js'
import type { Programme } from './programmes/programme.js'

/** Markdown; every file there is, by vaccine type, then by its first day. */
export function writeProgrammesPage(programmes: readonly Programme[]): string {
  const sorted = [...programmes].sort(
    (one, other) =>
      one.vaccineType.localeCompare(other.vaccineType) ||
      one.effective.from.localeCompare(other.effective.from) ||
      one.file.localeCompare(other.file)
  )
  return [...INTRO, ...overview(sorted), ...commonChecks(), ...sorted.flatMap(programmeSection)].join('\n')
}

const INTRO = [
  '# Programmes',
  '',
  'Made from the files in `profiles/programmes/` by `npm run docs`; change it there. It says what the Hub looks at, not',
  'what a clinician should do.',
  '',
  'Certainty: **high (H)** was read in the named source, **medium (M)** in test data, a prototype or a secondary page,',
  '**low (L)** is recalled or assumed and awaits confirmation; it never refuses a record. Where no certainty stands, the',
  'check rests on no single fact. An **error** refuses a record, a **warning** or **information** goes with an accepted',
  'one. A **draft** programme is judged in shadow: counted, not answered.',
  '',
  '## Adding a programme, a season or a rule',
  '',
  '1. Copy the nearest file to `<id>/<version>.yaml` and its `<version>.cases.yaml` beside it. `imms programmes show <id>`',
  '   prints a file in words. Start with `status: draft`.',
  '2. Write the facts: ages and intervals (`P12W`, `P3Y4M`), codes in quotes, each with its certainty and source. A',
  '   changed file gets a new version; end the one before with `effective.to`, or take its place.',
  '3. Write the cases: one clean record, one per error, one per warning, and the days on both sides of each boundary.',
  '4. `imms programmes check <file>` names every fault by file and line: schema, contradictions, cases, the other files.',
  '5. `imms programmes diff <old> <new>` tells what changes in sentences: give them to whoever signs it off.',
  '6. `imms programmes replay <file> --since <day>` tells how many stored records would be judged otherwise, and why.',
  '7. Set `status: active` and drop both files into the folder of the running service (`PROGRAMMES_DIR`). It takes them up',
  '   by itself, or on `imms programmes reload --reason "<why>"`; `imms programmes status` says what is in force.',
  ''
]

function overview(programmes: readonly Programme[]): string[] {
  const rows = programmes.map(({ title, vaccineType, status, effective, season, id, version }) => [
    title,
    vaccineType,
    status,
    periodWords(effective),
    season === undefined ? 'all year' : periodWords(season),
    `\`${id} ${version}\``
  ])
  return ['## All programmes', '', ...table(['programme', 'vaccine', 'status', 'holds', 'season', 'file'], rows)]
}

function commonChecks(): string[] {
  const rows = COMMON_CHECKS.map(({ check, severity, overridableBy, source }) => [
    nameOf(check),
    check.description,
    severityWords({ severity, ...(overridableBy === undefined ? {} : { overridableBy }) }),
    source
  ])
  return [
    '## What holds for every vaccine',
    '',
    ...table(['check', 'what is looked at', 'otherwise', "rule of the Hub's list"], rows)
  ]
}

function programmeSection(programme: Programme): string[] {
  const { title, facts, tables } = describeProgramme(programme)
  return [
    `## ${title}`,
    '',
    ...facts.map(([name, value]) => `- ${name}: ${value}`),
    '',
    ...tables.flatMap(({ title: name, heads, rows }) => [`### ${name}`, '', ...table(heads, rows)])
  ]
}

function table(heads: readonly string[], rows: readonly (readonly string[])[]): string[] {
  const line = (cells: readonly string[]): string =>
    `| ${cells.map((cell) => cell.replaceAll('|', '\\|')).join(' | ')} |`
  return [line(heads), line(heads.map(() => '---')), ...rows.map(line), '']
}
