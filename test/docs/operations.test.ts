// The night of docs/operations.md, played again: the same commands in the same order, ended by the same exit codes.
import { readFileSync } from 'node:fs'
import t from 'tap'
import { commandLine, playSession } from '../support/operations-session.js'
import { readNote, temporaryFolder } from '../support/service-calls.js'
import { spawnService } from '../support/service.js'

const page = readFileSync(new URL('../../docs/operations.md', import.meta.url), 'utf8')
const recorded = /<!-- recorded -->([\s\S]*)<!-- end of the recording -->/.exec(page)?.[1] ?? ''

/** Ids and counts are of one run. */
const alike = (line: string): string => line.replaceAll(/[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}/g, '<id>')

function commandsOf(text: string): { line: string; exitCode: number }[] {
  return [...text.matchAll(/```\n(\$ npx imms .*)\n([\s\S]*?)```/g)].map(([, line = '', output = '']) => ({
    line: alike(line),
    exitCode: Number(/\(exit code (\d)\)\n$/.exec(output)?.[1] ?? 0)
  }))
}

t.test('the recorded night can be played again; if not: node --import tsx scripts/record-session.ts', async (t) => {
  const dataDir = temporaryFolder(t)
  await spawnService(t, { args: ['--dev', '--data-dir', dataDir] })

  const told = await playSession(await readNote(dataDir))

  t.ok(told.length > 10)
  t.same(
    commandsOf(recorded),
    told.map(({ argv, exitCode }) => ({ line: alike(commandLine(argv)), exitCode }))
  )
  for (const { why, output, argv } of told) {
    t.ok(recorded.includes(why), why)
    t.notMatch(output, /999\d{7}/, `${argv.join(' ')}: no NHS number`)
  }
  t.notMatch(recorded, /999\d{7}/)
})
