// BullMQ's own tables, in the schema bullmq.
import { runMigrations } from 'bullmq'
import type { Pool } from '../storage/pool.js'

/**
 * Brings BullMQ's tables to the release that is installed. Part of our own migration step, because since 6.1 BullMQ does
 * not do it on connecting. Any number of processes may call it at once.
 */
export async function migrateQueue(pool: Pool): Promise<void> {
  const client = await pool.connect()
  try {
    await runMigrations(client)
    client.release()
  } catch (error) {
    client.release(true)
    throw error
  }
}
