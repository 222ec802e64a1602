// The built service (dist/main.js) as a process of its own.
import { existsSync } from 'node:fs'
import { fileURLToPath } from 'node:url'
import type { Test } from 'tap'
import { spawnLeashed } from '../../src/embedded/leashed-process.js'
import { waitFor } from './wait-for.js'

export interface ServiceOptions {
  /** Nothing but PATH and HOME is inherited; PORT is 0 unless given. */
  env?: Record<string, string>
  args?: string[]
  /** The first line of output that matches means ready; its first group is the URL. */
  ready?: RegExp
  /** Default 30 s. */
  withinMs?: number
}

export interface ServiceExit {
  code: number | null
  signal: NodeJS.Signals | null
}

export interface Service {
  /** Without a slash at the end. */
  url: string
  pid: number
  exited: Promise<ServiceExit>
  /** Standard output and standard error so far. */
  output(): string
  /** SIGTERM, then waits for the end. */
  stop(): Promise<ServiceExit>
  /** SIGKILL, then waits for the end. */
  kill(): Promise<ServiceExit>
}

export const listeningLine = /^Immunisation Hub listening on (http:\/\/\S+?)\/?$/m
const mainFile = fileURLToPath(new URL('../../dist/main.js', import.meta.url))

/** Resolves once the service is ready; rejects with its output when it ends before. Killed when `t` is over. */
export async function spawnService(t: Test, options: ServiceOptions = {}): Promise<Service> {
  const { ready = listeningLine, withinMs = 30_000 } = options
  const service = launchService(t, options)
  let exit: ServiceExit | undefined
  void service.exited.then((value) => (exit = value))
  const line = await waitFor(() => ready.exec(service.output()) ?? exit, 'the service to be ready', { withinMs }).catch(
    (cause: unknown) => {
      throw new Error(`The service was not ready within ${withinMs} ms; it printed:\n${service.output()}`, { cause })
    }
  )
  if ('code' in line)
    throw new Error(`The service ended with ${JSON.stringify(line)}; it printed:\n${service.output()}`)
  return { ...service, url: line[1] ?? '' }
}

/** Does not wait for anything: for a service that is expected to refuse to start. */
export function launchService(t: Test, { env = {}, args = [] }: ServiceOptions = {}): Omit<Service, 'url'> {
  if (!existsSync(mainFile)) throw new Error('dist/main.js is not there: npm run build')
  const { PATH = '', HOME = '' } = process.env
  const child = spawnLeashed(process.execPath, [mainFile, ...args], {
    signal: 'KILL',
    env: { PATH, HOME, PORT: '0', ...env }
  })
  let output = ''
  child.stdout?.on('data', (chunk: Buffer) => (output += chunk.toString()))
  child.stderr?.on('data', (chunk: Buffer) => (output += chunk.toString()))
  const exited = new Promise<ServiceExit>((resolve) => {
    child.once('close', (code, signal) => {
      resolve({ code, signal })
    })
  })
  const end = (signal: NodeJS.Signals): Promise<ServiceExit> => {
    child.kill(signal)
    return exited
  }
  t.teardown(() => end('SIGKILL'))
  return {
    pid: child.pid ?? 0,
    exited,
    output: () => output,
    stop: () => end('SIGTERM'),
    kill: () => end('SIGKILL')
  }
}
