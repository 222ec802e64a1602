// What the receiver said after it took a delivery, in half a sentence, and where to look.
import type { StoryAcknowledgement, StoryDelivery } from '../storage/ops-record-queries.js'
import { moment } from './moment.js'

/** Goes on after "… reached gp-record at …". Empty for a receiver that answers at once. */
export function explainAcknowledgement({ destination, acknowledgement }: StoryDelivery): {
  words: string
  next: string[]
} {
  if (acknowledgement === null) return { words: '', next: [] }
  const { state, businessCode, reason } = acknowledgement
  const read = readWords(acknowledgement)
  switch (state) {
    case 'awaited':
      return { words: `; ${read}its acknowledgement is awaited${untilWords(acknowledgement)}`, next: [] }
    case 'positive':
      return { words: `, and was acknowledged as filed (${businessCode ?? 'no code'})`, next: [] }
    case 'negative':
      return { words: `, and was refused later: ${reason ?? 'no reason was recorded'}`, next: [] }
    case 'overdue':
      return {
        words: `; ${read}its acknowledgement is overdue${untilWords(acknowledgement, 'since')}`,
        next: isOpen(acknowledgement) ? [`imms inbox list --destination ${destination}`] : []
      }
  }
}

/** Overdue, and nobody has let it be. */
export function isOpen({ state, settledAt }: StoryAcknowledgement): boolean {
  return state === 'overdue' && settledAt === null
}

function readWords({ infrastructureCode }: StoryAcknowledgement): string {
  return infrastructureCode === null ? '' : `it could be read (${infrastructureCode}), `
}

function untilWords({ dueAt }: StoryAcknowledgement, word = 'until'): string {
  return dueAt === null ? '' : ` ${word} ${moment(new Date(dueAt))}`
}
