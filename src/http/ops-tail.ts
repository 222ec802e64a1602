// Attempts as they end, as a stream of server-sent events (https://html.spec.whatwg.org/multipage/server-sent-events.html).
import { Readable } from 'node:stream'
import type { FastifyInstance, FastifyReply, FastifyRequest } from 'fastify'
import { OVERLAP_MS, type AttemptFeed } from '../delivery/attempt-feed.js'
import type { AttemptLine } from '../storage/ops-attempt-queries.js'
import { doorFault } from './door-fault.js'
import { checkTailQuery } from './ops-desk-schemas.js'
import { readQuery } from './ops-request.js'
import { rangeOf } from './ops-time-range.js'

export interface OpsTailDeps {
  feed: AttemptFeed
  now: () => Date
}

export function registerOpsTail(app: FastifyInstance, deps: OpsTailDeps): void {
  // A stream never ends by itself, and closing waits for what is in flight.
  app.addHook('preClose', (done) => {
    deps.feed.close()
    done()
  })
  app.get('/ops/attempts/stream', { exposeHeadRoute: false, config: { access: 'ops/read' } }, (request, reply) =>
    streamAttempts(request, reply, deps)
  )
}

async function streamAttempts(
  request: FastifyRequest,
  reply: FastifyReply,
  { feed, now }: OpsTailDeps
): Promise<FastifyReply> {
  const { destination, after } = readQuery(request, checkTailQuery)
  const lastId = request.headers['last-event-id']
  const resumed = typeof lastId === 'string' && lastId !== '' ? checkTailQuery({ after: lastId }).after : after
  const { since } = rangeOf(resumed === undefined ? {} : { since: resumed })
  const followed = feed.follow(since)
  if (followed === undefined)
    throw doorFault(
      503,
      'transient',
      'ops-streams-full',
      'this process serves as many streams as it may, or is about to end; try again, or ask GET /ops/attempts',
      { 'Retry-After': '5' }
    )
  reply.raw.once('close', () => {
    followed.leave()
  })
  // A watcher that reads slowly holds back its own generator, and nobody else.
  const events = Readable.from(
    toEvents(followed.attempts, since ?? new Date(now().getTime() - OVERLAP_MS), destination),
    {
      objectMode: false
    }
  )
  return reply
    .headers({
      'content-type': 'text/event-stream; charset=utf-8',
      'x-accel-buffering': 'no',
      // Its line ends with it: kept alive, it would keep a server that stops waiting.
      connection: 'close'
    })
    .send(events)
}

async function* toEvents(
  followed: AsyncIterable<readonly AttemptLine[]>,
  since: Date,
  destination: string | undefined
): AsyncGenerator<string> {
  // The answer begins at once. A client whose connection breaks comes back after a second, and misses nothing even where
  // nothing had ended before.
  yield `id: ${since.toISOString()}\nretry: 1000\n\n`
  for await (const attempts of followed) {
    const wanted = attempts.filter((attempt) => destination === undefined || attempt.destination === destination)
    if (wanted.length > 0) yield wanted.map(toEvent).join('')
    // Proxies cut what is silent; a comment is no event.
    else yield ': nothing ended\n\n'
  }
}

function toEvent(attempt: AttemptLine): string {
  return `id: ${attempt.endedAt.toISOString()}\ndata: ${JSON.stringify(attempt)}\n\n`
}
