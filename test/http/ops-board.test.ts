// The board of the queues, for browsers: who gets in, for how long, and what can be done there (looking).
import { randomBytes, randomUUID } from 'node:crypto'
import { existsSync, mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import path from 'node:path'
import { chromium } from 'playwright-core'
import t from 'tap'
import type { Test } from 'tap'
import { createBoardEntries } from '../../src/delivery/board-entries.js'
import { createBoardPasses } from '../../src/http/board-pass.js'
import { registerOpsBoard } from '../../src/http/ops-board.js'
import type { QueueBoard } from '../../src/queue/queue-board.js'
import { createDatabase } from '../../src/storage/database.js'
import { createTestLog } from '../support/delivery-rig.js'
import { openQueues } from '../support/delivery-queues.js'
import { forEachQueueEngine, type QueueEngine } from '../support/queue-engine.js'
import { createTestDatabase } from '../support/test-database.js'
import { waitFor } from '../support/wait-for.js'
import { NOW, openDoor } from './open-door.js'

const DELIVERY = '019ad6f0-0000-7000-8d01-000000000001'
const CHROMIUM = '/usr/bin/chromium'
const NO_QUEUES: QueueBoard = { settings: () => Promise.resolve({}), ask: () => Promise.resolve(undefined) }

/** The api role of some processes of one service, as far as the board goes. */
async function openBoards(t: Test, processes: number, queues = NO_QUEUES, baseUrl = 'https://hub.test') {
  const { pool } = await createTestDatabase(t)
  const database = createDatabase(pool)
  const key = randomBytes(32)
  const clock = { now: NOW }
  const now = () => clock.now
  const doors = await Promise.all(
    Array.from({ length: processes }, async () => {
      const auditChainId = randomUUID()
      await database.stores.audit.openChain(auditChainId, 'test')
      const board = {
        queues,
        passes: createBoardPasses({ key, now }),
        entries: createBoardEntries({ database, auditChainId, now }),
        base: () => `${baseUrl}/FHIR/R4`
      }
      return openDoor(t, {
        now,
        opsRoutes: (app) => {
          registerOpsBoard(app, { board })
        }
      })
    })
  )
  const [door] = doors
  if (door === undefined) throw new Error('no process was asked for')
  const authorization = await door.bearer({ client: 'night-desk', scopes: ['ops/read'], permissions: [] })
  const ticket = async (): Promise<string> => {
    const answer = await door.server.inject({ method: 'POST', url: '/ops/board/tickets', headers: { authorization } })
    const { pathname, search } = new URL(answer.json<{ url: string }>().url)
    return `${pathname}${search}`
  }
  const open = async (): Promise<{ cookie: string; attributes: string }> => {
    const answer = await door.server.inject(await ticket())
    const [cookie = '', attributes = ''] = String(answer.headers['set-cookie']).split(/; (.*)/s)
    return { cookie, attributes }
  }
  return { door, doors, database, clock, authorization, ticket, open }
}

t.test(
  'only who may read operations gets a ticket, and it opens the board once, whichever process is asked',
  async (t) => {
    const { door, doors, database, ticket } = await openBoards(t, 3)
    const stranger = await door.bearer({ client: 'pharmacy', scopes: ['system/Immunization.cruds'] })
    const refused = await door.server.inject({
      method: 'POST',
      url: '/ops/board/tickets',
      headers: { authorization: stranger }
    })
    const nameless = await door.server.inject({ method: 'POST', url: '/ops/board/tickets' })
    t.same([refused.statusCode, nameless.statusCode], [403, 401])

    const url = await ticket()
    const head = await door.server.inject({ method: 'HEAD', url })
    const opened = await Promise.all([...doors, ...doors].map(({ server }) => server.inject(url)))

    t.equal(head.statusCode, 401, 'asking whether it is there uses nothing up')
    t.same(opened.map(({ statusCode }) => statusCode).sort(), [303, 401, 401, 401, 401, 401])
    t.match(opened.find(({ statusCode }) => statusCode === 401)?.json<object>(), {
      issue: [{ details: { coding: [{ code: 'board-ticket' }] } }]
    })
    const entries = await database.stores.ops.listAudit({ action: 'board' }, { limit: 10 })
    t.match(entries, [{ actor: 'night-desk', action: 'board.open' }])
    t.same(await database.stores.audit.findBrokenChains(), [])
    const secret = new URLSearchParams(url.split('?')[1]).get('ticket') ?? ''
    for (const { lines } of doors) t.notMatch(JSON.stringify(lines), secret, 'no log has it')
  }
)

t.test('a ticket is good for a minute, a session for half an hour, and neither stands in for the other', async (t) => {
  const { door, clock, ticket, open } = await openBoards(t, 1)
  const late = await ticket()
  const { cookie, attributes } = await open()
  const show = async (sent: string) =>
    (await door.server.inject({ url: '/ops/board', headers: { cookie: sent } })).statusCode
  const secret = new URLSearchParams((await ticket()).split('?')[1]).get('ticket') ?? ''

  t.equal(attributes, `Path=/ops/board; Max-Age=1800; HttpOnly; SameSite=Strict; Secure`)
  t.equal(await show(cookie), 200)
  t.equal(await show(`other=1; ${cookie}`), 200, 'among other cookies')
  t.equal(await show(`imms_board=${secret}`), 401, 'a ticket is no session')
  t.equal(await show(`${cookie}x`), 401)
  const session = await door.server.inject(`/ops/board/open?ticket=${cookie.replace('imms_board=', '')}`)
  t.equal(session.statusCode, 401, 'a session is no ticket')
  t.equal((await door.server.inject('/ops/board/open')).statusCode, 400)

  clock.now = new Date(NOW.getTime() + 71_000)
  t.equal((await door.server.inject(late)).statusCode, 401, 'a minute, and what clocks may differ')
  t.equal(await show(cookie), 200)
  clock.now = new Date(NOW.getTime() + 30 * 60_000 + 11_000)
  t.equal(await show(cookie), 401)
})

t.test('without TLS in front the cookie goes over HTTP', async (t) => {
  const { open } = await openBoards(t, 1, NO_QUEUES, 'http://127.0.0.1:8080')
  t.notMatch((await open()).attributes, 'Secure')
})

t.test('a session is good for nothing else, and without one there is nothing to see', async (t) => {
  const { door, open, authorization } = await openBoards(t, 1)
  const { cookie } = await open()
  for (const url of ['/ops/board', '/ops/board/', '/ops/board/api/queues', '/ops/board/static/favicon.ico']) {
    const answer = await door.server.inject(url)
    t.equal(answer.statusCode, 401, url)
    t.match(answer.json<object>(), { issue: [{ details: { coding: [{ code: 'board-session' }] } }] })
    t.equal((await door.server.inject({ url, headers: { authorization } })).statusCode, 401, 'a token is no session')
  }
  const elsewhere = await door.server.inject({ url: '/FHIR/R4/Immunization?_id=1', headers: { cookie } })
  t.equal(elsewhere.statusCode, 401)
  const another = await door.server.inject({ method: 'POST', url: '/ops/board/tickets', headers: { cookie } })
  t.equal(another.statusCode, 401, 'it opens no further sessions')
  for (const file of ['static/../index.ejs', 'static/%2e%2e/index.ejs', 'index.ejs', 'api', 'api/nothing', 'static/'])
    t.equal((await door.server.inject({ url: `/ops/board/${file}`, headers: { cookie } })).statusCode, 404, file)
})

async function openOn(t: Test, engine: QueueEngine, baseUrl?: string) {
  const queues = await openQueues(t, engine, ['gp-record', 'mns-event'], createTestLog())
  await waitFor(() => queues.isReady(), 'the queue to be ready')
  await queues.ring('gp-record', [DELIVERY], 1)
  return { queues, ...(await openBoards(t, 1, queues.board, baseUrl)) }
}

const CHANGES: [method: 'PUT' | 'POST' | 'PATCH' | 'DELETE', place: string][] = [
  ['PUT', 'api/queues/pause'],
  ['PUT', 'api/queues/gp-record/pause'],
  ['PUT', 'api/queues/gp-record/retry/failed'],
  ['PUT', 'api/queues/gp-record/clean/waiting'],
  ['PUT', 'api/queues/gp-record/empty'],
  ['PUT', 'api/queues/gp-record/obliterate'],
  ['POST', 'api/queues/gp-record/add'],
  ['PATCH', 'api/queues/gp-record/1/update-data'],
  ['DELETE', 'api/queues/gp-record']
]

t.test('the page and what it asks for are answered, and nothing can be changed', async (t) => {
  await forEachQueueEngine(t, async (t, engine) => {
    const { door, open, queues } = await openOn(t, engine)
    const { cookie } = await open()
    const get = (place: string) => door.server.inject({ url: `/ops/board/${place}`, headers: { cookie } })
    interface Shown {
      queues: {
        name: string
        readOnlyMode: boolean
        allowRetries: boolean
        counts: object
        jobs: { id: string; data: object }[]
      }[]
    }

    const shown = (await get('api/queues?activeQueue=gp-record&page=1&jobsPerPage=10&status=')).json<Shown>()
    const job = shown.queues[0]?.jobs[0]
    const page = await get('queue/gp-record')
    const places = ['redis/stats', 'job-schedulers', 'queues/gp-record/workers', `queues/gp-record/${job?.id}`]
    const answers = await Promise.all(places.map((place) => get(`api/${place}`)))

    t.match(shown.queues, [
      { name: 'gp-record', readOnlyMode: true, allowRetries: false, counts: { waiting: 1 } },
      { name: 'mns-event', readOnlyMode: true, allowRetries: false, counts: { waiting: 0 } }
    ])
    t.same(job?.data, { deliveryIds: [DELIVERY] }, 'ids and nothing else')
    t.equal(page.statusCode, 200)
    t.match(
      page.headers['content-security-policy'],
      /^default-src 'none'; script-src 'self'; style-src 'self' 'sha256-[^ ']+'; img-src/
    )
    t.notMatch(page.body, /https?:|<style|style=/, 'nothing from elsewhere')
    for (const [, file = ''] of page.body.matchAll(/(?:src|href)="(static\/[^"]+)"/g))
      t.equal((await get(file)).statusCode, 200, file)
    t.same(
      answers.map(({ statusCode }) => statusCode),
      [200, 200, 200, 200]
    )
    t.equal((await get('api/queues/nowhere/workers')).statusCode, 404)
    for (const [method, place] of CHANGES) {
      const answer = await door.server.inject({ method, url: `/ops/board/${place}`, headers: { cookie } })
      t.equal(answer.statusCode, 405, `${method} ${place}`)
      t.equal(answer.headers.allow, 'GET, HEAD, OPTIONS')
    }
    t.equal(await queues.isEmpty('gp-record'), false, 'the job still waits')
  })
})

