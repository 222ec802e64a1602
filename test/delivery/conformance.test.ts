// What every kind of destination must do. Walks src/delivery/destinations: a new file there is tested by being there.
import { readdirSync, readFileSync } from 'node:fs'
import { Ajv2020 } from 'ajv/dist/2020.js'
import nock from 'nock'
import t, { type Test } from 'tap'
import { VACCINE_TYPES, type VaccineType } from '../../src/fhir/vaccine-types.js'
import {
  SENDS,
  VERSIONS,
  type Delivery,
  type DeliveryOutcome,
  type Destination,
  type DestinationKind,
  type DestinationSettings
} from '../../src/delivery/destination.js'
import { sandboxDestinations } from '../../src/sandbox/destinations.js'
import type { JournalEntry } from '../../src/sandbox/journal.js'
import { forkSandbox } from '../../src/sandbox/process.js'
import { waitFor } from '../support/wait-for.js'
import { startCountingProxy } from './counting-proxy.js'
import {
  claimedAgain,
  nextVersion,
  NHS_NUMBER,
  PATIENT_WORDS,
  syntheticCandidate,
  syntheticDelivery,
  syntheticImmunization,
  syntheticServices
} from './synthetic.js'

const folder = new URL('../../src/delivery/destinations/', import.meta.url)
const files = readdirSync(folder).filter((name) => name.endsWith('.ts'))
const docs = readFileSync(new URL('../../docs/destinations.md', import.meta.url), 'utf8')
const STATUSES = ['completed', 'entered-in-error', 'not-done'] as const
const TYPES = Object.keys(VACCINE_TYPES) as VaccineType[]
const QUARTER_OF_AN_HOUR_MS = 15 * 60_000

// Imported, nock takes over every request and loses the cap on connections; it is switched on where it is needed.
nock.restore()

const sandbox = await forkSandbox({ seed: { persons: [NHS_NUMBER] } })
t.teardown(() => sandbox.close())

async function ask<Answer>(method: string, path: string, body?: unknown): Promise<Answer> {
  const response = await fetch(`${sandbox.url}${path}`, { method, ...(body ? { body: JSON.stringify(body) } : {}) })
  t.ok(response.ok, `the sandbox takes ${method} ${path}`)
  return (response.status === 204 ? undefined : await response.json()) as Answer
}

