// What the command line tool says of itself: for documents that name its commands.
import { PassThrough } from 'node:stream'
import { createCli } from '../../src/cli/create-cli.js'
import { createProgrammeFiles } from '../../src/programme-files.js'
import { loadRules } from '../../src/rules.js'

/** `words`: a command, without `imms`. For a command that does not exist, what it says instead. */
export async function helpOf(words: readonly string[]): Promise<string> {
  let text = ''
  const output = new PassThrough()
  output.on('data', (chunk: Buffer) => (text += chunk.toString()))
  const cli = createCli({
    settings: { url: 'http://127.0.0.1:1', colour: false },
    validate: () => [],
    readProfiles: () => Promise.reject(new Error('not asked for')),
    programmes: createProgrammeFiles({}, loadRules),
    issueToken: () => Promise.reject(new Error('not asked for')),
    stdout: output,
    stderr: output,
    stdin: process.stdin,
    now: () => new Date(),
    wait: () => Promise.resolve(),
    watch: () => Promise.resolve(false)
  })
  await cli.run([...words, '--help'])
  return text
}
