// One call to a receiver that wants a bearer token, and what came of it.
import type { DeliveryOutcome } from '../destination.js'
import type { CallTrace } from '../transport/http-destination.js'
import { TransportFault } from '../transport/http-transport.js'
import type { TokenSource } from './token-source.js'

/** An answer, a fault of the line, or no token to call with. */
export type CallResult<Answer> =
  | { kind: 'answer'; answer: Answer }
  | { kind: 'fault'; fault: TransportFault }
  | { kind: 'no-token'; outcome: DeliveryOutcome }

/** One call; after a 401 once more with a new token, where there is one. Each takes a turn of its own. */
export async function callWithToken<Answer extends { status: number }>(
  tokens: TokenSource,
  trace: Pick<CallTrace, 'signal' | 'takeTurn'>,
  send: (authorization: string) => Promise<Answer>
): Promise<CallResult<Answer>> {
  let refused: string | undefined
  let last: CallResult<Answer> | undefined
  for (;;) {
    const granted = await unlessAborted(tokens.token(refused), trace.signal)
    if (granted === undefined) return { kind: 'fault', fault: new TransportFault(false, 'aborted', 'before sending') }
    if (granted.kind === 'none') return { kind: 'no-token', outcome: granted.outcome }
    if (last !== undefined && granted.token === refused) return last
    await trace.takeTurn()
    last = await settleCall(send(`Bearer ${granted.token}`))
    if (last.kind !== 'answer' || last.answer.status !== 401 || refused !== undefined) return last
    refused = granted.token
  }
}

/** What came of a call that needs no token. */
export async function settleCall<Answer>(call: Promise<Answer>): Promise<CallResult<Answer>> {
  try {
    return { kind: 'answer', answer: await call }
  } catch (error) {
    if (error instanceof TransportFault) return { kind: 'fault', fault: error }
    throw error
  }
}

/** The shared request for a token goes on; this caller stops waiting for it. */
function unlessAborted<Value>(pending: Promise<Value>, signal: AbortSignal): Promise<Value | undefined> {
  return new Promise((resolve, reject) => {
    const stop = (): void => {
      resolve(undefined)
    }
    if (signal.aborted) stop()
    signal.addEventListener('abort', stop, { once: true })
    pending.then(resolve, reject).finally(() => {
      signal.removeEventListener('abort', stop)
    })
  })
}
