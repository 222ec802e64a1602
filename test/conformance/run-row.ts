// Runs one row against a service and says everything that was not as expected.
import { gunzipSync } from 'node:zlib'
import { makeBody } from './bodies.js'
import { outcomeFaults } from './outcome-faults.js'
import type { Actor, AreaRow, Expectation, Step } from './rows.js'
import { mismatch, select } from './select.js'
import { send, sendRaw, type Answer } from './send.js'
import { fill, fillAll, startVariables, type Variables } from './variables.js'

export interface Target {
  /** The FHIR base: https://hub.example/FHIR/R4 */
  base: string
  tokens: Readonly<Partial<Record<Actor, string>>>
}

export interface RowResult {
  id: string
  area: string
  statement: string
  strength: string
  source: string
  /** `left-out`: it needs a token that was not given. */
  verdict: 'passed' | 'failed' | 'left-out'
  faults: string[]
}

export async function runRow(row: AreaRow, target: Target): Promise<RowResult> {
  const { id, area, statement, strength, source } = row
  const told = { id, area, statement, strength, source }
  const actors = row.steps.map(({ as = 'main' }) => as)
  if (actors.some((actor) => actor !== 'none' && target.tokens[actor] === undefined))
    return { ...told, verdict: 'left-out', faults: [] }
  const faults: string[] = []
  try {
    const variables = startVariables(target.base, row.variables)
    for (const actor of ['main', 'other', 'reader', 'ops'] as const)
      variables.set(`token_${actor}`, target.tokens[actor] ?? '')
    await create(row.given ?? [], target, variables)
    for (const [index, step] of row.steps.entries()) {
      const found = await runStep(step, target, variables)
      faults.push(...found.map((fault) => `step ${index + 1} (${nameOf(step, variables)}): ${fault}`))
    }
  } catch (error) {
    faults.push(error instanceof Error ? error.message : String(error))
  }
  return { ...told, verdict: faults.length === 0 ? 'passed' : 'failed', faults }
}

function nameOf({ request, raw }: Step, variables: Variables): string {
  return (
    fill(request ?? raw ?? '', variables)
      .split('\r\n', 1)[0]
      ?.slice(0, 100) ?? ''
  )
}

/** Each with an identifier of its own, all of the same patient. */
async function create(names: readonly string[], target: Target, variables: Variables): Promise<void> {
  for (const [index, name] of names.entries()) {
    const nth = index === 0 ? '' : String(index + 1)
    variables.set(`identifier${nth}`, `${variables.get('uuid') ?? ''}${nth}`)
    const set = { '/identifier/0/value': `{{identifier${nth}}}` }
    const step: Step = { request: 'POST Immunization', body: { of: name, set } }
    const answer = await ask(step, target, variables)
    if (answer.status !== 201) throw new Error(`given ${name}: ${answer.status} ${textOf(answer).slice(0, 600)}`)
    variables.set(`id${nth}`, String(select(JSON.parse(textOf(answer)), 'id')[0]))
    variables.set(`etag${nth}`, answer.headers.get('etag') ?? '')
    variables.set(`modified${nth}`, answer.headers.get('last-modified') ?? '')
    variables.set(`body${nth}`, textOf(answer))
  }
}

async function runStep(step: Step, target: Target, variables: Variables): Promise<string[]> {
  if (step.parallel !== undefined) {
    const answers = await Promise.all(Array.from({ length: step.parallel }, () => ask(step, target, variables)))
    return countFaults(answers, step.expect ?? {})
  }
  const answer = step.pages === true ? await askPages(step, target, variables) : await ask(step, target, variables)
  const isHead = fill(step.request ?? '', variables).startsWith('HEAD ')
  const faults = answerFaults(answer, isHead, fillAll(step.expect ?? {}, variables) as Expectation)
  for (const [name, where] of Object.entries(step.capture ?? {})) {
    const value = where.startsWith('header:')
      ? answer.headers.get(where.slice(7))
      : where === 'body'
        ? textOf(answer)
        : select(jsonOf(answer), where)[0]
    if (value === undefined) faults.push(`there is no ${where} to keep`)
    else variables.set(name, typeof value === 'string' ? value : JSON.stringify(value))
  }
  return faults
}

async function ask(step: Step, target: Target, variables: Variables): Promise<Answer> {
  const { origin, pathname } = new URL(target.base)
  if (step.raw !== undefined) return sendRaw(origin, Buffer.from(fill(step.raw, variables), 'latin1'))
  const [, method = 'GET', where = ''] = /^(\S+) ?(.*)$/s.exec(fill(step.request ?? '', variables)) ?? []
  const body = step.body === undefined ? undefined : makeBody(step.body, variables)
  const actor = step.as ?? 'main'
  const headers: Record<string, string> = {
    ...(actor === 'none' ? {} : { authorization: `Bearer ${target.tokens[actor] ?? ''}` }),
    ...(body === undefined ? {} : { 'content-type': body.type }),
    ...(step.body?.gzip === true ? { 'content-encoding': 'gzip' } : {})
  }
  for (const [name, value] of Object.entries(step.headers ?? {}))
    if (value === null) Reflect.deleteProperty(headers, name.toLowerCase())
    else headers[name.toLowerCase()] = fill(value, variables)
  const url = /^https?:/.test(where) ? where.slice(new URL(where).origin.length) : undefined
  const slash = where === '' || /^[?]/.test(where) ? '' : '/'
  const path = url ?? (where.startsWith('/') ? where : `${pathname}${slash}${where}`)
  return send(origin, { method, target: path, headers, ...(body === undefined ? {} : { body: body.bytes }) })
}

