// Which heads a group must read and lock before anything is decided.
import type { Judged, JudgedSubmission } from './judge.js'
import type { IdentifierCriterion, Submission } from './submission.js'

export interface WantedHeads {
  identifiers: { system: string; value: string }[]
  /** Of conditions that name no system. */
  values: { owner: string; value: string }[]
  recordIds: string[]
}

export function wantedHeads(items: readonly JudgedSubmission[]): WantedHeads {
  const wanted: WantedHeads = { identifiers: [], values: [], recordIds: [] }
  for (const item of items) {
    const { submission } = item
    const criterion = criterionOf(submission)
    if (criterion !== undefined) {
      const { system, value } = criterion
      if (system === undefined) wanted.values.push({ owner: submission.caller.client, value })
      else wanted.identifiers.push({ system, value })
    }
    const recordId = recordIdOf(submission)
    const judged = judgedOf(item)
    if (recordId !== undefined) wanted.recordIds.push(recordId)
    else if (judged !== undefined) wanted.identifiers.push(judged.facts.identifier)
  }
  return wanted
}

/** Undefined for what was refused, and for what is judged later or not at all. */
export function judgedOf({ judgement }: JudgedSubmission): Judged | undefined {
  return judgement?.kind === 'sound' ? judgement.judged : undefined
}

function criterionOf(submission: Submission): IdentifierCriterion | undefined {
  switch (submission.kind) {
    case 'create':
      return submission.ifNoneExist
    case 'conditional-update':
      return submission.criterion
    case 'patch':
      return 'criterion' in submission.target ? submission.target.criterion : undefined
    case 'update':
    case 'delete':
      return undefined
  }
}

function recordIdOf(submission: Submission): string | undefined {
  if (submission.kind === 'patch') return 'recordId' in submission.target ? submission.target.recordId : undefined
  return submission.kind === 'update' || submission.kind === 'delete' ? submission.recordId : undefined
}
