// What is already known of the codes of a resource, for an answer that cannot wait: nothing is asked of the server.
import type { Issue } from '../fhir/issue.js'
import { isDatabaseDown } from '../storage/database-down.js'
import type { TerminologyCheckStore, VersionKey } from '../storage/terminology-check-store.js'
import { tellAnswers, withoutSettled } from '../validation/terminology-issues.js'
import type { Validator } from '../validation/validator.js'
import type { AnswerBook } from './answer-book.js'

/**
 * The issues with what is known of the codes of `value`. `version`: the stored version it is, whose own look-up counts
 * where an answer has expired since.
 */
export type TellKnown = (issues: Issue[], value: unknown, version?: VersionKey) => Promise<Issue[]>

export interface KnownTerminologyDeps {
  validator: Pick<Validator, 'findOpenConcepts'>
  book: AnswerBook
  checks: Pick<TerminologyCheckStore, 'findIssues'>
}

export function createKnownTerminology({ validator, book, checks }: KnownTerminologyDeps): TellKnown {
  return async (issues, value, version) => {
    const concepts = validator.findOpenConcepts(value)
    const questions = concepts.flatMap(({ codings }) => codings.map(({ question }) => question))
    try {
      const findAnswer = await book.lookUp(questions)
      const isAllKnown = questions.every((question) => findAnswer(question) !== undefined)
      const told =
        isAllKnown || version === undefined
          ? tellAnswers(concepts, findAnswer).filter(({ rule }) => !rule.endsWith('-terminology-open'))
          : await checks.findIssues(version)
      const left = withoutSettled(issues, concepts, findAnswer)
      const said = new Set(left.map(keyOf))
      return [...left, ...told.filter((issue) => !said.has(keyOf(issue)))]
    } catch (error) {
      // The verdict stands without it.
      if (isDatabaseDown(error)) return issues
      throw error
    }
  }
}

function keyOf({ rule, expression }: Issue): string {
  return `${rule} ${expression?.[0] ?? ''}`
}
