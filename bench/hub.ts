// A service under load: dist/main.js as a process, in a folder of its own that is removed afterwards.
import { spawn, type ChildProcess } from 'node:child_process'
import { chmodSync, mkdtempSync, readFileSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import path from 'node:path'

export interface Hub {
  url: string
  token: string
  sandboxUrl: string
  pid: number
  stop(): Promise<void>
}

export async function startHub(env: Record<string, string>, roles: string): Promise<Hub> {
  const folder = mkdtempSync(path.join(tmpdir(), 'imms-bench-'))
  // PostgreSQL runs under another account when we are root, and must get through.
  chmodSync(folder, 0o755)
  const main = new URL('../dist/main.js', import.meta.url).pathname
  const args = [main, '--dev', '--port', '0', '--data-dir', folder, '--roles', roles]
  const child = spawn(process.execPath, args, {
    env: { PATH: process.env['PATH'] ?? '', HOME: folder, LOG_LEVEL: 'warn', ...env },
    stdio: ['ignore', 'pipe', 'inherit']
  })
  await waitForLine(child, /listening on/)
  const note = JSON.parse(readFileSync(path.join(folder, 'service.json'), 'utf8')) as Pick<
    Hub,
    'url' | 'token' | 'sandboxUrl'
  >
  return {
    ...note,
    pid: child.pid ?? 0,
    async stop() {
      const exited = new Promise((resolve) => child.once('exit', resolve))
      child.kill('SIGTERM')
      await exited
      rmSync(folder, { recursive: true, force: true })
    }
  }
}

function waitForLine(child: ChildProcess, line: RegExp): Promise<void> {
  return new Promise((resolve, reject) => {
    let output = ''
    child.stdout?.on('data', (chunk: Buffer) => {
      output += chunk.toString()
      if (line.test(output)) resolve()
    })
    child.once('exit', () => {
      reject(new Error(`the service ended before it was ready:\n${output}`))
    })
  })
}
