// imms tail over a connection that breaks.
import { createServer, type ServerResponse } from 'node:http'
import type { AddressInfo } from 'node:net'
import t from 'tap'
import type { Test } from 'tap'
import { waitFor } from '../support/wait-for.js'
import { createRunner } from './open-ops.js'

const ATTEMPT = {
  deliveryId: '019ad6f0-0000-7000-8d01-000000000001',
  destination: 'gp-record',
  recordId: '019ad6f0-0000-7000-8d01-000000000002',
  version: 1,
  operation: 'create',
  triggeredBy: 'schedule',
  worker: 'w',
  startedAt: '2026-11-02T09:00:00.000Z',
  outcome: 'delivered',
  status: 201,
  message: null
}

function eventOf(epoch: number): string {
  const endedAt = `2026-11-02T09:00:0${epoch}.000Z`
  return `id: ${endedAt}\ndata: ${JSON.stringify({ ...ATTEMPT, epoch, endedAt })}\n\n`
}

/** Each connection is answered by the next of the answers; `resumed` holds what they asked to go on after. */
async function openStreams(t: Test, ...answers: ((response: ServerResponse) => void)[]) {
  const resumed: (string | undefined)[] = []
  const server = createServer((request, response) => {
    const answer = answers[resumed.length]
    resumed.push(request.headers['last-event-id'] as string | undefined)
    if (answer === undefined) response.writeHead(500).end()
    else answer(response)
  })
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve))
  t.teardown(() => {
    server.closeAllConnections()
    server.close()
  })
  const { port } = server.address() as AddressInfo
  return { imms: createRunner({ url: `http://127.0.0.1:${port}`, token: 't' }), resumed }
}

const begin = (response: ServerResponse, text: string): void => {
  response.writeHead(200, { 'content-type': 'text/event-stream' }).write(text)
}

t.test('tail goes on where it was, shows nothing twice, and ends with Ctrl-C', async (t) => {
  const { imms, resumed } = await openStreams(
    t,
    // Cut before anything ended, then in the middle of an event, then refused for a while, then ended by the service.
    (response) => {
      begin(response, 'id: 2026-11-02T09:00:00.000Z\nretry: 1000\n\n')
      setImmediate(() => response.destroy())
    },
    (response) => {
      begin(response, `${eventOf(1)}${eventOf(2)}${eventOf(3).slice(0, 40)}`)
      setImmediate(() => response.destroy())
    },
    (response) => response.writeHead(503).end(),
    (response) => {
      begin(response, `: nothing ended\n\n${eventOf(1)}${eventOf(2)}${eventOf(3)}`)
      response.end()
    },
    (response) => {
      begin(response, eventOf(4))
    }
  )

  const { code, stdout, stderr } = await imms(['tail', '--json'], {
    onWatch: async (shown) => !(await waitFor(() => shown().trim().split('\n').length === 4, 'four attempts'))
  })

  t.equal(code, 0)
  const epochs = stdout
    .trim()
    .split('\n')
    .map((line) => (JSON.parse(line) as { epoch: number }).epoch)
  t.same(epochs, [1, 2, 3, 4])
  t.same(resumed, [
    undefined,
    '2026-11-02T09:00:00.000Z',
    '2026-11-02T09:00:02.000Z',
    '2026-11-02T09:00:02.000Z',
    '2026-11-02T09:00:03.000Z'
  ])
  t.match(stderr, 'the service answered 503; trying again')
})

t.test('tail ends with what refuses it, and with a service that is not there', async (t) => {
  const { imms } = await openStreams(t, (response) => response.writeHead(403).end('{}'))
  t.equal((await imms(['tail'], { onWatch: () => new Promise(() => undefined) })).code, 3)
  const nowhere = createRunner({ url: 'http://127.0.0.1:1', token: 't' })
  t.equal((await nowhere(['tail'], { onWatch: () => new Promise(() => undefined) })).code, 1)
})
