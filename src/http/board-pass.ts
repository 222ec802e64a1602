// How a browser proves who looks at the board: a ticket that is shown once, then a session. Signed with a key that all
// processes of the service share; neither is good for anything else.
import { randomUUID } from 'node:crypto'
import { errors, jwtVerify, SignJWT } from 'jose'

export interface BoardPass {
  id: string
  /** Who asked for the ticket. */
  client: string
}

export interface IssuedPass {
  text: string
  until: Date
  goodForSeconds: number
}

export interface BoardPasses {
  issue(kind: PassKind, client: string): Promise<IssuedPass>
  /** Undefined for anything that is not a pass of this kind, or no longer. */
  read(kind: PassKind, text: string): Promise<BoardPass | undefined>
}

type PassKind = keyof typeof GOOD_FOR_SECONDS

const GOOD_FOR_SECONDS = { ticket: 60, session: 30 * 60 } as const
/** The clocks of two processes. */
const CLOCK_TOLERANCE_SECONDS = 10
const ALGORITHM = 'HS256'

/** `key`: 32 bytes. */
export function createBoardPasses({ key, now }: { key: Uint8Array; now: () => Date }): BoardPasses {
  return {
    async issue(kind, client) {
      const issuedAt = Math.floor(now().getTime() / 1000)
      const goodForSeconds = GOOD_FOR_SECONDS[kind]
      const until = issuedAt + goodForSeconds
      const text = await new SignJWT()
        .setProtectedHeader({ alg: ALGORITHM })
        .setAudience(audienceOf(kind))
        .setSubject(client)
        .setJti(randomUUID())
        .setExpirationTime(until)
        .sign(key)
      return { text, until: new Date(until * 1000), goodForSeconds }
    },
    async read(kind, text) {
      try {
        const { payload } = await jwtVerify(text, key, {
          algorithms: [ALGORITHM],
          audience: audienceOf(kind),
          requiredClaims: ['sub', 'jti', 'exp'],
          clockTolerance: CLOCK_TOLERANCE_SECONDS,
          currentDate: now()
        })
        return { id: payload.jti ?? '', client: payload.sub ?? '' }
      } catch (error) {
        if (error instanceof errors.JOSEError) return undefined
        throw error
      }
    }
  }
}

function audienceOf(kind: PassKind): string {
  return `board-${kind}`
}
