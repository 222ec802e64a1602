// Why a decision on a pair, or its undoing, is not done. Thrown, because the transaction must be rolled back.

export type ReviewRefusal =
  | 'unknown-pair'
  | 'unknown-decision'
  | 'pair-decided'
  | 'choice-unfit'
  | 'pair-separated'
  | 'patients-differ'
  | 'decision-undone'
  | 'records-busy'

export class ReviewRefused extends Error {
  constructor(
    readonly why: ReviewRefusal,
    message: string
  ) {
    super(message)
    this.name = 'ReviewRefused'
  }
}
