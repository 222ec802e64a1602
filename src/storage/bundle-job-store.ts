// Bundles that were acknowledged before they are worked on. A job is waiting, then running under a lease, then done; one
// whose lease runs out is taken up by whoever comes next, and its former worker (an older epoch) writes nothing more.
import type { Sql } from './sql.js'

export interface NewBundleJob {
  jobId: string
  client: string
  requestId: string
  /** JSON: what the request allowed and preferred. */
  sender: object
  /** The Bundle as received. */
  body: string
  entries: number
  createdAt: Date
}

export interface ClaimedBundleJob extends Omit<NewBundleJob, 'entries'> {
  epoch: number
  /** Claims so far, this one included. */
  tries: number
}

export interface BundleJobStatus {
  entries: number
  /** Entries of a batch that are done. */
  answered: number
  /** Undefined while it is not done. */
  result?: { status: number; text: string; expiresAt: Date }
}

/** Which job, in whose hands. */
export interface BundleJobHold {
  jobId: string
  epoch: number
}

export interface BundleJobStore {
  /** False when the client has `maxOpen` unfinished jobs already. */
  create(job: NewBundleJob, maxOpen: number): Promise<boolean>
  /** The oldest job that nobody works on. */
  claim(): Promise<ClaimedBundleJob | undefined>
  /** Extends the lease. False when the job is no longer held: another has it, or its client has cancelled it. */
  renew(hold: BundleJobHold): Promise<boolean>
  /** Lets another take it up at once; it does not count as a try. */
  giveBack(hold: BundleJobHold): Promise<void>
  /** Lets anybody take it up in a while: it failed, and others come first. */
  putOff(hold: BundleJobHold): Promise<void>
  /** Extends the lease as well. False as {@link renew}. */
  saveEntry(hold: BundleJobHold, index: number, answer: string): Promise<boolean>
  findEntries(jobId: string): Promise<Map<number, string>>
  /** The answer is kept for a day. False as {@link renew}. */
  finish(hold: BundleJobHold, status: number, text: string): Promise<boolean>
  find(jobId: string, client: string): Promise<BundleJobStatus | undefined>
  /** Cancels what is not done, forgets what is. False when there is none. */
  remove(jobId: string, client: string): Promise<boolean>
  removeExpired(): Promise<number>
}

const LEASE = `now() + interval '20 seconds'`
const KEEP = `now() + interval '24 hours'`
const PAUSE = `interval '5 seconds'`
const HELD = `job_id = $1 and epoch = $2 and state = 'running'`

export function createBundleJobStore(sql: Sql): BundleJobStore {
  const did = async (text: string, values: readonly unknown[]): Promise<boolean> =>
    (await sql.query(text, values)).rowCount > 0
  return {
    create: ({ jobId, client, requestId, sender, body, entries, createdAt }, maxOpen) =>
      did(CREATE, [jobId, client, requestId, JSON.stringify(sender), body, entries, createdAt, maxOpen]),
    async claim() {
      const { rows } = await sql.query<ClaimedBundleJob>(CLAIM)
      return rows[0]
    },
    renew: ({ jobId, epoch }) => did(`update bundle_job set lease_until = ${LEASE} where ${HELD}`, [jobId, epoch]),
    async giveBack({ jobId, epoch }) {
      const text = `update bundle_job set state = 'waiting', lease_until = null, tries = tries - 1 where ${HELD}`
      await sql.query(text, [jobId, epoch])
    },
    async putOff({ jobId, epoch }) {
      await sql.query(`update bundle_job set lease_until = now() + ${PAUSE} where ${HELD}`, [jobId, epoch])
    },
    saveEntry: ({ jobId, epoch }, index, answer) => did(SAVE_ENTRY, [jobId, epoch, index, answer]),
    async findEntries(jobId) {
      const { rows } = await sql.query<{ entry_index: number; answer: string }>(
        'select entry_index, answer from bundle_job_entry where job_id = $1',
        [jobId]
      )
      return new Map(rows.map((row) => [row.entry_index, row.answer]))
    },
    finish: ({ jobId, epoch }, status, text) => did(FINISH, [jobId, epoch, status, text]),
    async find(jobId, client) {
      const { rows } = await sql.query<StatusRow>(FIND, [jobId, client])
      return rows[0] === undefined ? undefined : toStatus(rows[0])
    },
    remove: (jobId, client) => did('delete from bundle_job where job_id = $1 and client = $2', [jobId, client]),
    async removeExpired() {
      return (await sql.query(`delete from bundle_job where state = 'done' and expires_at < now()`)).rowCount
    }
  }
}

const CREATE = `
insert into bundle_job (job_id, client, request_id, sender, body, entries, state, created_at)
select $1, $2, $3, $4::jsonb, $5, $6, 'waiting', $7
 where (select count(*) from bundle_job where client = $2 and state <> 'done') < $8::integer`

const CLAIM = `
update bundle_job
   set state = 'running', lease_until = ${LEASE}, epoch = epoch + 1, tries = tries + 1
 where job_id = (
         select job_id
           from bundle_job
          where state = 'waiting' or (state = 'running' and lease_until < now())
          order by created_at
          limit 1
            for update skip locked
       )
returning job_id as "jobId", client, request_id as "requestId", sender, body, created_at as "createdAt", epoch, tries`

const SAVE_ENTRY = `
with held as (
  update bundle_job
     set lease_until = ${LEASE}
   where ${HELD}
  returning job_id
)
insert into bundle_job_entry (job_id, entry_index, answer)
select job_id, $3, $4
  from held`

const FINISH = `
with entry as (
  delete from bundle_job_entry
   where job_id = $1
)
update bundle_job
   set state = 'done', lease_until = null, body = null, result_status = $3, result = $4, expires_at = ${KEEP}
 where ${HELD}`

const FIND = `
select entries, result_status, result, expires_at,
       (select count(*) from bundle_job_entry entry where entry.job_id = bundle_job.job_id)::integer as answered
  from bundle_job
 where job_id = $1 and client = $2 and (expires_at is null or expires_at >= now())`

interface StatusRow {
  entries: number
  answered: number
  result_status: number | null
  result: string | null
  expires_at: Date | null
}

function toStatus({ entries, answered, result_status: status, result: text, expires_at: expiresAt }: StatusRow) {
  if (status === null || text === null || expiresAt === null) return { entries, answered }
  return { entries, answered, result: { status, text, expiresAt } }
}
