// What a receiver that was asked whether it holds a delivery has told, or not.
import type { ReadBack } from '../destination.js'
import type { CallResult } from '../nhs/call-with-token.js'

export const same: ReadBack = { kind: 'same' }

/** It gave no answer that tells what it holds. */
export function unknownAfter(result: CallResult<{ status: number }>): ReadBack {
  switch (result.kind) {
    case 'answer':
      return { kind: 'unknown', message: `the receiver answered ${result.answer.status}` }
    case 'fault':
      return { kind: 'unknown', message: result.fault.message }
    case 'no-token':
      return { kind: 'unknown', message: 'the receiver gave no access token' }
  }
}
