// A PostgreSQL that is there and takes nothing: its disk is full, or it is a standby.
import t from 'tap'
import { uuidv7 } from 'uuidv7'
import { fluByPharmacy } from '../support/ingest-rig.js'
import { openHub } from './open-hub.js'
import { openCaller, rulesOf, SYSTEM } from './write-calls.js'

const NOW = new Date('2026-11-15T09:00:00Z')
const hub = await openHub(t, () => NOW)
const URL = '/FHIR/R4/Immunization'
const pharmacy = openCaller(hub, 'pharmacy')
const flu = () => fluByPharmacy({ value: uuidv7(), system: SYSTEM, nhsNumber: '9990013675' })

/** What a write meets from now on: the error that PostgreSQL itself gives in this state. */
async function refuseWrites(sqlState: string): Promise<void> {
  await hub.pool.query(`
create or replace function refuse_writes() returns trigger language plpgsql as $$
begin
  raise exception 'could not extend file: No space left on device' using errcode = '${sqlState}';
end
$$`)
  await hub.pool.query(
    'create or replace trigger refuse_writes before insert on record_version execute function refuse_writes()'
  )
}

async function versions(): Promise<number> {
  const { rows } = await hub.pool.query<{ n: number }>('select count(*)::integer as n from record_version')
  return rows[0]?.n ?? -1
}

async function takeWrites(): Promise<void> {
  await hub.pool.query('drop trigger refuse_writes on record_version')
}

for (const [sqlState, what] of [
  ['53100', 'its disk is full'],
  ['53200', 'it has no memory left'],
  ['25006', 'it is a standby']
] as const)
  t.test(`while ${what} writes are answered 503 with Retry-After, reads go on, and nothing is lost`, async (t) => {
    const kept = await pharmacy('POST', URL, flu())
    t.equal(kept.statusCode, 201, kept.body)
    const before = await versions()
    const key = { 'idempotency-key': uuidv7() }
    const sent = flu()
    const visit = {
      resourceType: 'Bundle',
      type: 'transaction',
      entry: [{ resource: flu(), request: { method: 'POST', url: 'Immunization' } }]
    }

    await refuseWrites(sqlState)
    const refused = await Promise.all([
      pharmacy('POST', URL, sent, key),
      ...Array.from({ length: 5 }, () => pharmacy('POST', URL, flu())),
      pharmacy('POST', '/FHIR/R4', visit)
    ])
    for (const answer of refused) {
      t.match(answer, { statusCode: 503, headers: { 'retry-after': '5' } }, answer.body)
      t.same(rulesOf(answer), ['database-unavailable'])
    }
    const { id = '' } = JSON.parse(kept.body) as { id?: string }
    t.equal((await pharmacy('GET', `${URL}/${id}`)).statusCode, 200)
    t.equal(await versions(), before)

    await takeWrites()
    const again = await pharmacy('POST', URL, sent, key)
    t.equal(again.statusCode, 201, again.body)
    t.notOk(again.headers['idempotency-replayed'], 'the first time was no answer to keep')
    t.same(hub.faults, [], 'it is no fault of ours')
  })
