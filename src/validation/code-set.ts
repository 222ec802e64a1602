// A value set as a question: is this code in it?

export type Membership = 'member' | 'not-member' | 'unknown'

export interface CodeSet {
  /** `system` is undefined for a plain code, whose system follows from the value set. */
  test(system: string | undefined, code: string): Membership
  /** Every code, where the set is complete and short enough to list. */
  codes?: readonly string[]
}

export interface Terminology {
  /** The set of a canonical `url` or `url|version`; undefined when nothing is known of it. */
  find(canonical: string): CodeSet | undefined
}
