// A receiver that cannot be had, or is not who it should be: nothing was sent, so there is no doubt, and it is an outage.
import { createServer } from 'node:https'
import type { AddressInfo } from 'node:net'
import t from 'tap'
import type { Test } from 'tap'
import { createHttpTransport, type TlsOptions } from '../../src/delivery/transport/http-transport.js'
import { selfSign, type SelfSigned } from '../support/self-signed.js'
import { NHS_NUMBER } from './synthetic.js'

const YEAR_MS = 365 * 86_400_000
const sound = selfSign('localhost', new Date(Date.now() + YEAR_MS))
const expired = selfSign('localhost', new Date(Date.now() - 86_400_000))
const another = selfSign('receiver.example', new Date(Date.now() + YEAR_MS))

/** What becomes of a request to a server with this certificate, and how many requests that server was sent. */
async function ask(t: Test, certificate: SelfSigned, tls: TlsOptions) {
  let asked = 0
  const server = createServer(certificate, (_request, response) => {
    asked += 1
    response.end('{}')
  })
  await new Promise<void>((resolve) => server.listen(0, 'localhost', resolve))
  const transport = createHttpTransport({ maxSockets: 1, tls })
  t.teardown(() => {
    transport.close()
    server.closeAllConnections()
    server.close()
  })
  const { port } = server.address() as AddressInfo
  const answer = transport.send({
    method: 'PUT',
    url: `https://localhost:${port}/?identifier=${NHS_NUMBER}`,
    headers: {},
    body: '{}',
    signal: AbortSignal.timeout(5_000)
  })
  return { answer, asked: () => asked }
}

t.test('a receiver whose certificate is sound is sent to', async (t) => {
  const { answer, asked } = await ask(t, sound, { ca: sound.cert })
  t.match(await answer, { status: 200 })
  t.equal(asked(), 1)
})

const faults: [what: string, certificate: SelfSigned, ca: string | undefined, code: string][] = [
  ['has expired', expired, expired.cert, 'CERT_HAS_EXPIRED'],
  ['is for another host', another, another.cert, 'ERR_TLS_CERT_ALTNAME_INVALID'],
  ['was issued by nobody we trust', sound, undefined, 'DEPTH_ZERO_SELF_SIGNED_CERT']
]
for (const [what, certificate, ca, code] of faults)
  t.test(`a receiver whose certificate ${what} is sent nothing, and there is no doubt about it`, async (t) => {
    const { answer, asked } = await ask(t, certificate, ca === undefined ? {} : { ca })
    await t.rejects(answer, { mayHaveArrived: false, message: `not connected (${code})` })
    t.equal(asked(), 0)
  })

t.test(
  'a receiver whose name is not known is sent nothing, and the fault does not say whom we asked for',
  async (t) => {
    const transport = createHttpTransport({ maxSockets: 1 })
    t.teardown(() => {
      transport.close()
    })
    const answer = transport.send({
      method: 'GET',
      url: `https://receiver.invalid/?identifier=${NHS_NUMBER}`,
      headers: {},
      signal: AbortSignal.timeout(10_000)
    })
    await t.rejects(answer, { mayHaveArrived: false, message: /^not connected \((ENOTFOUND|EAI_AGAIN)\)$/ })
  }
)
