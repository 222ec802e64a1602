// Plays the night of docs/operations.md on a development service and writes what it printed between the marks there:
// npm run build && node --import tsx scripts/record-session.ts
import { spawn } from 'node:child_process'
import { chmod, mkdtemp, readFile, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import path from 'node:path'
import { setTimeout as delay } from 'node:timers/promises'
import { fileURLToPath } from 'node:url'
import { playSession, writeSession, type SessionStage } from '../test/support/operations-session.js'

const page = new URL('../docs/operations.md', import.meta.url)
const folder = await mkdtemp(path.join(tmpdir(), 'immunisation-hub-session-'))
await chmod(folder, 0o755)
const main = fileURLToPath(new URL('../dist/main.js', import.meta.url))
const service = spawn(process.execPath, [main, '--dev', '--port', '0', '--data-dir', folder], { stdio: 'ignore' })
try {
  const session = writeSession(await playSession(await readStage()))
  const text = await readFile(page, 'utf8')
  const marked = text.replace(/(<!-- recorded -->\n)[\s\S]*(\n<!-- end of the recording -->)/, `$1\n${session}\n$2`)
  await writeFile(page, marked)
} finally {
  const exited = new Promise((resolve) => service.once('exit', resolve))
  service.kill('SIGTERM')
  await exited
  await rm(folder, { recursive: true, force: true })
}

/** What the service leaves for the command line tool. */
async function readStage(): Promise<SessionStage> {
  for (let tries = 0; tries < 600; tries++) {
    const note = await readFile(path.join(folder, 'service.json'), 'utf8').catch(() => undefined)
    if (note !== undefined) return JSON.parse(note) as SessionStage
    await delay(100)
  }
  throw new Error('the service did not start')
}