/** One Bundle with the entries of all pages. */
async function askPages(step: Step, target: Target, variables: Variables): Promise<Answer> {
  let answer = await ask(step, target, variables)
  const first = jsonOf(answer)
  const entries: unknown[] = []
  for (let page = 1; page <= 100; page++) {
    const bundle = jsonOf(answer)
    entries.push(...select(bundle, 'entry[*]'))
    const next = select(bundle, 'link[relation=next].url')[0]
    if (next === undefined) {
      const whole = { ...(first as object), entry: entries, pages: page }
      return { ...answer, bytes: Buffer.from(JSON.stringify(whole)) }
    }
    const url = new URL(typeof next === 'string' ? next : '', `${target.base}/`)
    answer = await ask(
      { request: `GET ${url.href}`, ...(step.as === undefined ? {} : { as: step.as }) },
      target,
      variables
    )
  }
  throw new Error('there is no end of pages')
}

function answerFaults(answer: Answer, isHead: boolean, expect: Expectation): string[] {
  const { status } = answer
  const faults: string[] = []
  const wanted = [expect.status ?? [200, 201, 204]].flat()
  if (!wanted.includes(status)) faults.push(`status ${status} instead of ${wanted.join(' or ')}${tellOutcome(answer)}`)
  for (const [name, matcher] of Object.entries(expect.headers ?? {})) {
    const value = answer.headers.get(name.toLowerCase())
    const fault = mismatch(value === undefined ? [] : [value], matcher === true ? { exists: true } : matcher)
    if (fault !== undefined) faults.push(`header ${name} ${fault}`)
  }
  if ((expect.empty === true || isHead) && answer.bytes.length > 0) faults.push('there is a body')
  const hasOutcome = /^\{\s*"resourceType": ?"OperationOutcome"/.test(textOf(answer))
  if (!isHead && expect.outcome !== false && (status >= 400 || hasOutcome))
    faults.push(...outcomeFaults({ ...answer, bytes: Buffer.from(textOf(answer)) }, status >= 400))
  if (expect.type !== undefined) {
    const type = answer.headers.get('content-type')?.split(';')[0]
    if (type !== expect.type) faults.push(`content type ${type ?? 'none'} instead of ${expect.type}`)
  }
  return [...faults, ...bodyFaults(answer, expect)]
}

function bodyFaults(answer: Answer, expect: Expectation): string[] {
  const faults: string[] = []
  const text = textOf(answer)
  for (const part of expect.text?.has ?? []) if (!text.includes(part)) faults.push(`there is no ${part} in the body`)
  for (const part of expect.text?.lacks ?? []) if (text.includes(part)) faults.push(`there is ${part} in the body`)
  if (expect.json === undefined && expect.codes === undefined && expect.expression === undefined) return faults
  const body = jsonOf(answer)
  for (const [path, matcher] of Object.entries(expect.json ?? {})) {
    const fault = mismatch(select(body, path), matcher)
    if (fault !== undefined) faults.push(`${path} ${fault}`)
  }
  const codes = select(body, 'issue[*].code')
  if (expect.codes !== undefined && !codes.some((code) => expect.codes?.includes(String(code)) === true))
    faults.push(`issue codes ${codes.join(', ')} instead of ${expect.codes.join(' or ')}`)
  const expressions = select(body, 'issue[*].expression[*]')
  if (expect.expression !== undefined && !expressions.includes(expect.expression))
    faults.push(`expressions ${expressions.join(', ')} instead of ${expect.expression}`)
  return faults
}

function countFaults(answers: readonly Answer[], { counts = {}, others = [] }: Expectation): string[] {
  const found = new Map<number, number>()
  for (const { status } of answers) found.set(status, (found.get(status) ?? 0) + 1)
  const wrong =
    Object.entries(counts).some(([status, count]) => (found.get(Number(status)) ?? 0) !== count) ||
    [...found.keys()].some((status) => !(String(status) in counts) && !others.includes(status))
  return wrong ? [`statuses ${JSON.stringify(Object.fromEntries(found))} instead of ${JSON.stringify(counts)}`] : []
}

function tellOutcome(answer: Answer): string {
  const told = select(safeJson(answer), 'issue[*].details.text').slice(0, 3).join('; ')
  return told === '' ? '' : ` (${told.slice(0, 400)})`
}

function textOf(answer: Answer): string {
  const bytes = answer.headers.get('content-encoding') === 'gzip' ? gunzipSync(answer.bytes) : answer.bytes
  return bytes.toString('utf8')
}

function jsonOf(answer: Answer): unknown {
  try {
    return JSON.parse(textOf(answer))
  } catch {
    throw new Error(`the answer (${answer.status}) is not JSON: ${textOf(answer).slice(0, 100)}`)
  }
}

function safeJson(answer: Answer): unknown {
  return answer.bytes.length === 0 || !textOf(answer).startsWith('{') ? undefined : jsonOf(answer)
}
