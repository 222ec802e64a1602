// The sandbox in a process of its own, so that it takes no time from the service it receives for.
import { fork } from 'node:child_process'
import { fileURLToPath } from 'node:url'
import { createSandboxKeys, type SandboxKeys } from './keys.js'
import type { SandboxSeed } from './handler.js'
import type { Sandbox } from './server.js'

/** What the parent tells the child to start with. */
export interface SandboxStart {
  port: number
  keys: SandboxKeys
  seed: SandboxSeed
}

/** What the child answers. */
export type SandboxReport = { url: string } | { error: string }

/**
 * Starts the sandbox as a child process. It ends when this process ends, however that happens: the channel between the
 * two closes. @throws Error when it cannot start, for example because the port is taken
 */
export async function forkSandbox(
  options: { port?: number; keys?: SandboxKeys; seed?: SandboxSeed } = {}
): Promise<Sandbox> {
  const { port = 0, keys = createSandboxKeys(), seed = {} } = options
  // Ctrl-C goes to the whole foreground group; detached, the child outlives it until the service has drained.
  const entry = fileURLToPath(import.meta.url).replace(/process\.(ts|js)$/, 'process-entry.$1')
  const child = fork(entry, [], { detached: true, stdio: ['ignore', 'inherit', 'inherit', 'ipc'] })
  const exited = new Promise<void>((resolve) => {
    child.once('exit', () => {
      resolve()
    })
  })
  const started: Promise<SandboxReport> = new Promise((resolve) => {
    child.once('message', (message) => {
      resolve(message as SandboxReport)
    })
  })
  child.send({ port, keys, seed } satisfies SandboxStart)
  const report = await Promise.race([started, exited.then(() => ({ error: 'it ended before it was ready' }))])
  if ('error' in report) throw new Error(`the sandbox did not start: ${report.error}`)
  return {
    url: report.url,
    keys,
    async close() {
      if (child.connected) child.disconnect()
      await exited
    }
  }
}