for (const file of files) {
  const kindName = file.replace(/\.ts$/, '')
  const module = (await import(new URL(file, folder).href)) as Record<string, DestinationKind>
  t.test(kindName, (t) => {
    const kind = module['destinationKind']!
    const entry = sandboxDestinations(sandbox.url, sandbox.keys).find(({ kind }) => kind === kindName)
    t.ok(entry, 'sandboxDestinations has a destination of this kind, so that it can be tried without the real receiver')
    const services = syntheticServices()
    const opened: Destination[] = []
    const outcomes: DeliveryOutcome[] = []

    function open(settings: Partial<DestinationSettings> = {}, options = entry!.options): Destination {
      const all = { name: kindName, kind: kindName, ...kind.defaults, ...settings }
      const destination = kind.create(all, options, services)
      opened.push(destination)
      return destination
    }

    /** The same destination at another address; its tokens still come from the sandbox. */
    function pointedAt(url: string): Record<string, unknown> {
      const moved = JSON.parse(JSON.stringify(entry!.options).replaceAll(sandbox.url, url)) as Record<string, unknown>
      const { tokenUrl } = entry!.options
      return tokenUrl === undefined ? moved : { ...moved, tokenUrl }
    }

    async function deliver(destination: Destination, delivery: Delivery, timeoutMs = 5_000): Promise<DeliveryOutcome> {
      const outcome = await destination.deliver(delivery, AbortSignal.timeout(timeoutMs))
      outcomes.push(outcome)
      return outcome
    }

    /** Claimed again, as the worker does, until it has ended or three attempts are over. */
    async function settle(destination: Destination, delivery: Delivery): Promise<DeliveryOutcome> {
      const outcome = await deliver(destination, delivery)
      if (['delivered', 'not-needed', 'refused'].includes(outcome.kind) || delivery.attempt === 3) return outcome
      const ambiguous = outcome.kind === 'unavailable' && outcome.ambiguous
      return settle(destination, claimedAgain(delivery, { outcomeUnknown: delivery.outcomeUnknown || ambiguous }))
    }

    const control = (setting: object): Promise<unknown> => ask('PUT', `/control/${kindName}`, setting)
    const journal = (): Promise<JournalEntry[]> => ask('GET', `/journal?destination=${kindName}`)
    const effects = async (): Promise<JournalEntry[]> => (await journal()).filter(({ applied }) => applied)
    const writes = async (): Promise<JournalEntry[]> =>
      (await journal()).filter(({ method, path }) => method !== 'GET' && path !== '/GetItem')

    /** Something new to tell the receiver: a record of its own, and totals that rose. */
    function freshDelivery(): Delivery {
      services.totals = { ...services.totals, sourceVersion: services.totals.sourceVersion + 1 }
      return syntheticDelivery(syntheticImmunization())
    }

    t.beforeEach(async () => {
      await control({ mode: 'up' })
      await ask('DELETE', '/journal')
    })
    t.teardown(() => Promise.all(opened.map((destination) => destination.close())))

    t.test('the file exports one destinationKind, named like the file', (t) => {
      t.same(Object.keys(module), ['destinationKind'])
      t.equal(kind.kind, kindName)
      t.match(kind.description, /\w{3,}/)
      t.end()
    })

    t.test('its options are described one by one, and unknown ones are refused', (t) => {
      const validate = new Ajv2020({ strict: true, allErrors: true, strictRequired: false }).compile(kind.optionsSchema)
      t.ok(validate(entry!.options), JSON.stringify(validate.errors))
      t.notOk(validate({ ...entry!.options, tiemoutMs: 5 }), 'a misspelt option')
      t.notOk(validate({}), 'no options at all')
      checkDescriptions(t, kind.optionsSchema)
      t.end()
    })

    t.test('docs/destinations.md has a chapter about it that names every option', (t) => {
      const chapter = docs.split(/^## /m).find((text) => text.startsWith(`${kindName}\n`)) ?? ''
      for (const name of Object.keys(kind.optionsSchema['properties'] as object))
        t.ok(chapter.includes(`\`${name}\``), name)
      t.end()
    })

    t.test('a secret is given by a file or literally, and a file that is not there stops the start', (t) => {
      const properties = Object.keys(kind.optionsSchema['properties'] as object)
      const secretFiles = properties.filter(
        (name) => entry!.options[name.replace(/File$/, '')] !== undefined && name.endsWith('File')
      )
      const keyFile = properties.includes('privateKeyFile') ? [['privateKeyFile', 'privateKeyPem']] : []
      const pairs = [...secretFiles.map((name) => [name, name.replace(/File$/, '')]), ...keyFile]
      t.ok(pairs.length > 0)
      for (const [property = '', literal = ''] of pairs) {
        const { [literal]: left, ...others } = entry!.options
        t.ok(left)
        t.throws(() => open({}, { ...others, [property]: '/nowhere/secret' }), {
          message: `destination "${kindName}": the file of options.${property} cannot be read (ENOENT)`
        })
      }
      t.end()
    })

    t.test('its defaults can be lived with', (t) => {
      const { concurrency, ratePerSecond, timeoutMs } = kind.defaults
      t.ok(Number.isInteger(concurrency) && concurrency >= 1 && concurrency <= 64)
      t.ok(ratePerSecond === undefined || ratePerSecond > 0)
      t.ok(timeoutMs >= 1_000 && timeoutMs <= 60_000)
      t.end()
    })

    t.test('what it wants follows from the candidate alone', (t) => {
      const all = open()
      const fluOnly = open({ vaccineTypes: ['FLU'] })
      for (const type of TYPES)
        for (const status of STATUSES) {
          const candidate = deepFreeze(syntheticCandidate(type, status))
          const answer = all.wants(candidate)
          if (typeof answer !== 'boolean' || all.wants(candidate) !== answer) t.fail(`${type} ${status}`)
          if (type !== 'FLU' && fluOnly.wants(candidate)) t.fail(`${type} is wanted though only FLU is configured`)
          if (status !== 'completed' && answer) t.fail(`a ${status} is wanted`)
        }
      t.ok(all.wants(syntheticCandidate('FLU', 'completed')))
      t.ok(SENDS.includes(kind.defaults.sends))
      t.ok(VERSIONS.includes(kind.defaults.versions))
      t.end()
    })

    t.test('it delivers a new record, its correction, its deletion and its return', async (t) => {
      const destination = open()
      const created = freshDelivery()
      const first = await deliver(destination, created)
      t.match(first, { kind: 'delivered', remote: { id: /\w/ } })

      let previous: { delivery: Delivery; outcome: DeliveryOutcome } = { delivery: created, outcome: first }
      for (const [operation, lotNumber] of [
        ['update', 'CD5678'],
        ['delete', 'CD5678'],
        ['reinstate', 'EF9012']
      ] as const) {
        services.totals = { ...services.totals, sourceVersion: services.totals.sourceVersion + 1 }
        const identifier = (JSON.parse(created.body) as { identifier: [] }).identifier
        const resource = syntheticImmunization({ identifier, lotNumber })
        const remote = previous.outcome.kind === 'delivered' ? previous.outcome.remote : undefined
        const delivery = nextVersion(previous.delivery, operation, remote, resource)
        const outcome = await deliver(destination, delivery)
        t.match(outcome, { kind: 'delivered', remote: { id: /\w/ } }, operation)
        previous = { delivery, outcome }
      }

      t.equal((await effects()).length, 4, 'each had its effect once')
    })

    t.test('the same delivery twice has one effect, under one request id', async (t) => {
      const destination = open()
      const delivery = freshDelivery()

      const first = await deliver(destination, delivery)
      const second = await deliver(destination, claimedAgain(delivery))

      t.equal(first.kind, 'delivered')
      t.equal(second.kind, 'delivered')
      t.equal((await effects()).length, 1)
      t.same([...new Set((await writes()).map(({ requestId }) => requestId))], [delivery.deliveryId])
    })

    t.test(
      'a receiver that is down is unavailable, and takes the next attempt under the same request id',
      async (t) => {
        const destination = open()
        const delivery = freshDelivery()
        await control({ mode: 'down', only: 'write' })
        const down = await deliver(destination, delivery)
        await control({ mode: 'up' })
        const up = await deliver(destination, claimedAgain(delivery, { outcomeUnknown: true }))

        t.match(down, { kind: 'unavailable', ambiguous: true, status: 503 })
        t.equal(up.kind, 'delivered')
        t.equal((await effects()).length, 1)
        t.same(
          (await writes()).map(({ requestId, applied }) => [requestId, applied]),
          [
            [delivery.deliveryId, false],
            [delivery.deliveryId, true]
          ]
        )
      }
    )

    t.test('a limit pauses the destination for as long as it asks, within bounds', async (t) => {
      const destination = open()
      for (const [retryAfterSeconds, expectedMs] of [
        [7, 7_000],
        [0, 1_000],
        [999_999, QUARTER_OF_AN_HOUR_MS]
      ] as const) {
        await control({ mode: 'limited', retryAfterSeconds })
        t.match(await deliver(destination, freshDelivery()), { kind: 'limited', retryAfterMs: expectedMs })
      }
    })

    t.test('credentials that are not accepted are told apart from a refusal', async (t) => {
      const destination = open()
      await control({ mode: 'credentials' })
      t.match(await deliver(destination, freshDelivery()), { kind: 'credentials', message: /\w/ })
      await control({ mode: 'refuse', only: 'write' })
      t.match(await deliver(destination, freshDelivery()), { kind: 'refused', message: /\w/ })
      t.equal((await effects()).length, 0)
    })

    t.test('a receiver that hangs is given up in time, and what it did take is not done again', async (t) => {
      const destination = open()
      const delivery = freshDelivery()
      await control({ mode: 'slow', delayMs: 60_000, only: 'write', when: 'after' })
      const startedAt = performance.now()
      const hung = await deliver(destination, delivery, 800)
      const tookMs = performance.now() - startedAt
      await control({ mode: 'up' })
      const asked = await deliver(destination, claimedAgain(delivery, { outcomeUnknown: true }))

      t.match(hung, { kind: 'unavailable', ambiguous: true })
      t.ok(tookMs < 2_000, `gave up after ${tookMs} ms`)
      t.equal(asked.kind, 'delivered')
      t.equal((await effects()).length, 1)
    })

    for (const when of ['after', 'before'] as const) {
      t.test(`a connection that breaks ${when} the receiver took it leads to one effect`, async (t) => {
        const destination = open()
        const delivery = freshDelivery()
        await control({ mode: 'reset', when, only: 'write', times: 1 })
        const broken = await deliver(destination, delivery)
        const asked = await deliver(destination, claimedAgain(delivery, { outcomeUnknown: true }))

        t.match(broken, { kind: 'unavailable', ambiguous: true })
        t.equal(asked.kind, 'delivered')
        t.equal((await effects()).length, 1)
      })
    }

    for (const fault of ['half', 'garbled', 'error-body', 'duplicate', 'conflict', 'expired'] as const) {
      t.test(`a write that meets the fault "${fault}" leads to one effect`, async (t) => {
        const destination = open()
        const created = freshDelivery()
        await control({ mode: fault, only: 'write', times: 1 })
        const first = await settle(destination, created)
        const { identifier } = JSON.parse(created.body) as { identifier: [] }
        const changed = syntheticImmunization({ identifier, lotNumber: 'CD5678' })
        const correction = nextVersion(
          created,
          'update',
          first.kind === 'delivered' ? first.remote : undefined,
          changed
        )
        services.totals = { ...services.totals, sourceVersion: services.totals.sourceVersion + 1 }
        await control({ mode: fault, only: 'write', times: 1 })
        const second = await settle(destination, correction)

        t.match([first, second], [{ kind: 'delivered' }, { kind: 'delivered' }])
        t.equal((await effects()).length, 2)
      })
    }

    for (const fault of ['half', 'garbled', 'error-body'] as const) {
      t.test(`asking in doubt meets the fault "${fault}", and nothing is taken for done that is not`, async (t) => {
        const destination = open()
        const delivery = freshDelivery()
        await control({ mode: fault, only: 'read', times: 1 })
        const asked = await settle(destination, claimedAgain(delivery, { outcomeUnknown: true }))

        t.match(asked, { kind: 'delivered' })
        t.equal((await effects()).length, 1)
      })
    }

    t.test('a receiver that does not listen leaves no doubt', async (t) => {
      const options = pointedAt('http://127.0.0.1:9')
      t.match(await deliver(open({}, options), freshDelivery()), { kind: 'unavailable', ambiguous: false })
    })

    t.test('a body that cannot be mapped is our own fault and rejects', async (t) => {
      await t.rejects(
        open().deliver(
          syntheticDelivery(syntheticImmunization(), { body: '{"resourceType"' }),
          AbortSignal.timeout(900)
        )
      )
      t.equal((await writes()).length, 0)
    })

    t.test('it stops when it is told to', async (t) => {
      const destination = open()
      const stop = new AbortController()
      await control({ mode: 'slow', delayMs: 60_000, when: 'before' })
      const pending = destination.deliver(freshDelivery(), stop.signal)
      setImmediate(() => {
        stop.abort()
      })
      t.equal((await pending).kind, 'unavailable')
      t.match(await destination.deliver(freshDelivery(), AbortSignal.abort()), {
        kind: 'unavailable',
        ambiguous: false
      })
    })

    t.test('it opens no more connections than it may, and close() releases them', async (t) => {
      const proxy = await startCountingProxy(sandbox.url)
      t.teardown(() => proxy.close())
      const destination = open({ concurrency: 2 }, pointedAt(proxy.url))
      await control({ mode: 'slow', delayMs: 30, when: 'after' })

      const all = await Promise.all(Array.from({ length: 8 }, () => deliver(destination, freshDelivery())))

      t.same([...new Set(all.map((outcome) => outcome.kind))], ['delivered'])
      t.equal(proxy.most(), 2)
      await destination.close()
      await waitFor(() => proxy.open() === 0, 'the connections to be gone')
    })

    t.test('nothing it reports tells who the patient is, whatever the receiver says', async (t) => {
      const echo = PATIENT_WORDS.map((word) => `"${word}" is wrong`).join(', ')
      const body = {
        resourceType: 'OperationOutcome',
        issue: [{ severity: 'error', code: 'invariant', diagnostics: echo }],
        errorDescription: echo,
        __type: 'ValidationException',
        message: echo
      }
      nock.activate()
      t.teardown(() => {
        nock.cleanAll()
        nock.restore()
      })
      const receiver = nock('http://receiver.test').persist()
      for (const method of ['GET', 'POST', 'PUT', 'DELETE']) receiver.intercept(/.*/, method).reply(400, body)
      const options = pointedAt('http://receiver.test')
      t.match(await deliver(open({}, options), freshDelivery()), { kind: 'refused' })

      t.ok(outcomes.length > 15)
      for (const outcome of outcomes) {
        const said = JSON.stringify(outcome)
        for (const word of PATIENT_WORDS) t.notOk(said.toLowerCase().includes(word.toLowerCase()), said)
        t.ok((outcome.message ?? '').length <= 340, 'short enough to keep')
      }
    })
    t.end()
  })
}

function checkDescriptions(t: Test, schema: Record<string, unknown>): void {
  for (const [name, property] of Object.entries(
    (schema['properties'] ?? {}) as Record<string, Record<string, unknown>>
  )) {
    t.match(property['description'], /\w.*\.$/, `${name} is described by a sentence`)
    checkDescriptions(t, property)
  }
}

function deepFreeze<Value extends object>(value: Value): Value {
  for (const field of Object.values(value)) if (typeof field === 'object' && field !== null) deepFreeze(field as object)
  return Object.freeze(value)
}
