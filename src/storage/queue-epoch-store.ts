// Which queue engine the queued deliveries were rung on, and which life of it: when that is gone, so are its jobs.
import type { Sql } from './sql.js'

export type QueueEngineKind = 'redis' | 'postgres'

export interface QueueEpoch {
  engine: QueueEngineKind
  epoch: string
}

export interface QueueEpochStore {
  find(): Promise<QueueEpoch | undefined>
  /** Replaces what is known. `before`: what the caller saw; false when another process was faster. */
  replace(before: QueueEpoch | undefined, after: QueueEpoch): Promise<boolean>
}

export function createQueueEpochStore(sql: Sql): QueueEpochStore {
  return {
    async find() {
      const { rows } = await sql.query<QueueEpoch>('select engine, epoch from queue_epoch limit 1')
      return rows[0]
    },
    async replace(before, after) {
      if (before !== undefined) {
        const { rowCount } = await sql.query('delete from queue_epoch where engine = $1 and epoch = $2', [
          before.engine,
          before.epoch
        ])
        if (rowCount === 0) return false
      }
      const { rowCount } = await sql.query(
        `insert into queue_epoch (engine, epoch)
         values ($1, $2)
         on conflict (engine) do nothing`,
        [after.engine, after.epoch]
      )
      return rowCount === 1
    }
  }
}