t.test('while the queue is away the board says so', async (t) => {
  const { door, open } = await openBoards(t, 1, {
    ...NO_QUEUES,
    ask: () => Promise.reject(new Error('connection lost'))
  })
  const { cookie } = await open()
  const answer = await door.server.inject({ url: '/ops/board/api/queues', headers: { cookie } })
  t.equal(answer.statusCode, 503)
  t.match(answer.json<object>(), { issue: [{ details: { coding: [{ code: 'board-away' }] } }] })
})

t.test(
  'in a browser the address opens the board, which asks nobody but this service',
  { skip: existsSync(CHROMIUM) ? false : `left out: ${CHROMIUM} is not installed` },
  async (t) => {
    const { connection } = await createTestDatabase(t)
    const { door, ticket } = await openOn(t, { kind: 'postgres', connection })
    const url = await door.server.listen({ host: '127.0.0.1', port: 0 })
    const folder = mkdtempSync(path.join(tmpdir(), 'imms-browser-'))
    const browser = await chromium.launchPersistentContext(folder, {
      executablePath: CHROMIUM,
      headless: true,
      args: ['--no-sandbox', '--disable-gpu', '--disable-quic', '--no-first-run', '--disable-background-networking']
    })
    t.teardown(async () => {
      await browser.close()
      rmSync(folder, { recursive: true, force: true })
    })
    const page = await browser.newPage()
    const requested: string[] = []
    const faults: string[] = []
    page.on('request', (request) => requested.push(request.url()))
    page.on('response', (response) => {
      if (response.status() >= 400) faults.push(`${response.status()}: ${response.url()}`)
    })
    page.on('pageerror', (error) => faults.push(error.message))
    page.on('console', (message) => {
      if (message.type() === 'error') faults.push(message.text())
    })

    await page.goto(`${url}${await ticket()}`)
    await page.getByText('gp-record').first().waitFor()
    await page.goto(`${url}/ops/board/queue/gp-record?status=waiting`)
    await page.getByText(/ring/).first().waitFor()

    t.same(faults, [])
    t.same([...new Set(requested.filter((one) => !one.startsWith('data:')).map((one) => new URL(one).origin))], [url])
    t.notMatch(page.url(), 'ticket=')
  }
)
