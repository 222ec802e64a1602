// A MESH server with two mailboxes: ours, and the one of a practice that routed messages arrive in and that answers them.
// Source: NHSDigital/mesh-sandbox and the MESH API pages of NHS England, checked 2026-11-22.
import { createHmac, randomUUID, timingSafeEqual } from 'node:crypto'
import type { SandboxKeys } from './keys.js'
import { practiceAnswers, PRACTICE_DEFAULTS, type PracticeAnswer, type PracticeSetting } from './practice-answers.js'
import { jsonAnswer, type Receiver, type SandboxAnswer, type SandboxRequest } from './receiver.js'

const PATH = /^\/messageexchange\/([A-Za-z0-9]+)(?:\/(outbox|inbox)(?:\/(.+))?)?$/
/** MESH lists no more at once. */
const PAGE = 500
/** The clocks of sender and server may differ by this much. */
const CLOCK_TOLERANCE_MS = 2 * 3_600_000

export interface MeshReceiver extends Receiver {
  /** How the practice answers what it gets from now on. */
  setPractice(setting: PracticeSetting): void
}

interface HeldMessage extends PracticeAnswer {
  messageId: string
  from: string
  to: string
  workflowId: string
  localId: string
  fileName: string
  subject: string
  isAcknowledged: boolean
  /** Of a report: the message it is about. */
  linkedMessageId?: string
  /** In the inbox from then on. */
  fromMs: number
}

export function createMeshReceiver(keys: SandboxKeys['mesh'], now: () => Date): MeshReceiver {
  let practice = PRACTICE_DEFAULTS
  const messages: HeldMessage[] = []
  const usedNonces = new Set<string>()
  const passwords = new Map([
    [keys.mailboxId, keys.mailboxPassword],
    [keys.practice.mailboxId, keys.practice.mailboxPassword]
  ])

  function isAuthorised(mailboxId: string, authorization: string): boolean {
    const match = /^NHSMESH ([^:]+):([^:]+):(\d+):(\d{12}):([0-9a-f]{64})$/.exec(authorization)
    const password = passwords.get(mailboxId)
    if (match === null || password === undefined) return false
    const [, claimed = '', nonce = '', count = '', minute = '', hash = ''] = match
    const expected = createHmac('sha256', keys.sharedKey)
      .update([mailboxId, nonce, count, password, minute].join(':'))
      .digest()
    const isRight = claimed === mailboxId && timingSafeEqual(expected, Buffer.from(hash, 'hex'))
    if (!isRight || usedNonces.has(`${nonce}:${count}`) || !isAboutNow(minute)) return false
    usedNonces.add(`${nonce}:${count}`)
    return true
  }

  function isAboutNow(minute: string): boolean {
    const [, year, month, day, hour, minutes] = /^(\d{4})(\d{2})(\d{2})(\d{2})(\d{2})$/.exec(minute) ?? []
    const at = Date.parse(`${year ?? ''}-${month ?? ''}-${day ?? ''}T${hour ?? ''}:${minutes ?? ''}:00Z`)
    return Math.abs(now().getTime() - at) < CLOCK_TOLERANCE_MS
  }

  function send(from: string, request: SandboxRequest): SandboxAnswer {
    const header = (name: string): string => String(request.headers[name] ?? '')
    if (header('mex-to') === '') return refusal(400, '08', 'TO_DTS missing')
    const to = header('mex-to').startsWith('GPPROVIDER_') ? keys.practice.mailboxId : header('mex-to')
    if (!passwords.has(to)) return refusal(417, '12', 'Unregistered to address')
    const workflowId = header('mex-workflowid')
    if (!keys.workflowIds.includes(workflowId)) return refusal(417, '17', 'Workflow ID not registered for mailbox')
    if (request.body === '') return refusal(417, '02', 'Data file is missing or inaccessible.')
    const message: HeldMessage = {
      type: 'DATA',
      messageId: newMessageId(),
      from,
      to,
      workflowId,
      localId: header('mex-localid'),
      fileName: header('mex-filename'),
      subject: header('mex-subject'),
      content: request.body,
      isAcknowledged: false,
      fromMs: now().getTime()
    }
    messages.push(message)
    if (to === keys.practice.mailboxId) answerFromPractice(message)
    const effect = { ...recordOf(message.content), applied: true }
    return { ...jsonAnswer(202, { messageID: message.messageId }), effect }
  }

  function answerFromPractice({ messageId, from, to, workflowId, localId, content }: HeldMessage): void {
    const headerId = /<MessageHeader>\s*<id value="([^"]*)"\/>/.exec(content)?.[1] ?? ''
    for (const answer of practiceAnswers(practice, headerId)) {
      const isReport = answer.type === 'REPORT'
      messages.push({
        ...answer,
        messageId: newMessageId(),
        from: isReport ? '' : to,
        to: from,
        workflowId: isReport ? workflowId : `${workflowId}_ACK`,
        localId: isReport ? localId : randomUUID(),
        fileName: '',
        subject: '',
        isAcknowledged: false,
        fromMs: now().getTime() + practice.delayMs,
        ...(isReport ? { linkedMessageId: messageId } : {})
      })
    }
  }

  function track(from: string, localId: string): SandboxAnswer {
    const [message, ...others] = messages.filter((held) => held.from === from && held.localId === localId)
    if (message === undefined) return { status: 404 }
    if (others.length > 0) return { status: 300 }
    return jsonAnswer(200, {
      messageId: message.messageId,
      localId,
      workflowId: message.workflowId,
      status: message.isAcknowledged ? 'Acknowledged' : 'Accepted',
      statusSuccess: 'SUCCESS'
    })
  }

  function inbox(mailboxId: string, { method, query }: SandboxRequest, rest: string | undefined): SandboxAnswer {
    const waiting = messages.filter(
      (held) => held.to === mailboxId && !held.isAcknowledged && held.fromMs <= now().getTime()
    )
    if (rest === undefined) {
      const start = waiting.findIndex((held) => held.messageId === query.get('continue_from')) + 1
      return jsonAnswer(200, { messages: waiting.slice(start, start + PAGE).map((held) => held.messageId) })
    }
    const [messageId, ...action] = rest.split('/')
    const message = waiting.find((held) => held.messageId === messageId)
    if (message === undefined) return refusal(404, '20', 'Message does not exist')
    if (method === 'PUT' && action.join('/') === 'status/acknowledged') {
      message.isAcknowledged = true
      return jsonAnswer(200, { messageId })
    }
    return { status: 200, headers: inboxHeaders(message), body: message.content }
  }

  return {
    isWrite: ({ method }) => method !== 'GET',
    journalPath: ({ path }) => path,
    isHousekeeping: ({ path }) => {
      const [, mailboxId, box] = PATH.exec(path) ?? []
      return mailboxId === keys.mailboxId && box !== 'outbox'
    },
    setPractice: (setting) => {
      practice = setting
    },
    // What was sent; the answers of the practice are its own.
    holdings: () => messages.filter(({ to }) => to !== keys.mailboxId),
    fail: (fault) => FAULTS[fault],
    answer(request) {
      const [, mailboxId = '', box, rest] = PATH.exec(request.path) ?? []
      if (mailboxId === '') return { status: 404 }
      if (!isAuthorised(mailboxId, request.headers.authorization ?? '')) return FAULTS.credentials
      if (box === undefined) return jsonAnswer(200, { mailboxId })
      if (box === 'inbox') return inbox(mailboxId, request, rest)
      if (request.method === 'POST' && rest === undefined) return send(mailboxId, request)
      const localId = /^tracking\/(.+)$/.exec(rest ?? '')?.[1]
      return request.method === 'GET' && localId !== undefined ? track(mailboxId, localId) : { status: 405 }
    }
  }
}

