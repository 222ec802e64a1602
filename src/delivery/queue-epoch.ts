// Notices that the queue has lost its jobs (wiped, restarted empty, or another engine than last time): then whatever is
// marked as queued is rung again. The mark lies in the queue and in the ledger; where they differ, the jobs are gone.
import { randomUUID } from 'node:crypto'
import type { Log } from '../queue/log.js'
import type { Queues } from '../queue/queues.js'
import type { Database } from '../storage/database.js'

/** Gives how many deliveries went back; undefined when nothing was lost. Any number of relays may look at once. */
export async function checkQueueEpoch(deps: {
  database: Database
  queues: Queues
  log: Log
}): Promise<number | undefined> {
  const { database, queues, log } = deps
  const found = await queues.readEpoch()
  const known = await database.stores.queueEpochs.find()
  if (known?.engine === queues.engine && known.epoch === found) return undefined

  const epoch = found ?? randomUUID()
  const returned = await database.transaction(async (stores) => {
    const isOurs = await stores.queueEpochs.replace(known, { engine: queues.engine, epoch })
    return isOurs ? stores.deliveries.handBackAll() : undefined
  })
  if (returned === undefined) return undefined
  // After the commit: a process that dies in between leaves the queue unmarked, and the next look does it again.
  await queues.writeEpoch(epoch)
  const fields = { engine: queues.engine, deliveries: returned }
  if (known === undefined) log.info(fields, 'queue.first_used')
  else log.warn(fields, 'queue.lost')
  return returned
}
