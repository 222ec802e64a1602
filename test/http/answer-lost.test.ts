// The line to a supplier breaks after the commit: what it sends again is answered as the first time would have been.
import t from 'tap'
import type { Test } from 'tap'
import { Client } from 'undici'
import { uuidv7 } from 'uuidv7'
import { openSupplierLines } from '../chaos/supplier-lines.js'
import { fluByPharmacy } from '../support/ingest-rig.js'
import { openHub } from './open-hub.js'
import { SYSTEM } from './write-calls.js'

const NOW = new Date('2026-11-15T09:00:00Z')
const hub = await openHub(t, () => NOW)

async function openLine(t: Test) {
  const port = Number(new URL(await hub.server.listen({ host: '127.0.0.1', port: 0 })).port)
  const lines = await openSupplierLines([port])
  t.teardown(() => lines.close())
  const authorization = await hub.bearer({ client: 'pharmacy', permissions: ['*.CRUDS'] })
  return {
    lines,
    post: async (body: object, headers: Record<string, string>) => {
      const client = new Client(lines.urls[0]!)
      try {
        const answer = await client.request({
          path: '/FHIR/R4/Immunization',
          method: 'POST',
          headers: { authorization, 'content-type': 'application/fhir+json', ...headers },
          body: JSON.stringify(body)
        })
        const { location, etag } = answer.headers
        return { status: answer.statusCode, location, etag, text: await answer.body.text() }
      } finally {
        await client.destroy()
      }
    }
  }
}

t.test('an answer that was lost after the commit is given again, with a key and without', async (t) => {
  const { lines, post } = await openLine(t)
  const versions = async (): Promise<number> =>
    (await hub.pool.query<{ n: number }>('select count(*)::integer as n from record_version')).rows[0]?.n ?? -1
  for (const [headers, statusAgain] of [
    [{ 'idempotency-key': uuidv7() }, 201],
    [{}, 200]
  ] as const) {
    const sent = fluByPharmacy({ value: uuidv7(), system: SYSTEM, nhsNumber: '9990013675' })
    const before = await versions()

    const mended = lines.cut()
    await t.rejects(post(sent, headers), 'no answer')
    t.equal(await versions(), before + 1, 'and yet it is committed')
    mended()
    const again = await post(sent, headers)

    t.match(again, { status: statusAgain, etag: 'W/"1"' }, again.text)
    t.equal((await post(sent, headers)).text, again.text)
    t.equal(await versions(), before + 1)
  }
  t.same(hub.faults, [])
})
