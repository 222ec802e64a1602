// A script for .ci/run: packs the package, installs it elsewhere without install scripts, starts it as a newcomer would,
// posts the fixture that its greeting names and expects 201, stops it and expects exit code 0.
import { execFileSync } from 'node:child_process'
import { chmodSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { spawnLeashed } from '../../src/embedded/leashed-process.js'
import { waitFor } from './wait-for.js'

const root = fileURLToPath(new URL('../../', import.meta.url))

const work = mkdtempSync(join(tmpdir(), 'imms-package-'))
// The account that PostgreSQL runs under must get through.
chmodSync(work, 0o755)
try {
  await startAndPost(install(), join(work, 'state'))
} finally {
  rmSync(work, { recursive: true, force: true })
}

/** Gives the path of its main.js. */
function install(): string {
  const packed = npm(root, 'pack', '--json', '--pack-destination', work)
  const [{ filename }] = JSON.parse(packed.slice(packed.indexOf('['))) as [{ filename: string }]
  writeFileSync(join(work, 'package.json'), '{"private":true}')
  console.log(npm(work, 'install', '--ignore-scripts', '--no-audit', '--no-fund', `./${filename}`))
  return join(work, 'node_modules', 'immunisation-hub', 'dist', 'main.js')
}

function npm(cwd: string, ...args: string[]): string {
  return execFileSync('npm', args, { cwd, encoding: 'utf8', stdio: ['ignore', 'pipe', 'inherit'] })
}

async function startAndPost(main: string, stateDir: string): Promise<void> {
  const { PATH = '', HOME = '' } = process.env
  const service = spawnLeashed(process.execPath, [main, '--dev'], {
    signal: 'TERM',
    env: { PATH, HOME, DATA_DIR: stateDir, PORT: '0' },
    cwd: work
  })
  let output = ''
  const show = (chunk: Buffer): void => {
    output += chunk.toString()
    process.stdout.write(chunk.toString().replace(/eyJ[\w.-]+/g, '<token>'))
  }
  service.stdout?.on('data', show)
  service.stderr?.on('data', show)
  const exited = new Promise<unknown>((resolve) => {
    service.once('exit', (code, signal) => {
      resolve(code ?? signal)
    })
  })
  const began = Date.now()
  const { url, token } = await Promise.race([
    waitFor(() => readNote(stateDir), 'the service to be ready', { withinMs: 30_000 }),
    exited.then((code) => Promise.reject(new Error(`the service ended at once with ${String(code)}`)))
  ])
  const [, fixture] = await waitFor(() => /--data-binary @(\S+)/.exec(output), 'the curl line')
  console.log(`ready after ${Date.now() - began} ms`)
  const answer = await fetch(`${url}/FHIR/R4/Immunization`, {
    method: 'POST',
    headers: { 'content-type': 'application/fhir+json', authorization: `Bearer ${token}` },
    body: readFileSync(join(root, fixture ?? ''))
  })
  console.log(`POST answered ${answer.status} ${answer.headers.get('location') ?? ''}`)
  if (answer.status !== 201) throw new Error(`expected 201, got ${answer.status}: ${await answer.text()}`)
  service.kill('SIGTERM')
  const code = await exited
  if (code !== 0) throw new Error(`expected exit code 0 after SIGTERM, got ${String(code)}`)
}

/** What a development service leaves in its data folder for the command line. */
function readNote(stateDir: string): { url: string; token: string } | undefined {
  try {
    return JSON.parse(readFileSync(join(stateDir, 'service.json'), 'utf8')) as { url: string; token: string }
  } catch {
    return undefined
  }
}
