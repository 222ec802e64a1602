// Why a merge, or its undoing, is not done. Thrown, because the transaction must be rolled back.

export type MergeRefusal =
  | 'merge-into-itself'
  | 'already-merged'
  | 'merge-in-a-circle'
  | 'merge-count-differs'
  | 'unknown-merge'
  | 'merge-undone'
  | 'patients-busy'

export class MergeRefused extends Error {
  constructor(
    readonly why: MergeRefusal,
    message: string
  ) {
    super(message)
    this.name = 'MergeRefused'
  }
}