const FAULTS = {
  down: jsonAnswer(503, { message: 'An internal error occurred.' }),
  limited: jsonAnswer(429, { message: 'Too many requests' }),
  refuse: refusal(417, '17', 'Workflow ID not registered for mailbox'),
  credentials: jsonAnswer(403, { errorDescription: 'Mailbox id does not match token' })
}

function newMessageId(): string {
  return randomUUID().replaceAll('-', '').toUpperCase()
}

function inboxHeaders(message: HeldMessage): Record<string, string> {
  const { type, messageId, workflowId, from, to, localId, linkedMessageId, statusCode } = message
  return {
    'Content-Type': 'application/xml',
    'Mex-MessageType': type,
    'Mex-MessageID': messageId,
    'Mex-WorkflowID': workflowId,
    'Mex-From': from,
    'Mex-To': to,
    'Mex-LocalID': localId,
    'Mex-StatusSuccess': type === 'REPORT' ? 'ERROR' : 'SUCCESS',
    ...(linkedMessageId === undefined ? {} : { 'Mex-LinkedMsgID': linkedMessageId }),
    ...(statusCode === undefined ? {} : { 'Mex-StatusCode': statusCode })
  }
}

function refusal(status: number, errorCode: string, errorDescription: string): SandboxAnswer {
  return jsonAnswer(status, { errorEvent: 'SEND', errorCode, errorDescription })
}

/** Which record the message is about: the business identifier of its Immunization, and the version of its Composition. */
function recordOf(content: string): { recordKey: string; version?: string; lotNumber?: string } {
  const immunization = /<Immunization>.*?<\/Immunization>/s.exec(content)?.[0] ?? ''
  const [, system = '', value = ''] =
    /<identifier>\s*<system value="([^"]*)"\/>\s*<value value="([^"]*)"\/>/.exec(immunization) ?? []
  const version = /<Composition>.*?<versionId value="(\d+)"\/>/s.exec(content)?.[1]
  const lotNumber = /<lotNumber value="([^"]*)"\/>/.exec(immunization)?.[1]
  return {
    recordKey: `${system}#${value}`,
    ...(version === undefined ? {} : { version }),
    ...(lotNumber === undefined ? {} : { lotNumber })
  }
}
