// npm run demo: the main job on real input, by itself, in a folder of its own that is removed afterwards.
import { spawn, type ChildProcess } from 'node:child_process'
import { chmod, mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import path from 'node:path'
import { fileURLToPath } from 'node:url'
import { createCli } from './cli/create-cli.js'
import { findServiceNote, openIssuer, type ServiceNote } from './development.js'
import { ALL_SCOPES } from './fhir/caller.js'
import type { Stage } from './demo-actors.js'
import { runScenes } from './demo-scenes.js'
import { createProgrammeFiles } from './programme-files.js'
import { loadRules } from './rules.js'

const SUPPLIERS = ['pharmacy', 'gp-system', 'school-service', 'maternity']

const dataDir = await mkdtemp(path.join(tmpdir(), 'immunisation-hub-demo-'))
// Under root PostgreSQL runs as another account and must get through to its own folder; keys and tokens are 0600.
await chmod(dataDir, 0o755)
const say = (text: string): void => void process.stdout.write(`${text}\n`)
let service: ChildProcess | undefined
try {
  say('Immunisation Hub: one service, four suppliers, three destinations.\n')
  service = startService(dataDir)
  const note = await waitForNote(service, dataDir)
  const missed = await runScenes(await setStage(note, dataDir))
  process.exitCode = missed === 0 ? 0 : 1
} catch (error) {
  process.stderr.write(`the demo failed: ${error instanceof Error ? error.message : String(error)}\n`)
  process.exitCode = 1
} finally {
  await stop(service)
  await rm(dataDir, { recursive: true, force: true })
}

function startService(folder: string): ChildProcess {
  const main = fileURLToPath(new URL('./main.js', import.meta.url))
  // The child gets nothing of this shell's settings for the folder and the port, so that a running service is left alone.
  const child = spawn(process.execPath, [main, '--dev', '--port', '0', '--data-dir', folder], {
    stdio: ['ignore', 'ignore', 'pipe']
  })
  let lastLines = ''
  child.stderr.on('data', (chunk: Buffer) => {
    lastLines = (lastLines + chunk.toString()).slice(-2000)
  })
  child.once('exit', (code) => {
    if (code !== 0 && code !== null) process.stderr.write(lastLines)
  })
  return child
}

async function waitForNote(child: ChildProcess, folder: string): Promise<ServiceNote> {
  const begin = performance.now()
  while (child.exitCode === null && performance.now() - begin < 60_000) {
    const note = await findServiceNote(folder)
    if (note !== undefined) {
      say(`The service is up after ${((performance.now() - begin) / 1000).toFixed(1)} s.`)
      return note
    }
    await new Promise((resolve) => setTimeout(resolve, 50))
  }
  throw new Error('the service did not start')
}

async function setStage(note: ServiceNote, folder: string): Promise<Stage> {
  const issuer = await openIssuer(folder)
  const issue = (client: string, scopes: readonly string[]): Promise<string> =>
    issuer.issueToken({ client, scopes, permissions: ['*.CRUDS'], ttlSeconds: 3600 })
  const tokens = new Map<string, string>()
  for (const supplier of SUPPLIERS) tokens.set(supplier, await issue(supplier, ['system/Immunization.cruds']))
  tokens.set('nhs-service', await issue('nhs-service', ['system/Immunization.rs']))
  const cli = createCli({
    settings: { url: note.url, token: await issue('ops-at-three', ALL_SCOPES), colour: process.stdout.isTTY },
    validate: () => [],
    readProfiles: () => Promise.reject(new Error('the demo asks for no profiles')),
    programmes: createProgrammeFiles({}, loadRules),
    issueToken: () => Promise.reject(new Error('not in the demo')),
    stdout: process.stdout,
    stderr: process.stderr,
    stdin: process.stdin,
    now: () => new Date(),
    wait: (ms) => new Promise((resolve) => setTimeout(resolve, ms)),
    watch: () => Promise.resolve(false)
  })
  return {
    url: note.url,
    sandboxUrl: note.sandboxUrl,
    tokenOf: (client) => tokens.get(client) ?? '',
    opsToken: note.token,
    imms: (...argv) => {
      say(`$ imms ${argv.map((word) => (word.includes(' ') ? `"${word}"` : word)).join(' ')}`)
      return cli.run(argv)
    },
    say
  }
}

async function stop(child: ChildProcess | undefined): Promise<void> {
  if (child === undefined || child.exitCode !== null) return
  const exited = new Promise((resolve) => child.once('exit', resolve))
  child.kill('SIGTERM')
  await exited
}
