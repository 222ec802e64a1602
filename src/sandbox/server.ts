// One small HTTP server that plays the receivers, keeps what arrives and has the faults it is told to have.
// For evaluation, demonstration and tests: it listens on this machine only.
import http from 'node:http'
import type { AddressInfo } from 'node:net'
import { createHandler, type Handle, type SandboxSeed } from './handler.js'
import { createSandboxKeys, type SandboxKeys } from './keys.js'
import type { SandboxReply } from './receiver.js'

export interface SandboxOptions {
  /** 0, the default, takes any free port. */
  port?: number
  host?: '127.0.0.1'
  now?: () => Date
  keys?: SandboxKeys
  seed?: SandboxSeed
}

export interface Sandbox {
  url: string
  keys: SandboxKeys
  close(): Promise<void>
}

export async function startSandbox(options: SandboxOptions = {}): Promise<Sandbox> {
  const { port = 0, host = '127.0.0.1', now = () => new Date(), keys = createSandboxKeys(), seed } = options
  let url = ''
  const handle = createHandler(keys, seed, () => url, now)
  const server = http.createServer((incoming, outgoing) => {
    void serve(incoming, outgoing, handle)
  })
  // The default of 5 s meets a caller's next request on a crowded machine: a broken line that nobody asked for.
  server.keepAliveTimeout = 65_000
  await new Promise<void>((resolve, reject) => {
    server.once('error', reject)
    server.listen(port, host, resolve)
  })
  url = `http://${host}:${(server.address() as AddressInfo).port}`
  return {
    url,
    keys,
    close: () =>
      new Promise((resolve) => {
        server.close(() => {
          resolve()
        })
        server.closeAllConnections()
      })
  }
}

async function serve(incoming: http.IncomingMessage, outgoing: http.ServerResponse, handle: Handle): Promise<void> {
  const closed = new AbortController()
  outgoing.on('close', () => {
    closed.abort()
  })
  try {
    const chunks: Buffer[] = []
    for await (const chunk of incoming) chunks.push(chunk as Buffer)
    const { pathname, searchParams } = new URL(incoming.url ?? '/', 'http://sandbox')
    const { method = 'GET', headers } = incoming
    const body = Buffer.concat(chunks).toString('utf8')
    const reply = await handle({ method, path: pathname, query: searchParams, headers, body }, closed.signal)
    answer(incoming, outgoing, reply)
  } catch {
    // The caller broke off, or a receiver has a bug; either way there is nobody to explain it to.
    if (!outgoing.headersSent) outgoing.writeHead(500)
    outgoing.end()
  }
}

function answer(incoming: http.IncomingMessage, outgoing: http.ServerResponse, reply: SandboxReply): void {
  const { ending, status, headers, body } = reply
  if (ending === 'reset') {
    incoming.socket.resetAndDestroy()
    return
  }
  if (ending === undefined) {
    outgoing.writeHead(status, headers)
    outgoing.end(body)
    return
  }
  // More is promised than comes.
  const promised = body ?? '{}'
  outgoing.writeHead(status, { ...headers, 'Content-Length': Buffer.byteLength(promised) + 1 })
  outgoing.write(promised.slice(0, Math.ceil(promised.length / 2)))
  incoming.socket.destroySoon()
}
