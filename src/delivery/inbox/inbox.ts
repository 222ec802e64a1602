// Where a receiver answers later: a mailbox of ours, into which somebody must look.

export interface Inbox {
  /** Between two looks. */
  readonly lookEveryMs: number
  /** The mailbox tells its server so often that it is still in use. */
  readonly validateEveryMs: number
  /** How long one request may take. */
  readonly timeoutMs: number
  validate(signal: AbortSignal): Promise<InboxFault | undefined>
  /** Oldest first; `hasMore` when there are others. */
  list(signal: AbortSignal): Promise<{ kind: 'listed'; messageIds: string[]; hasMore: boolean } | InboxFault>
  /** `gone` when somebody else has acknowledged it since. It stays in the mailbox. */
  fetch(messageId: string, signal: AbortSignal): Promise<FetchedMessage | { kind: 'gone' } | InboxFault>
  /** Takes it out of the mailbox: only what is safely kept. */
  acknowledge(messageId: string, signal: AbortSignal): Promise<InboxFault | undefined>
}

/** `message`: what failed, without a patient's data. */
export interface InboxFault {
  kind: 'fault'
  message: string
}

export interface FetchedMessage {
  kind: 'message'
  workflowId: string
  sender: string
  content: string
  says: LateAnswer | NotUnderstood
}

export interface LateAnswer {
  kind: 'answer'
  /** What the answer is about, in the order of trust. */
  about: { deliveryId?: string; messageId?: string }
  /** `transport`: the mail server gave it up. `infrastructure`: the other system could read it, or not. `business`: filed, or not. */
  level: 'transport' | 'infrastructure' | 'business'
  isPositive: boolean
  code: string
  /** In words, never a patient's data. */
  text: string
}

export interface NotUnderstood {
  kind: 'not-understood'
  because: string
}
