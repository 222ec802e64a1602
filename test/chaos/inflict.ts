// Makes the planned faults happen.
import { setTimeout as delay } from 'node:timers/promises'
import type { OwnRedis } from '../support/redis.js'
import { Redis } from 'ioredis'
import { inflictOnGround, type Ground } from './inflict-ground.js'
import { nameFault, type Fault, type PlannedFault } from './plan-faults.js'
import type { Fleet } from './processes.js'
import type { Receivers } from './receivers.js'

export interface Victims extends Ground {
  fleet: Fleet
  receivers: Receivers
}

/**
 * Each at its moment; they may overlap. Resolves when the last one is over and everything is up again. `onEnd` tells
 * whether it could be done.
 */
export async function inflict(
  plan: readonly PlannedFault[],
  victims: Victims,
  onEnd: (fault: Fault, isDone: boolean) => void
): Promise<void> {
  const began = performance.now()
  const underWay: Promise<void>[] = []
  for (const { atMs, fault } of plan) {
    await delay(Math.max(atMs - (performance.now() - began), 0))
    const done = inflictOne(fault, victims).then(
      (isDone) => {
        onEnd(fault, isDone !== false)
      },
      (cause: unknown) => {
        throw new Error(`the campaign could not do this: ${nameFault(fault)}`, { cause })
      }
    )
    // Heard at the end, all together.
    done.catch(() => undefined)
    underWay.push(done)
  }
  await Promise.all(underWay)
  await victims.receivers.allUp()
}

async function inflictOne(fault: Fault, victims: Victims): Promise<unknown> {
  const { fleet, postgres, redis, receivers } = victims
  switch (fault.kind) {
    case 'kill':
      return fleet.kill(fault.role, fault.place)
    case 'roll':
      return fleet.roll(fault.role)
    case 'freeze':
      return fleet.freeze(fault.role, fault.place, fault.forMs)
    case 'redis-flush':
      return redis === undefined ? undefined : flush(redis)
    case 'redis-away':
      return redis === undefined ? undefined : takeAway(redis, fault)
    case 'postgres-crash':
      return postgres.crash(fault.forMs)
    case 'receiver':
      await receivers.steer(fault.destination, fault.setting)
      await delay(fault.forMs)
      return receivers.steer(fault.destination, { mode: 'up' })
    case 'redis-full':
    case 'redis-tail':
    case 'duplicate-jobs':
    case 'open-transaction':
    case 'disk-full':
    case 'answers-cut':
      return inflictOnGround(fault, victims)
  }
}

async function flush({ url }: OwnRedis): Promise<void> {
  const redis = new Redis(url, { lazyConnect: true, retryStrategy: () => null })
  redis.on('error', () => undefined)
  try {
    await redis.connect()
    await redis.flushall()
  } catch {
    // It is away at the moment, by another fault.
  } finally {
    redis.disconnect()
  }
}

/** One at a time: a second one waits until the first is over. */
let lastAway = Promise.resolve()

async function takeAway(redis: OwnRedis, { forMs, keepsData }: { forMs: number; keepsData: boolean }): Promise<void> {
  lastAway = lastAway.then(async () => {
    await redis.kill()
    await delay(forMs)
    await redis.restart({ forget: !keepsData })
  })
  return lastAway
}
