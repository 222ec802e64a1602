// Where a receiver answers later: a mailbox of ours, into which somebody must look.

export interface Inbox {
  /** Between two looks. */
  readonly lookEveryMs: number
  /** The mailbox tells its server so often that it is still in use. */
  readonly validateEveryMs: number
  /** How long one request may take. */
  readonly timeoutMs: number
  validate(signal: AbortSignal): Promise<InboxFault | undefined>
  /**
   * A page of the mailbox, oldest first; `next` gives the page after it, and is undefined on the last. A place in the list
   * holds only while the messages of its page stay in the mailbox.
   */
  list(signal: AbortSignal, after?: string): Promise<InboxPage | InboxFault>
  /** `gone` when somebody else has acknowledged it since. It stays in the mailbox. */
  fetch(messageId: string, signal: AbortSignal): Promise<FetchedMessage | { kind: 'gone' } | InboxFault>
  /** Takes it out of the mailbox: only what is safely kept. */
  acknowledge(messageId: string, signal: AbortSignal): Promise<InboxFault | undefined>
}

export interface InboxPage {
  kind: 'listed'
  messageIds: string[]
  next?: string
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
