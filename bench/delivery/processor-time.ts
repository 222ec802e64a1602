// Processor time of the servers beside us, from proc(5) and from Redis itself. Rates depend on the neighbours of a shared
// machine, the time that a delivery costs hardly does.
import { readdirSync, readFileSync } from 'node:fs'
import { Redis } from 'ioredis'
import { cpuMs } from '../validation/cpu-time.js'

export interface ProcessorTime {
  node: number
  postgres: number
  redis: number
}

const TICK_MS = 10

/** Milliseconds since each of them started. PostgreSQL is 0 where there is no /proc. */
export async function readProcessorTime(postgresPid: number, redisUrl: string | undefined): Promise<ProcessorTime> {
  return {
    node: cpuMs(),
    postgres: process.platform === 'linux' ? treeMs(postgresPid) : 0,
    redis: redisUrl === undefined ? 0 : await redisMs(redisUrl)
  }
}

/** The server, its children, and those of its children that have ended. */
function treeMs(pid: number): number {
  const pids = readdirSync('/proc').filter((name) => /^\d+$/.test(name))
  let ticks = 0
  for (const id of pids) {
    const fields = statOf(id)
    if (fields === undefined) continue
    const [own, ended] = [Number(fields[11]) + Number(fields[12]), Number(fields[13]) + Number(fields[14])]
    if (id === String(pid)) ticks += own + ended
    else if (fields[1] === String(pid)) ticks += own
  }
  return ticks * TICK_MS
}

/** From field 3, the state, on: field 4 is the parent, 14 to 17 are the times. */
function statOf(pid: string): string[] | undefined {
  try {
    const stat = readFileSync(`/proc/${pid}/stat`, 'utf8')
    return stat.slice(stat.lastIndexOf(')') + 2).split(' ')
  } catch {
    return undefined
  }
}

async function redisMs(url: string): Promise<number> {
  const redis = new Redis(url)
  try {
    const text = await redis.info('cpu')
    const seconds = [...text.matchAll(/^used_cpu_(?:sys|user):([\d.]+)/gm)].map(([, value]) => Number(value))
    return seconds.reduce((sum, value) => sum + value, 0) * 1_000
  } finally {
    redis.disconnect()
  }
}
