// What 64 writers at once try on one record, and what must hold afterwards. Each race is one round on a fresh record.
import type { Bundle, Immunization, Patient } from 'fhir/r4.js'
import { uuidv7 } from 'uuidv7'
import { VERSION_ONE, type Answer, type Writers } from './writers.js'

/** Anomalies in words; empty when all is well. */
export type Race = (round: Round) => Promise<string[]>

export interface Round {
  writers: Writers
  /** Of this round alone. */
  flu: Immunization
}

export const RACES: Readonly<Record<string, Race>> = {
  'identical creates': ({ writers, flu }) => oneRecord(writers, flu, () => ['POST', '', flu]),
  'conditional creates': ({ writers, flu }) =>
    oneRecord(writers, flu, () => ['POST', '', flu, { 'if-none-exist': criterionOf(flu) }]),
  'conditional updates': ({ writers, flu }) => oneRecord(writers, flu, () => ['PUT', `?${criterionOf(flu)}`, flu]),
  'keyed creates': keyedCreates,
  'updates, same If-Match': ({ writers, flu }) =>
    oneWinner(writers, flu, (id, n) => ['PUT', `/${id}`, { ...flu, id, lotNumber: `RACE${n}` }, VERSION_ONE]),
  'patches, same If-Match': ({ writers, flu }) =>
    oneWinner(writers, flu, (id, n) => [
      'PATCH',
      `/${id}`,
      [{ op: 'replace', path: '/lotNumber', value: `RACE${n}` }],
      VERSION_ONE
    ]),
  'creates against deletes': createsAgainstDeletes,
  'updates against deletes': updatesAgainstDeletes,
  'one event, many suppliers': oneEvent,
  'one event, two suppliers, no number': oneQuestion
}

type Write = Parameters<Writers['send']>

async function oneRecord(writers: Writers, flu: Immunization, write: () => Write): Promise<string[]> {
  const answers = await writers.sendAll(write)
  return [
    ...expectCount(answers, 201, 1),
    ...expectCount(answers, 200, answers.length - 1),
    ...(await expectVersions(writers, flu, answers, ['POST']))
  ]
}

async function keyedCreates({ writers, flu }: Round): Promise<string[]> {
  const key = { 'idempotency-key': uuidv7() }
  const answers = await writers.sendAll(() => ['POST', '', flu, key])
  const made = answers.filter(({ status }) => status === 201)
  const first = made.filter(({ headers }) => headers['idempotency-replayed'] === undefined)
  const busy = answers.filter(({ status, headers }) => status === 409 && headers['retry-after'] !== undefined)
  return [
    ...(first.length === 1 ? [] : [`${first.length} of the writers were told that they had made it`]),
    ...(made.length + busy.length === answers.length ? [] : ['neither made, nor replayed, nor in flight']),
    ...(await expectVersions(writers, flu, made, ['POST']))
  ]
}

async function oneWinner(
  writers: Writers,
  flu: Immunization,
  write: (id: string, n: number) => Write
): Promise<string[]> {
  const created = await writers.send('POST', '', flu)
  const id = created.recordId ?? ''
  const answers = await writers.sendAll((n) => write(id, n))
  const winner = answers.find(({ status }) => status === 200)
  const current = await writers.send('GET', `/${id}`)
  return [
    ...expectCount(answers, 200, 1),
    ...expectCount(answers, 412, answers.length - 1),
    ...(current.body === winner?.body ? [] : ['the record is not what the winner was answered: a lost update']),
    ...(await expectVersions(writers, flu, [created, ...answers], ['POST', 'PUT']))
  ]
}

// Posts find the record there (200) or reinstate it (201), deletes end it or find it ended (204).
async function createsAgainstDeletes({ writers, flu }: Round): Promise<string[]> {
  const created = await writers.send('POST', '', flu)
  const answers = await writers.sendAll((n) =>
    n % 2 === 0 ? ['POST', '', flu] : ['DELETE', `/${created.recordId ?? ''}`]
  )
  const strange = answers.filter(({ status, method }) => !(method === 'POST' ? [200, 201] : [204]).includes(status))
  const last = Math.max(...[created, ...answers].map(({ version }) => version ?? 0))
  const expected = Array.from({ length: last }, (_, n) => (n === 0 ? 'POST' : n % 2 === 1 ? 'DELETE' : 'PUT'))
  const reinstated = answers.filter(({ status }) => status === 201)
  return [
    ...strange.map(({ method, status }) => `${method} was answered ${status}`),
    ...(new Set(reinstated.map(({ version }) => version)).size === reinstated.length ? [] : ['a version made twice']),
    ...(await expectVersions(writers, flu, [created, ...answers], expected))
  ]
}

