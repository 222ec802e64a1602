// What the answers of a terminology server mean for a record. It was accepted before anyone asked, so nothing here is an
// error. Displays are not asked about: servers differ on which name of a code is its display.
import type { Issue } from '../fhir/issue.js'
import { RULES, type RuleName } from './rules.js'
import type { OpenConcept, Question } from './terminology-questions.js'

export interface Answer {
  /** `unknown`: the server does not have the value set or the code system. */
  result: 'member' | 'not-member' | 'unknown'
  isInactive: boolean
  asOf: Date
  /** Which edition of the code system answered, where the server says so. */
  systemVersion?: string
}

/** Undefined where the question is still open. */
export type FindAnswer = (question: Question) => Answer | undefined

/** One issue for each thing worth saying; empty when every code is known, active and where it should be. */
export function tellAnswers(concepts: readonly OpenConcept[], findAnswer: FindAnswer): Issue[] {
  return concepts.flatMap((concept) => {
    const told = concept.codings.map(({ expression, question }) => ({
      expression,
      question,
      answer: findAnswer(question)
    }))
    return [...tellMembership(concept, told), ...tellCodes(concept, told), ...tellInactive(concept, told)]
  })
}

/** Issues of the local judges without those that an answer has settled. */
export function withoutSettled(
  issues: readonly Issue[],
  concepts: readonly OpenConcept[],
  findAnswer: FindAnswer
): Issue[] {
  const settled = new Set(
    concepts
      .filter(({ codings }) =>
        codings.some(({ question }) => question.valueSet !== '' && isDecided(findAnswer(question)))
      )
      .map(({ expression }) => expression)
  )
  return issues.filter(
    ({ rule, expression }) => !(rule.endsWith('-code-unchecked') && settled.has(expression?.[0] ?? ''))
  )
}

interface Told {
  expression: string
  question: Question
  answer: Answer | undefined
}

function isDecided(answer: Answer | undefined): boolean {
  return answer?.result === 'member' || answer?.result === 'not-member'
}

/** One coding in the set is enough; whether none is can only be said once all were answered. */
function tellMembership(concept: OpenConcept, all: readonly Told[]): Issue[] {
  const told = all.filter(({ question }) => question.valueSet !== '')
  if (told.length === 0 || told.some(({ answer }) => answer?.result === 'member')) return []
  const { strength, expression, valueSetName: name } = concept
  if (told.some(({ answer }) => answer === undefined)) {
    const text = `was not checked yet against value set ${name}: the terminology server has not answered; it will be asked again`
    return [issueOf(concept, 'terminology-open', expression, text)]
  }
  const unknown = told.find(({ answer }) => answer?.result === 'unknown')?.answer
  if (unknown !== undefined) {
    const text = `could not be checked: the terminology server cannot judge value set ${name}; make sure the code belongs to it`
    const severity = strength === 'required' ? 'warning' : 'information'
    return [issueOf(concept, 'terminology-unchecked', expression, text, unknown, severity)]
  }
  const text = `is outside value set ${name} as the terminology server has it; use a code of it where one fits`
  return [issueOf(concept, 'terminology-outside', expression, text, told[0]?.answer, severityOf(concept))]
}

/** Codings without a value set to ask about: is there such a code at all? */
function tellCodes(concept: OpenConcept, all: readonly Told[]): Issue[] {
  return all.flatMap(({ question, expression, answer }) => {
    if (question.valueSet !== '' || answer?.result === 'member') return []
    if (answer === undefined) {
      const text = 'was not looked up yet: the terminology server has not answered; it will be asked again'
      return [issueOf(concept, 'terminology-open', expression, text)]
    }
    if (answer.result === 'unknown') {
      const text = 'could not be checked: the terminology server does not have the code system'
      const severity = concept.strength === 'required' ? 'warning' : 'information'
      return [issueOf(concept, 'terminology-unchecked', expression, text, answer, severity)]
    }
    const text = 'is no code of its system as the terminology server has it; look for a digit lost, or a retired code'
    return [issueOf(concept, 'terminology-code', expression, text, answer, severityOf(concept))]
  })
}

function tellInactive(concept: OpenConcept, all: readonly Told[]): Issue[] {
  return all.flatMap(({ expression, answer }) => {
    if (answer?.isInactive !== true) return []
    const text = 'is an inactive code; use the one that replaces it in new records'
    return [issueOf(concept, 'terminology-inactive', expression, text, answer)]
  })
}

function severityOf({ strength }: OpenConcept): Issue['severity'] {
  return strength === 'preferred' ? 'information' : 'warning'
}

function issueOf(
  concept: OpenConcept,
  rule: RuleName,
  expression: string,
  what: string,
  answer?: Answer,
  severity: Issue['severity'] = RULES[rule].severity
): Issue {
  return {
    severity,
    code: RULES[rule].code,
    layer: concept.by.layer,
    rule: `${concept.by.layer === 'base' ? 'r4' : 'profile'}-${rule}`,
    text: `${expression} ${what}`,
    expression: [expression],
    ...(answer === undefined ? {} : { diagnostics: sourceOf(answer) })
  }
}

function sourceOf({ asOf, systemVersion }: Answer): string {
  const asked = `terminology server, asked ${asOf.toISOString()}`
  return systemVersion === undefined ? asked : `${asked}, ${systemVersion}`
}
