// What a supplier is told of records that a register holds from others.
import type { Issue } from '../fhir/issue.js'
import { compareEvents } from './compare-events.js'
import type { DedupRules } from './dedup-rules.js'
import { dayOf, explainPair } from './explain.js'
import type { EventFingerprint } from './fingerprint.js'

export interface HeldElsewhere {
  /** Name of the register. */
  source: string
  fingerprint: EventFingerprint
  /** What a reviewer decided of the two. */
  decided?: 'same' | 'distinct'
}

/** One issue for each that is, or may be, the vaccination of a record. Of the other record the day alone is named. */
export function elsewhereIssues(own: EventFingerprint, held: readonly HeldElsewhere[], rules: DedupRules): Issue[] {
  return held.flatMap(({ source, fingerprint, decided }): Issue[] => {
    const verdict = compareEvents(own, fingerprint, rules, decided)
    const common = { code: 'duplicate', layer: 'duplicate' } as const
    const diagnostics = `${explainPair(verdict)}; source=${source}`
    switch (verdict.outcome) {
      case 'distinct':
        return []
      case 'same': {
        const text = `${source} holds this vaccination from another system as well; nothing needs to be done`
        return [{ ...common, severity: 'information', rule: 'held-elsewhere', text, diagnostics }]
      }
      case 'possible': {
        const text = `Looks like a vaccination of ${dayOf(fingerprint)} that ${source} holds from another system; this one is kept. Nothing needs to be done, or correct what is wrong by PUT`
        return [{ ...common, severity: 'warning', rule: 'possible-duplicate-elsewhere', text, diagnostics }]
      }
    }
  })
}
