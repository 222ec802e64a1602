// The README is true: every command and variable it names exists, and every one that exists is named.
import { execFileSync } from 'node:child_process'
import { existsSync, readFileSync } from 'node:fs'
import t from 'tap'
import { CLI_VARIABLES, VARIABLES } from '../../src/config-variables.js'
import { helpOf } from '../support/cli-help.js'

const root = new URL('../../', import.meta.url)
const readme = readFileSync(new URL('README.md', root), 'utf8')
const { scripts } = JSON.parse(readFileSync(new URL('package.json', root), 'utf8')) as {
  scripts: Record<string, string>
}

/** Scripts that npm runs by itself beside another one. */
const HOOKS = /^(pre|post)|^prepare$/

t.test('every npm script is in the README, and every one in the README exists', (t) => {
  const named = new Set(
    [...readme.matchAll(/npm (?:run )?([a-z][a-z:-]*)/g)].map(([, name = '']) => name).filter((name) => name !== 'ci')
  )
  const existing = Object.keys(scripts).filter((name) => !HOOKS.test(name))
  t.same([...named].sort(), existing.sort())
  t.end()
})

t.test('every variable is in the README, and every one in the README is read', (t) => {
  const rows = [...readme.matchAll(/^\| `([A-Z_]+)` +\|/gm)].map(([, name = '']) => name)
  t.same(rows.sort(), Object.keys(VARIABLES).sort())
  for (const name of Object.keys(CLI_VARIABLES)) t.ok(readme.includes(`\`${name}\``), name)
  t.end()
})

t.test('the variables of config.ts are the ones it reads', (t) => {
  const source = readFileSync(new URL('src/config.ts', root), 'utf8')
  const read = new Set(
    [
      ...source.matchAll(/environment\['([A-Z_]+)'\]/g),
      ...source.matchAll(/(?:readUrl|readInteger)\(\s*'([A-Z_]+)'/g)
    ].map(([, name = '']) => name)
  )
  const known = new Set([...Object.keys(VARIABLES), ...Object.keys(CLI_VARIABLES)])
  // Where a user's state folder lies is the system's to say, not ours.
  for (const name of ['XDG_STATE_HOME', 'HOME']) read.delete(name)
  t.same([...read].sort(), [...known].sort())
  t.end()
})

t.test('every imms command is in the README, and every one in the README exists', async (t) => {
  const help = await helpOf([])
  const existing = [...help.matchAll(/^ {2}([a-z]+)/gm)].map(([, name = '']) => name).filter((name) => name !== 'help')
  const named = new Set([...readme.matchAll(/`imms ([a-z]+)/g)].map(([, name = '']) => name))
  t.same([...named].sort(), [...new Set(existing)].sort())
})

t.test('every subcommand of imms is in the README, and every one in a row of the README exists', async (t) => {
  const rows = [...readme.matchAll(/^\| (`imms ([a-z]+).*)\|$/gm)]
  for (const group of new Set(rows.map(([, , name = '']) => name))) {
    const help = await helpOf([group])
    const existing = [...(help.split('Commands:')[1] ?? '').matchAll(/^ {2}([a-z]+)/gm)].map(([, name = '']) => name)
    const commands = existing.filter((name) => name !== 'help').sort()
    const told = rows.filter(([, , name]) => name === group).map(([, row = '']) => row)
    const words = told.flatMap((row) =>
      [...row.matchAll(/`(?:imms [a-z]+ )?([a-z]+)[^`]*`/g)].map(([, word = '']) => word)
    )
    t.same(
      commands.filter((name) => !words.includes(name)),
      [],
      `imms ${group}: not told`
    )
    const named = told.flatMap((row) => /^`imms [a-z]+ ([a-z]+)/.exec(row)?.[1] ?? [])
    t.same(
      named.filter((name) => !commands.includes(name)),
      [],
      `imms ${group}: told, not there`
    )
  }
})

t.test('every file and folder that the documents name exists', (t) => {
  for (const file of ['README.md', ...markdownFiles()]) {
    const text = readFileSync(new URL(file, root), 'utf8')
    for (const [, path = ''] of text.matchAll(/`((?:src|test|profiles|fixtures|docs|bench)\/[\w./-]*)`/g))
      t.ok(existsSync(new URL(path, root)), `${file} names ${path}`)
    for (const [, link = ''] of text.matchAll(/\]\((?!https?:)([^)#]+)/g))
      t.ok(existsSync(new URL(link, new URL(file, root))), `${file} links to ${link}`)
  }
  t.end()
})

function markdownFiles(): string[] {
  const listed = execFileSync('git', ['ls-files', '--cached', '--others', '--exclude-standard', 'docs'], { cwd: root })
  return listed
    .toString()
    .split('\n')
    .filter((file) => file.endsWith('.md'))
}
