// What the practice of the sandbox, or MESH itself, answers to a message: an ITK3 response, a report, or nothing.
// Source: nhsconnect/ITK3-Messaging-Distribution, "ITK3 Response Codes"; NHSDigital/mesh-sandbox, checked 2026-11-28.
import { randomUUID } from 'node:crypto'

const ANSWERS = [
  'positive',
  'infrastructure',
  'negative-infrastructure',
  'negative-business',
  'uncollected',
  'unroutable',
  'unknown',
  'none'
] as const

export interface PracticeSetting {
  answer: (typeof ANSWERS)[number]
  /** How long after the message. */
  delayMs: number
  /** How often each answer is sent. */
  copies: number
}

export const PRACTICE_DEFAULTS: PracticeSetting = { answer: 'positive', delayMs: 200, copies: 1 }

/** @throws Error that says what is wrong with the setting */
export function parsePracticeSetting(given: unknown): PracticeSetting {
  if (typeof given !== 'object' || given === null) throw new Error('expected an object like {"answer":"none"}')
  const unknown = Object.keys(given).filter((key) => !(key in PRACTICE_DEFAULTS))
  if (unknown.length > 0) throw new Error(`unknown parameter ${unknown.join(', ')}`)
  const { answer, delayMs, copies } = { ...PRACTICE_DEFAULTS, ...given } as Record<keyof PracticeSetting, unknown>
  const known = ANSWERS.find((name) => name === answer)
  if (known === undefined) throw new Error(`answer must be one of ${ANSWERS.join(', ')}`)
  if (!isCount(delayMs) || !isCount(copies)) throw new Error('delayMs and copies must be whole numbers, 0 or more')
  return { answer: known, delayMs, copies }
}

function isCount(value: unknown): value is number {
  return typeof value === 'number' && Number.isInteger(value) && value >= 0
}

export interface PracticeAnswer {
  type: 'DATA' | 'REPORT'
  content: string
  statusCode?: string
}

/** `headerId`: of the MessageHeader that is answered. */
export function practiceAnswers({ answer, copies }: PracticeSetting, headerId: string): PracticeAnswer[] {
  return Array.from({ length: copies }, () => onceAnswered(answer, headerId)).flat()
}

function onceAnswered(answer: PracticeSetting['answer'], headerId: string): PracticeAnswer[] {
  switch (answer) {
    case 'positive':
      return [response(headerId, 'ok', '20013'), response(headerId, 'ok', '30001')]
    case 'infrastructure':
      return [response(headerId, 'ok', '20013')]
    case 'negative-infrastructure':
      return [response(headerId, 'fatal-error', '20009')]
    case 'negative-business':
      return [response(headerId, 'ok', '20013'), response(headerId, 'fatal-error', '30002')]
    case 'uncollected':
      return [{ type: 'REPORT', content: '', statusCode: '14' }]
    case 'unroutable':
      return [{ type: 'REPORT', content: '', statusCode: 'EPL-151' }]
    case 'unknown':
      return [response(randomUUID(), 'ok', '30001')]
    case 'none':
      return []
  }
}

function response(headerId: string, code: 'ok' | 'fatal-error', detail: string): PracticeAnswer {
  const [id, outcomeId] = [randomUUID(), randomUUID()]
  const severity = code === 'ok' ? 'information' : 'fatal'
  return {
    type: 'DATA',
    content: [
      '<?xml version="1.0" encoding="UTF-8"?>',
      '<Bundle xmlns="http://hl7.org/fhir">',
      `  <identifier><value value="${randomUUID()}"/></identifier>`,
      '  <type value="message"/>',
      `  <entry><fullUrl value="urn:uuid:${id}"/><resource><MessageHeader>`,
      `    <id value="${id}"/>`,
      '    <event>',
      '      <system value="https://fhir.nhs.uk/STU3/CodeSystem/ITK-MessageEvent-2"/>',
      '      <code value="ITK008M"/>',
      '    </event>',
      '    <response>',
      `      <identifier value="${headerId}"/>`,
      `      <code value="${code}"/>`,
      `      <details><reference value="urn:uuid:${outcomeId}"/></details>`,
      '    </response>',
      '  </MessageHeader></resource></entry>',
      `  <entry><fullUrl value="urn:uuid:${outcomeId}"/><resource><OperationOutcome>`,
      `    <issue><severity value="${severity}"/><code value="processing"/><details><coding>`,
      '      <system value="https://fhir.nhs.uk/STU3/CodeSystem/ITK-ResponseCodes-1"/>',
      `      <code value="${detail}"/>`,
      '    </coding></details></issue>',
      '  </OperationOutcome></resource></entry>',
      '</Bundle>'
    ].join('\n')
  }
}
