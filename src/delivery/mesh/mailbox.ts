// Our MESH mailbox: putting a message into its outbox, asking what became of one, and what lies in its inbox.
// Source: NHSDigital/mesh-sandbox and the MESH API pages of NHS England, checked 2026-11-22.
import { randomUUID } from 'node:crypto'
import { TransportFault, type HttpAnswer, type HttpTransport } from '../transport/http-transport.js'
import { meshAuthorization, type MeshCredentials } from './authorization.js'
import { createMeshInbox, type MeshInbox } from './mailbox-inbox.js'
import { readObject, type CallMailbox, type MeshResult } from './mesh-answer.js'

export interface MeshMessage {
  /** A mailbox id, or an automatic routing address. */
  to: string
  workflowId: string
  /** Ours: the delivery. It finds the message again when the answer was lost. */
  localId: string
  fileName: string
  subject: string
  content: string
}

export interface Mailbox {
  send(message: MeshMessage, signal: AbortSignal): Promise<MeshResult>
  /** Answers 200 for one message, 300 for several, 404 for none. */
  track(localId: string, signal: AbortSignal): Promise<MeshResult>
  readonly inbox: MeshInbox
}

export function createMailbox(
  baseUrl: string,
  credentials: MeshCredentials,
  transport: HttpTransport,
  now: () => Date
): Mailbox {
  const mailboxUrl = `${baseUrl}/messageexchange/${encodeURIComponent(credentials.mailboxId)}`
  const outbox = `${mailboxUrl}/outbox`
  const ownHeaders = (): Record<string, string> => ({
    Authorization: meshAuthorization(credentials, randomUUID(), now()),
    Accept: 'application/json'
  })

  const call: CallMailbox = async (request, headers = {}) => {
    try {
      return {
        kind: 'answer',
        answer: await transport.send({ ...request, headers: { ...ownHeaders(), ...headers } })
      }
    } catch (error) {
      if (error instanceof TransportFault) return { kind: 'fault', fault: error }
      throw error
    }
  }

  return {
    inbox: createMeshInbox(mailboxUrl, call),
    send: (message, signal) =>
      call(
        { method: 'POST', url: outbox, body: message.content, signal },
        {
          'Content-Type': 'application/xml',
          'Mex-From': credentials.mailboxId,
          'Mex-To': message.to,
          'Mex-WorkflowID': message.workflowId,
          'Mex-LocalID': message.localId,
          'Mex-FileName': message.fileName,
          'Mex-Subject': message.subject
        }
      ),
    track: (localId, signal) =>
      call({ method: 'GET', url: `${outbox}/tracking/${encodeURIComponent(localId)}`, signal })
  }
}

/** The id MESH gave a message, from the answer to a send or to a tracking request; undefined when it is not in there. */
export function readMessageId(answer: HttpAnswer): string | undefined {
  const { messageID, messageId, message_id: snake } = readObject(answer)
  const id = messageID ?? messageId ?? snake
  return typeof id === 'string' && id !== '' ? id : undefined
}

/** True when MESH itself gave the message up (for example an unknown recipient): it can and must be sent again. */
export function wasGivenUp(answer: HttpAnswer): boolean {
  return readObject(answer)['statusSuccess'] === 'ERROR'
}
