// The processes of the service, and whoever starts them again when they end.
import { createWriteStream, readFileSync } from 'node:fs'
import path from 'node:path'
import { setTimeout as delay } from 'node:timers/promises'
import { fileURLToPath } from 'node:url'
import type { ChildProcess } from 'node:child_process'
import { spawnLeashed } from '../../src/embedded/leashed-process.js'
import type { DeliveryPolicy } from '../../src/delivery/policy.js'
import { waitFor } from '../support/wait-for.js'
import { clockOffBy } from './clocks.js'
import type { Role } from './plan-faults.js'

export interface Fleet {
  /**
   * False when the process is just starting: it is left alone, or a slow machine does nothing but start processes. The
   * same for the others.
   */
  kill(role: Role, place: number): Promise<boolean>
  /** One after the other, each once the one before has ended. */
  roll(role: Role): Promise<boolean>
  freeze(role: Role, place: number, forMs: number): Promise<boolean>
  /** Ends that nobody asked for, and deaths of their own that processes logged. */
  faults(): string[]
  /** What all of them have written. */
  written(): string
  /** SIGTERM, then waits for all. */
  stop(): Promise<void>
}

export interface FleetOptions {
  /** Their output goes there. */
  folder: string
  env: Record<string, string>
  counts: Record<Role, number>
  /** One for each API process, which keeps it. */
  ports: readonly number[]
  policy?: DeliveryPolicy
  /** By the name of the process: by how many milliseconds its clock is wrong. */
  clocks: Record<string, number>
}

interface Member {
  name: string
  start(): void
  child(): ChildProcess | undefined
  isReady(): boolean
}

const MAIN = fileURLToPath(new URL('../../dist/main.js', import.meta.url))
const WITH_POLICY = fileURLToPath(new URL('./service-process.ts', import.meta.url))
const READY = /running as|listening on/
const RESTART_AFTER_MS = 200
const READY_WITHIN_MS = 120_000

export async function startFleet(options: FleetOptions): Promise<Fleet> {
  const faults: string[] = []
  const expected = new WeakSet<ChildProcess>()
  const state = { isStopping: false }
  const members = (['api', 'relay', 'worker'] as const).flatMap((role) =>
    Array.from({ length: options.counts[role] }, (_, place) => {
      const member = createMember(options, role, place, (child, wasReady, end) => {
        if (wasReady && !expected.has(child)) faults.push(`${member.name} ended by itself (${end})`)
        if (!state.isStopping) setTimeout(restart, RESTART_AFTER_MS, member)
      })
      return member
    })
  )
  const restart = (member: Member): void => {
    if (!state.isStopping) member.start()
  }
  const find = (role: Role, place: number): Member => members.find(({ name }) => name === `${role}-${place}`)!
  const untilReady = (member: Member): Promise<boolean> =>
    waitFor(() => member.isReady(), `${member.name} to be ready`, { withinMs: READY_WITHIN_MS, everyMs: 50 })
  const signal = (member: Member, name: NodeJS.Signals): void => {
    const child = member.child()
    if (child === undefined) return
    if (name === 'SIGKILL' || name === 'SIGTERM') expected.add(child)
    child.kill(name)
  }
  const end = async (member: Member, name: NodeJS.Signals): Promise<void> => {
    const child = member.child()
    if (child === undefined) return
    const exited = new Promise((resolve) => child.once('exit', resolve))
    signal(member, name)
    await exited
  }

  for (const member of members) member.start()
  await Promise.all(members.map(untilReady))
  return {
    async kill(role, place) {
      const member = find(role, place)
      if (!member.isReady()) return false
      await end(member, 'SIGKILL')
      return true
    },
    async roll(role) {
      const ready = members.filter((member) => member.name.startsWith(role) && member.isReady())
      for (const member of ready) await end(member, 'SIGTERM')
      return ready.length > 0
    },
    async freeze(role, place, forMs) {
      const member = find(role, place)
      const child = member.child()
      if (child === undefined || !member.isReady()) return false
      child.kill('SIGSTOP')
      await delay(forMs)
      child.kill('SIGCONT')
      return true
    },
    faults: () => [...faults, ...members.flatMap(({ name }) => deathsIn(name, readLog(options.folder, name)))],
    written: () => members.map(({ name }) => readLog(options.folder, name)).join('\n'),
    async stop() {
      state.isStopping = true
      await Promise.all(members.map((member) => end(member, 'SIGTERM')))
    }
  }
}

function createMember(
  { folder, env, ports, policy, clocks }: FleetOptions,
  role: Role,
  place: number,
  onEnd: (child: ChildProcess, wasReady: boolean, end: string) => void
): Member {
  const name = `${role}-${place}`
  const log = createWriteStream(logFile(folder, name))
  const { PATH = '', HOME = '' } = process.env
  const program = policy === undefined ? [MAIN] : ['--import=tsx', WITH_POLICY, JSON.stringify(policy)]
  const clock = clocks[name] === undefined ? [] : clockOffBy(clocks[name])
  let running: ChildProcess | undefined
  let isReady = false
  return {
    name,
    child: () => running,
    isReady: () => isReady,
    start() {
      isReady = false
      const child = spawnLeashed(process.execPath, [...clock, ...program, '--roles', role], {
        signal: 'KILL',
        env: { PATH, HOME, ...env, PORT: String(ports[place] ?? 0) }
      })
      running = child
      child.stdout?.on('data', (chunk: Buffer) => {
        if (!isReady && READY.test(chunk.toString())) isReady = true
        log.write(chunk)
      })
      child.stderr?.on('data', (chunk: Buffer) => log.write(chunk))
      child.once('exit', (code, signal) => {
        const wasReady = isReady
        isReady = false
        running = undefined
        onEnd(child, wasReady, signal ?? `code ${code ?? '?'}`)
      })
    }
  }
}

function logFile(folder: string, name: string): string {
  return path.join(folder, `${name}.log`)
}

function readLog(folder: string, name: string): string {
  return readFileSync(logFile(folder, name), 'utf8')
}

function deathsIn(name: string, log: string): string[] {
  const lines = log.split('\n').filter((line) => /service\.(uncaughtException|unhandledRejection)/.test(line))
  return lines.map((line) => `${name}: ${line.slice(0, 500)}`)
}
