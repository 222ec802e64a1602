// Bull Board below /ops/board: the queues in a browser, to read only. A browser sends no token, so that a caller with
// ops/read asks for a ticket, which opens a session once: a cookie that is good for reading below /ops/board only.
import type { FastifyInstance, FastifyReply, FastifyRequest } from 'fastify'
import type { BoardEntries } from '../delivery/board-entries.js'
import type { Caller } from '../fhir/caller.js'
import type { QueueBoard } from '../queue/queue-board.js'
import { BOARD_PATH, BOARD_SECURITY_POLICY, readBoardPage, type BoardPage } from './board-page.js'
import type { BoardPasses } from './board-pass.js'
import { doorFault } from './door-fault.js'
import type { BoardTicketAnswer } from './ops-answers.js'
import { readQuery, refuseQuery } from './ops-request.js'
import { checkBoardOpenQuery } from './ops-desk-schemas.js'
import { parseParameters, queryOf } from './parse-parameters.js'
import { callerOf } from './route.js'
import { sendTagged } from './tagged-answer.js'
import { notThere } from './unmatched.js'

export interface OpsBoardDeps {
  board: {
    queues: QueueBoard
    passes: BoardPasses
    entries: BoardEntries
    /** Where callers reach the service. */
    base: () => string
  }
}

const COOKIE = 'imms_board'
/** Places of the page itself, which its address line shows. */
const VIEW = /^(|queue\/[^/]+(\/[^/]+)?|job-schedulers|metrics-history)$/

export function registerOpsBoard(app: FastifyInstance, { board }: OpsBoardDeps): void {
  const page = readBoardPage()
  const session = {
    config: { access: 'ops/read', authenticate: (request: FastifyRequest) => readSession(request, board) }
  } as const
  app.post(`${BOARD_PATH}/tickets`, { config: { access: 'ops/read' } }, async (request): Promise<BoardTicketAnswer> => {
    refuseQuery(request)
    const { text, until } = await board.passes.issue('ticket', callerOf(request).client)
    return { url: new URL(`${BOARD_PATH}/open?ticket=${text}`, board.base()).href, until }
  })
  // Whoever only asks whether it is there (HEAD) does not use the ticket up.
  app.get(`${BOARD_PATH}/open`, { exposeHeadRoute: false, config: { access: 'open' } }, (request, reply) =>
    openSession(request, reply, board)
  )
  app.get(BOARD_PATH, session, async (_request, reply) => sendPage(reply, page, board))
  app.get(`${BOARD_PATH}/*`, session, async (request, reply) => {
    const { '*': place } = request.params as { '*': string }
    if (VIEW.test(place)) return sendPage(reply, page, board)
    if (place.startsWith('api/')) return askQueues(request, reply, place, board.queues)
    const file = page.file(place)
    if (file === undefined) throw notThere('')
    return sendTagged(request, reply, file)
  })
}

async function sendPage(
  reply: FastifyReply,
  page: BoardPage,
  { queues }: OpsBoardDeps['board']
): Promise<FastifyReply> {
  const { type, body } = page.page(await queues.settings())
  return reply.headers({ 'content-type': type, 'content-security-policy': BOARD_SECURITY_POLICY }).send(body)
}

async function askQueues(
  request: FastifyRequest,
  reply: FastifyReply,
  place: string,
  queues: QueueBoard
): Promise<FastifyReply> {
  const query = Object.fromEntries(parseParameters(queryOf(request.url)).map(({ name, value }) => [name, value]))
  const answer = await queues.ask(`/${place}`, query).catch((cause: unknown) => {
    const text = 'the queue does not answer; deliveries wait until it does: imms doctor says more'
    throw doorFault(503, 'transient', 'board-away', text, {}, { cause })
  })
  if (answer === undefined) throw notThere('')
  return reply.code(answer.status).type('application/json; charset=utf-8').send(answer.body)
}

async function openSession(
  request: FastifyRequest,
  reply: FastifyReply,
  { passes, entries, base }: OpsBoardDeps['board']
): Promise<FastifyReply> {
  const ticket = await passes.read('ticket', readQuery(request, checkBoardOpenQuery).ticket)
  if (ticket === undefined || !(await entries.open(ticket)))
    throw unauthenticated('board-ticket', 'the ticket was used before, or is older than a minute')
  request.logged['client'] = ticket.client
  const { text, goodForSeconds } = await passes.issue('session', ticket.client)
  const attributes = [`Path=${BOARD_PATH}`, `Max-Age=${goodForSeconds}`, 'HttpOnly', 'SameSite=Strict']
  // The service may stand behind what ends TLS: its base URL says how browsers see it.
  if (base().startsWith('https:')) attributes.push('Secure')
  return reply.header('set-cookie', [`${COOKIE}=${text}`, ...attributes].join('; ')).redirect(BOARD_PATH, 303)
}

/** @throws FhirError 401 without a session that is still good */
async function readSession({ headers }: FastifyRequest, { passes }: OpsBoardDeps['board']): Promise<Caller> {
  const sent = (headers.cookie ?? '').split(/; */).find((pair) => pair.startsWith(`${COOKIE}=`))
  const pass = sent === undefined ? undefined : await passes.read('session', sent.slice(COOKIE.length + 1))
  if (pass === undefined) throw unauthenticated('board-session', 'there is no session, or it has ended')
  return { client: pass.client, scopes: new Set(['ops/read']), permissions: new Map(), changedResend: 'conflict' }
}

function unauthenticated(rule: string, why: string): Error {
  return doorFault(401, 'login', rule, `${why}; imms board prints an address that opens the board once`, {
    'WWW-Authenticate': 'Bearer realm="immunisation-hub"'
  })
}
