// A Redis for tests: the one of REDIS_URL, else a redis-server of our own where the machine has one.
import { accessSync, constants, mkdtempSync, readdirSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { delimiter, join } from 'node:path'
import type { ChildProcess } from 'node:child_process'
import { Redis } from 'ioredis'
import type { Test } from 'tap'
import { spawnLeashed } from '../../src/embedded/leashed-process.js'
import { freePort } from './free-port.js'
import { waitFor } from './wait-for.js'

export interface TestRedis {
  url: string
}

export interface OwnRedis extends TestRedis {
  /** As in a failure: the connections break. Data stays on disk. */
  kill(): Promise<void>
  /** On the same port, with the same data unless told to forget it. */
  restart(options?: { forget: boolean }): Promise<void>
}

export const redisLeftOut = 'left out: REDIS_URL is not set and no redis-server is on PATH'

/** Undefined where there is no Redis to be had: pass `redisLeftOut` to t.comment or t.skip. */
export async function startRedis(t: Test): Promise<TestRedis | undefined> {
  const external = process.env['REDIS_URL']
  return external ? claimLogicalDatabase(t, external) : startOwnRedis(t)
}

/** A server of this test alone, on a loopback port, persistent and without eviction. */
export async function startOwnRedis(t: Test, extraArgs: readonly string[] = []): Promise<OwnRedis | undefined> {
  const redis = await openOwnRedis(extraArgs)
  if (redis) t.teardown(() => redis.close())
  return redis
}

/** The same outside a test: `close` ends it and removes its data. */
export async function openOwnRedis(
  extraArgs: readonly string[] = []
): Promise<(OwnRedis & { close(): Promise<void> }) | undefined> {
  const command = findOnPath('redis-server') ?? findOnPath('valkey-server')
  if (!command) return undefined
  const dir = mkdtempSync(join(tmpdir(), 'imms-redis-'))
  const port = await freePort()
  const url = `redis://127.0.0.1:${port}`
  const args = ['--port', String(port), '--bind', '127.0.0.1', '--dir', dir, '--save', '', '--appendonly', 'yes']
  args.push('--maxmemory-policy', 'noeviction', ...extraArgs)

  let child: ChildProcess
  const restart = async ({ forget } = { forget: false }): Promise<void> => {
    if (forget) for (const name of readdirSync(dir)) rmSync(join(dir, name), { recursive: true })
    child = spawnLeashed(command, args, { signal: 'KILL', env: {}, cwd: dir })
    let output = ''
    child.stdout?.on('data', (chunk: Buffer) => (output += chunk.toString()))
    child.stderr?.on('data', (chunk: Buffer) => (output += chunk.toString()))
    await waitFor(() => answersPing(url), `redis-server on port ${port}`).catch((cause: unknown) => {
      throw new Error(`redis-server did not start: ${output}`, { cause })
    })
  }
  const kill = async (): Promise<void> => {
    const exited = new Promise((resolve) => child.once('exit', resolve))
    if (child.exitCode === null && child.signalCode === null && child.kill('SIGKILL')) await exited
  }
  const close = async (): Promise<void> => {
    await kill()
    rmSync(dir, { recursive: true, force: true })
  }
  await restart().catch(async (error: unknown) => {
    await close()
    throw error
  })
  return { url, kill, restart, close }
}

/**
 * Test files run side by side, so each takes an empty logical database (1 to 15) of the given server for itself. One
 * that holds anything else than what an ended test left is never touched.
 */
async function claimLogicalDatabase(t: Test, serverUrl: string): Promise<TestRedis> {
  for (let index = 1; index <= 15; index++) {
    const url = new URL(serverUrl)
    url.pathname = `/${index}`
    const redis = new Redis(url.href)
    if (await claim(redis)) {
      t.teardown(async () => {
        await redis.flushdb()
        redis.disconnect()
      })
      return { url: url.href }
    }
    redis.disconnect()
  }
  throw new Error('REDIS_URL: none of the logical databases 1 to 15 is empty: name another server for tests')
}

const claimKey = 'immunisation-hub-test'

async function claim(redis: Redis): Promise<boolean> {
  const holder = await redis.get(claimKey)
  if (holder !== null && !isRunning(Number(holder))) await redis.flushdb()
  if ((await redis.dbsize()) > 0) return false
  return (await redis.set(claimKey, String(process.pid), 'NX')) === 'OK'
}

function isRunning(pid: number): boolean {
  try {
    return process.kill(pid, 0)
  } catch (error) {
    return (error as NodeJS.ErrnoException).code === 'EPERM'
  }
}

async function answersPing(url: string): Promise<boolean> {
  const redis = new Redis(url, { lazyConnect: true, retryStrategy: () => null, maxRetriesPerRequest: 0 })
  redis.on('error', () => undefined)
  try {
    await redis.connect()
    await redis.ping()
    return true
  } finally {
    redis.disconnect()
  }
}

function findOnPath(command: string): string | undefined {
  const candidates = (process.env['PATH'] ?? '').split(delimiter).map((dir) => join(dir, command))
  return candidates.find((path) => {
    try {
      accessSync(path, constants.X_OK)
      return true
    } catch {
      return false
    }
  })
}
