// imms profiles: what Immunizations are judged by, as it was compiled. Needs no service.
import type { Command } from 'commander'
import type { ProfileKnowledge } from '../cli-deps.js'
import type { CommandLine } from '../command-line.js'
import { CommandFault, EXIT } from '../exit-code.js'
import type { Column } from '../layout-columns.js'
import { plural } from '../words.js'

export function addProfiles(program: Command, line: CommandLine): void {
  const group = program.command('profiles').description('the profiles that records are judged by, without a service')
  addList(group, line)
  addShow(group, line)
  addSchema(group, line)
}

const LIST_COLUMNS: Column[] = [
  { head: 'TYPE' },
  { head: 'VERSION' },
  { head: 'USED', leaveOut: 1 },
  { head: 'CANONICAL' },
  { head: 'FILE', leaveOut: 2 }
]

function addList(group: Command, line: CommandLine): void {
  const command = group.command('list').description('every profile that is loaded, and the file it came from')
  line.define(command, async ({ terminal, json, deps }) => {
    const profiles = (await deps.readProfiles()).profiles()
    if (json) terminal.printJson(profiles)
    else {
      terminal.printTable(
        LIST_COLUMNS,
        profiles.map(({ type, version, isDefault, canonical, file }) => [
          type,
          version ?? '-',
          isDefault ? { text: 'always', style: 'green' } : 'if claimed',
          canonical,
          file
        ])
      )
    }
    return EXIT.ok
  })
}

const ROW_COLUMNS: Column[] = [
  { head: 'ELEMENT' },
  { head: 'CARD.' },
  { head: 'TYPE', wraps: true, leaveOut: 1 },
  { head: 'RULES', wraps: true }
]

function addShow(group: Command, line: CommandLine): void {
  const command = group
    .command('show')
    .argument('<profile>', 'canonical URL, or resource type')
    .description('what a profile asks of each element')
  line.define(command, async ({ terminal, json, deps }, _options, [profile = '']) => {
    const knowledge = await deps.readProfiles()
    const rows = knowledge.describe(profile) ?? unknown(profile, knowledge)
    if (json) terminal.printJson(rows)
    else {
      terminal.printTable(
        ROW_COLUMNS,
        rows.map(({ path, cardinality, types, rules }) => [path, cardinality, types, rules.join('; ')])
      )
      terminal.print({ text: plural(rows.length, 'row'), style: 'dim' })
    }
    return EXIT.ok
  })
}

function addSchema(group: Command, line: CommandLine): void {
  const command = group
    .command('schema')
    .argument('<profile>', 'canonical URL, or resource type')
    .description('the structural part of a profile as JSON Schema 2020-12, for checks in any language')
  line.define(command, async ({ terminal, deps }, _options, [profile = '']) => {
    const knowledge = await deps.readProfiles()
    terminal.printJson(knowledge.jsonSchema(profile) ?? unknown(profile, knowledge))
    return EXIT.ok
  })
}

function unknown(profile: string, knowledge: ProfileKnowledge): never {
  const types = [...new Set(knowledge.profiles().map(({ type }) => type))].join(', ')
  throw new CommandFault(
    EXIT.usage,
    `no profile "${profile}" is loaded; give the canonical of one of imms profiles list, or a type: ${types}`
  )
}
