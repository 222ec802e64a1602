// The inbox of our MESH mailbox: validating the mailbox, listing, downloading, acknowledging.
// Source: NHSDigital/mesh-sandbox (handlers/inbox.py, routers/handshake.py) and the MESH API pages, checked 2026-11-28.
import os from 'node:os'
import type { InboxFault, InboxPage } from '../inbox/inbox.js'
import type { HttpAnswer } from '../transport/http-transport.js'
import { readObject, readRefusal, type CallMailbox } from './mesh-answer.js'

/** MESH lists no more at once. */
const PAGE = 500

export interface MeshInboxMessage {
  type: 'DATA' | 'REPORT'
  workflowId: string
  sender: string
  localId?: string
  linkedMessageId?: string
  statusCode?: string
  statusSuccess?: string
  isPartial: boolean
  isCompressed: boolean
  content: string
}

export interface MeshInbox {
  validate(signal: AbortSignal): Promise<InboxFault | undefined>
  list(signal: AbortSignal, after?: string): Promise<InboxPage | InboxFault>
  fetch(
    messageId: string,
    signal: AbortSignal
  ): Promise<{ kind: 'fetched'; message: MeshInboxMessage } | { kind: 'gone' } | InboxFault>
  acknowledge(messageId: string, signal: AbortSignal): Promise<InboxFault | undefined>
}

export function createMeshInbox(mailboxUrl: string, call: CallMailbox): MeshInbox {
  const ask = async (
    what: string,
    request: { method: string; url: string; signal: AbortSignal },
    headers = {}
  ): Promise<{ kind: 'answer'; answer: HttpAnswer } | InboxFault> => {
    const result = await call(request, headers)
    if (result.kind === 'fault') return fault(what, result.fault.message)
    return result
  }
  const messageUrl = (messageId: string): string => `${mailboxUrl}/inbox/${encodeURIComponent(messageId)}`
  return {
    async validate(signal) {
      const asked = await ask('validating the mailbox', { method: 'GET', url: mailboxUrl, signal }, ABOUT_US)
      if (asked.kind === 'fault') return asked
      return isSuccess(asked.answer) ? undefined : refused('validating the mailbox', asked.answer)
    },
    async list(signal, after) {
      const what = 'listing the inbox'
      const query = after === undefined ? '' : `?continue_from=${encodeURIComponent(after)}`
      const asked = await ask(what, { method: 'GET', url: `${mailboxUrl}/inbox${query}`, signal })
      if (asked.kind === 'fault') return asked
      const { messages, links } = readObject(asked.answer)
      if (!isSuccess(asked.answer)) return refused(what, asked.answer)
      if (!Array.isArray(messages)) return fault(what, 'the answer cannot be read')
      const messageIds = messages.filter((id): id is string => typeof id === 'string')
      const next = readNext(links) ?? (messageIds.length >= PAGE ? messageIds.at(-1) : undefined)
      return { kind: 'listed', messageIds, ...optional('next', next === after ? undefined : next) }
    },
    async fetch(messageId, signal) {
      const what = 'downloading a message'
      const asked = await ask(what, { method: 'GET', url: messageUrl(messageId), signal })
      if (asked.kind === 'fault') return asked
      const { answer } = asked
      if (answer.status === 404 || answer.status === 410) return { kind: 'gone' }
      if (!isSuccess(answer)) return refused(what, answer)
      return answer.isComplete
        ? { kind: 'fetched', message: toMessage(answer) }
        : fault(what, 'the connection broke, or it is larger than any answer')
    },
    async acknowledge(messageId, signal) {
      const what = 'acknowledging a message'
      const asked = await ask(what, { method: 'PUT', url: `${messageUrl(messageId)}/status/acknowledged`, signal })
      if (asked.kind === 'fault') return asked
      // Gone: acknowledged before, and the answer was lost.
      const { status } = asked.answer
      return isSuccess(asked.answer) || status === 404 || status === 410 ? undefined : refused(what, asked.answer)
    }
  }
}

/**
 * Where the next page begins: version 2 of the API says so in a link, of which only the place is taken, never the address;
 * version 1 goes on after the last message of a full page.
 */
function readNext(links: unknown): string | undefined {
  if (typeof links !== 'object' || links === null || !('next' in links) || typeof links.next !== 'string')
    return undefined
  const query = links.next.slice(links.next.indexOf('?') + 1)
  return new URLSearchParams(query).get('continue_from') ?? undefined
}

/** MESH wants to know what runs a mailbox. */
const ABOUT_US = {
  'Mex-ClientVersion': 'immunisation-hub',
  'Mex-OSName': os.platform(),
  'Mex-OSVersion': os.release(),
  'Mex-OSArchitecture': os.arch()
}

function toMessage(answer: HttpAnswer): MeshInboxMessage {
  const header = (name: string): string | undefined => {
    const value = answer.headers[`mex-${name}`]
    return typeof value === 'string' && value !== '' ? value : undefined
  }
  return {
    type: header('messagetype')?.toUpperCase() === 'REPORT' ? 'REPORT' : 'DATA',
    workflowId: header('workflowid') ?? '',
    sender: header('from') ?? '',
    isPartial: answer.status === 206,
    isCompressed: header('content-compressed')?.toUpperCase() === 'Y' || answer.headers['content-encoding'] === 'gzip',
    content: answer.text,
    ...optional('localId', header('localid')),
    ...optional('linkedMessageId', header('linkedmsgid')),
    ...optional('statusCode', header('statuscode')),
    ...optional('statusSuccess', header('statussuccess')?.toUpperCase())
  }
}

function optional<Name extends string>(name: Name, value: string | undefined): { [Key in Name]?: string } {
  return (value === undefined ? {} : { [name]: value }) as { [Key in Name]?: string }
}

function isSuccess({ status }: HttpAnswer): boolean {
  return status >= 200 && status <= 299
}

/** MESH's own words about a mailbox name no patient; anything like a number is left out all the same. */
function refused(what: string, answer: HttpAnswer): InboxFault {
  const said = readRefusal(answer)
    .replace(/\d{6,}/g, '#')
    .slice(0, 200)
  return fault(what, said === '' ? `answered ${answer.status}` : `answered ${answer.status}: ${said}`)
}

function fault(what: string, message: string): InboxFault {
  return { kind: 'fault', message: `${what}: ${message}` }
}
