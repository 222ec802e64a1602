// Destinations that post the body to a local receiver which takes everything at once.
import { fork } from 'node:child_process'
import { once } from 'node:events'
import { fileURLToPath } from 'node:url'
import type { ConfiguredDestination } from '../../src/delivery/destination.js'
import { createHttpTransport } from '../../src/delivery/transport/http-transport.js'

export interface Sink {
  /** Posts one body; the end of the line of every case. */
  post(body: string, signal: AbortSignal): Promise<void>
  destinations: ConfiguredDestination[]
  /** Answered so far. */
  taken(): number
  /** This destination does not answer any more; undefined: all do. */
  hang(name: string | undefined): void
  /** Called when a destination has answered for a record. */
  onTaken: (name: string, recordId: string) => void
  close(): void
}

export const SINKS = ['sink-a', 'sink-b', 'sink-c'] as const

export async function openSink(concurrency: number, timeoutMs = 5_000): Promise<Sink> {
  const child = fork(fileURLToPath(new URL('./sink-process.ts', import.meta.url)), [], { stdio: 'inherit' })
  const { port } = await new Promise<{ port: number }>((resolve) =>
    child.once('message', (message) => {
      resolve(message as { port: number })
    })
  )
  const url = `http://127.0.0.1:${port}/`
  const transport = createHttpTransport({ maxSockets: concurrency * SINKS.length })
  let taken = 0
  let hanging: string | undefined
  const post = async (body: string, signal: AbortSignal): Promise<void> => {
    const headers = { 'content-type': 'application/fhir+json' }
    const { status } = await transport.send({ method: 'POST', url, headers, body, signal })
    if (status !== 201) throw new Error(`the sink answered ${status}`)
    taken++
  }
  const sink: Sink = {
    post,
    onTaken: () => undefined,
    destinations: SINKS.map((name) => ({
      name,
      kind: 'sink',
      sends: 'all',
      concurrency,
      timeoutMs,
      wants: () => true,
      async deliver({ body, recordId }, signal) {
        if (hanging === name) {
          await once(signal, 'abort')
          return { kind: 'unavailable', ambiguous: true, message: 'no answer' }
        }
        await post(body, signal)
        sink.onTaken(name, recordId)
        return { kind: 'delivered', status: 201 }
      },
      close: () => Promise.resolve()
    })),
    taken: () => taken,
    hang(name) {
      hanging = name
    },
    close() {
      transport.close()
      child.disconnect()
    }
  }
  return sink
}