async function updatesAgainstDeletes({ writers, flu }: Round): Promise<string[]> {
  const created = await writers.send('POST', '', flu)
  const id = created.recordId ?? ''
  const answers = await writers.sendAll((n) =>
    n % 2 === 0
      ? ['PUT', `/${id}`, { ...flu, id, lotNumber: `RACE${n}` }, VERSION_ONE]
      : ['DELETE', `/${id}`, undefined, VERSION_ONE]
  )
  const updated = answers.filter(({ status }) => status === 200)
  const deleted = answers.filter(({ status }) => status === 204)
  const late = answers.filter(({ status }) => status === 412)
  // A delete that finds the record deleted has what it wants, whichever delete it was.
  const isSound = updated.length === 1 ? deleted.length === 0 : updated.length === 0 && deleted.length > 0
  const expected = updated.length === 1 ? 'PUT' : 'DELETE'
  return [
    ...(isSound && updated.length + deleted.length + late.length === answers.length
      ? []
      : [`${updated.length} updated, ${deleted.length} deleted, ${late.length} late`]),
    ...(await expectVersions(writers, flu, [created, ...answers], ['POST', expected]))
  ]
}

/** So many suppliers tell of one event, each several times over: few enough to be compared with one another. */
const SUPPLIERS = 16

async function oneEvent({ writers, flu }: Round): Promise<string[]> {
  const answers = await writers.sendAll((n) => ['POST', '', toldBy(flu, n % SUPPLIERS)])
  const made = answers.filter(({ status }) => status === 201)
  const found = JSON.parse((await writers.send('GET', `?${patientOf(flu)}`)).body) as Bundle
  return [
    ...expectCount(answers, 201, SUPPLIERS),
    ...expectCount(answers, 200, answers.length - SUPPLIERS),
    ...(new Set(made.map(({ recordId }) => recordId)).size === SUPPLIERS ? [] : ['a record was made twice']),
    ...(found.total === 1 ? [] : [`the history tells of ${found.total} events instead of one`])
  ]
}

// Each of the two records has a patient of its own: what they share is the block.
async function oneQuestion({ writers, flu }: Round): Promise<string[]> {
  const nameless = withoutNumber(flu)
  const answers = await writers.sendAll((n) => ['POST', '', toldBy(nameless, n % 2)])
  const ids = [...new Set(answers.flatMap(({ recordId }) => recordId ?? []))]
  const asked = (await Promise.all(ids.map((id) => writers.listPairs(id)))).flat()
  return [
    ...expectCount(answers, 201, 2),
    ...expectCount(answers, 200, answers.length - 2),
    ...(asked.length === 2 && asked.every(({ state }) => state === 'open')
      ? []
      : [`the two are asked about as ${asked.map(({ state }) => state).join() || 'nothing'}`])
  ]
}

/** The first supplier gave it, the others have heard of it. */
function toldBy(flu: Immunization, supplier: number): Immunization {
  const identifier = (flu.identifier ?? []).map(({ system, value }) => ({
    system: `${system}/${supplier}`,
    ...(value === undefined ? {} : { value })
  }))
  return { ...flu, identifier, primarySource: supplier === 0 }
}

function withoutNumber(flu: Immunization): Immunization {
  const contained = (flu.contained ?? []).map((resource) => {
    const { identifier: _, ...others } = resource as Patient
    return resource.resourceType === 'Patient' ? others : resource
  })
  return { ...flu, contained }
}

function patientOf({ contained }: Immunization): string {
  const patient = contained?.find(({ resourceType }) => resourceType === 'Patient') as Patient | undefined
  const { system, value } = patient?.identifier?.[0] ?? {}
  return `patient.identifier=${encodeURIComponent(`${system}|${value}`)}`
}

function criterionOf({ identifier }: Immunization): string {
  return `identifier=${encodeURIComponent(`${identifier?.[0]?.system}|${identifier?.[0]?.value}`)}`
}

function expectCount(answers: readonly Answer[], status: number, count: number): string[] {
  const found = answers.filter((answer) => answer.status === status).length
  return found === count ? [] : [`${found} times ${status} instead of ${count}`]
}

/** One record has the identifier; its history is exactly what was acknowledged; each version has its deliveries. */
async function expectVersions(
  writers: Writers,
  flu: Immunization,
  answers: readonly Answer[],
  methods: readonly string[]
): Promise<string[]> {
  const acknowledged = answers.filter(({ status }) => status < 300)
  const ids = new Set(acknowledged.flatMap(({ recordId }) => recordId ?? []))
  const [id = ''] = ids
  if (ids.size !== 1) return [`${ids.size} records instead of one`]
  const history = JSON.parse((await writers.send('GET', `/${id}/_history?_count=200`)).body) as Bundle
  const made = (history.entry ?? []).map(({ request }) => request?.method ?? '').reverse()
  const versions = new Set(acknowledged.map(({ version }) => version))
  const found = JSON.parse((await writers.send('GET', `?${criterionOf(flu)}`)).body) as Bundle
  const isLive = methods.at(-1) !== 'DELETE'
  const planned = await writers.countDeliveries(id)
  return [
    ...(made.join() === methods.join() ? [] : [`the history is ${made.join()} instead of ${methods.join()}`]),
    ...(versions.size === methods.length ? [] : [`${versions.size} versions acknowledged, ${methods.length} kept`]),
    ...(found.total === (isLive ? 1 : 0) ? [] : [`a search finds ${found.total}`]),
    ...(planned.length === methods.length && new Set(planned).size === 1 && planned[0] !== 0
      ? []
      : [`deliveries by version: ${planned.join()}`])
  ]
}
