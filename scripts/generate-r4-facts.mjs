// Writes profiles/r4/: the facts of base FHIR R4 that validation needs (paths, cardinalities, types, bindings, codes,
// invariants), and nothing of its prose. Source: the unmodified HL7 definitions in one pinned npm package, fetched only
// to regenerate or check. Run: node scripts/generate-r4-facts.mjs [--check] [unpacked package folder]
import { execFileSync } from 'node:child_process'
import console from 'node:console'
import { createHash } from 'node:crypto'
import { mkdtempSync, readFileSync, readdirSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import process from 'node:process'
import { URL } from 'node:url'

const PACKAGE = 'hl7.fhir.r4.examples@4.0.1'
const INTEGRITY_SHA512 = 'DXBdIZOeQaSKIgCU7w6HOC7sw/6BzylmipLkBW4f//pT+Bc94x+8LImwTdvaNThPJoOzpBzvxAzNqjeu3X/zLw=='
const SD = 'http://hl7.org/fhir/StructureDefinition/'
const VS = 'http://hl7.org/fhir/ValueSet/'
const FHIR_TYPE = SD.concat('structuredefinition-fhir-type')
const MAX_VALUE_SET = SD.concat('elementdefinition-maxValueSet')
const OUT = new URL('../profiles/r4/', import.meta.url)
// Sets above this size are catalogues of their own (LOINC parts, all of v2): they belong to deployment packages.
const LARGEST_VALUE_SET = 400

const args = process.argv.slice(2)
const check = args.includes('--check')
const given = args.find((arg) => !arg.startsWith('--'))
const temp = given === undefined ? mkdtempSync(join(tmpdir(), 'r4-facts-')) : undefined
try {
  const source = readPackage(given ?? fetchPackage(temp))
  const stale = Object.entries(buildFiles(source)).filter(([name, text]) => !store(name, text))
  if (stale.length > 0) {
    console.error(`profiles/r4 differs from ${PACKAGE}: ${stale.map(([name]) => name).join(', ')}`)
    process.exitCode = 1
  }
} finally {
  if (temp !== undefined) rmSync(temp, { recursive: true })
}

function fetchPackage(folder) {
  const name = execFileSync('npm', ['pack', PACKAGE, '--silent', '--pack-destination', folder], { encoding: 'utf8' })
  const file = join(folder, name.trim())
  const integrity = createHash('sha512').update(readFileSync(file)).digest('base64')
  if (integrity !== INTEGRITY_SHA512)
    throw new Error(`${PACKAGE}: sha512 is ${integrity}, expected ${INTEGRITY_SHA512}`)
  execFileSync('tar', ['xzf', file, '-C', folder])
  return join(folder, 'package')
}

function readPackage(folder) {
  const source = { StructureDefinition: new Map(), ValueSet: new Map(), CodeSystem: new Map() }
  for (const name of readdirSync(folder)) {
    const kind = name.slice(0, name.indexOf('-'))
    if (!(kind in source)) continue
    const resource = JSON.parse(readFileSync(join(folder, name), 'utf8'))
    if (resource.url !== undefined) source[kind].set(resource.url, resource)
  }
  return source
}

function buildFiles(source) {
  const definitions = [...source.StructureDefinition.values()].filter(isWanted).sort((a, b) => (a.url < b.url ? -1 : 1))
  const isExtension = (definition) => definition.type === 'Extension' && definition.derivation === 'constraint'
  const file = (test) =>
    definitions.filter(test).map((definition) => [short(definition.url, SD), definitionFacts(definition)])
  const files = {
    'types.json': { definitions: file((one) => one.kind !== 'resource' && !isExtension(one)) },
    'resources.json': { definitions: file((one) => one.kind === 'resource') },
    'extensions.json': { definitions: file(isExtension) }
  }
  files['value-sets.json'] = {
    valueSets: valueSets(
      Object.values(files).flatMap((one) => one.definitions),
      source
    )
  }
  return Object.fromEntries(Object.entries(files).map(([name, content]) => [name, lines(content)]))
}

function store(name, text) {
  const file = new URL(name, OUT)
  if (check) return readFileSync(file, 'utf8') === text
  writeFileSync(file, text)
  return true
}

// One definition a line keeps the artefact small and its differences readable.
function lines(content) {
  const [[section, entries]] = Object.entries(content)
  const body = entries.map(([name, facts]) => `${JSON.stringify(name)}:${JSON.stringify(facts)}`).join(',\n')
  return `{"facts":"${PACKAGE}","${section}":{\n${body}\n}}\n`
}

function isWanted(definition) {
  if (definition.kind === 'logical' || !definition.url.startsWith(SD)) return false
  return definition.derivation !== 'constraint' || ['Extension', 'Quantity'].includes(definition.type)
}

// What a type adds to its base, element by element: "<min>..<max> <type>|<type>(<profile or target>,...)".
// Canonicals of base R4 are shortened to their last segment; what is not said is 0..1 for a new element, else inherited.
function definitionFacts(definition) {
  const facts = {
    kind: definition.kind,
    ...(definition.abstract ? { abstract: true } : {}),
    ...(definition.baseDefinition === undefined ? {} : { base: short(definition.baseDefinition, SD) }),
    ...(definition.derivation === 'constraint' ? { type: definition.type } : {})
  }
  if (definition.context !== undefined && definition.type === 'Extension') {
    facts.context = definition.context.map(({ type, expression }) =>
      type === 'element' ? expression : `${type}:${expression}`
    )
  }
  const sections = { elements: {}, modifiers: [], fixed: {}, bindings: {}, constraints: {} }
  const elements = definition.differential?.element ?? definition.snapshot.element
  elements.forEach((element, index) => addElement(sections, element, definition, index === 0))
  for (const [name, section] of Object.entries(sections)) {
    if (Object.keys(section).length > 0) facts[name] = section
  }
  return facts
}

function addElement(sections, element, definition, isRoot) {
  const key = isRoot ? '' : element.id.slice(element.id.indexOf('.') + 1)
  const line = elementLine(element, definition, isRoot)
  if (line !== '' || (!isRoot && definition.derivation !== 'constraint')) sections.elements[key] = line
  if (element.isModifier === true) sections.modifiers.push(key)
  const fixed = Object.keys(element).find((name) => /^(fixed|pattern|minValue|maxValue)[A-Z]|^maxLength$/.test(name))
  if (fixed !== undefined && !isOwnUrl(key, element[fixed], definition)) sections.fixed[key] = [fixed, element[fixed]]
  if (element.binding !== undefined && element.binding.strength !== 'example') {
    sections.bindings[key] = bindingLine(element.binding)
  }
  const constraints = (element.constraint ?? []).filter((constraint) => constraint.expression !== undefined)
  if (constraints.length > 0) {
    sections.constraints[key] = constraints.map(({ key, severity, expression }) => [key, severity, expression])
  }
}

// The url of an extension is its canonical, the url of a slice of an extension is the slice's name: not repeated.
function isOwnUrl(key, value, definition) {
  if (key === 'url') return value === definition.url
  return key.endsWith('.url') && key.slice(0, -4).endsWith(`:${value}`)
}

function elementLine(element, definition, isRoot) {
  const isNew = definition.derivation !== 'constraint' && !isRoot
  const min = element.min ?? ''
  const max = element.max ?? ''
  const range =
    (isNew && min === 0 && max === '1') || (isRoot && max === '*') || `${min}${max}` === '' ? '' : `${min}..${max}`
  const types = (element.type ?? []).flatMap((type) => typeFacts(type, element, definition)).join('|')
  const reuse = element.contentReference === undefined ? '' : element.contentReference
  return [range, types, reuse].filter((part) => part !== '').join(' ')
}

// R4 types ids and primitive values by FHIRPath system types; the FHIR type stands in an extension.
// Resource.id says string there although its format is that of id.
function typeFacts(type, element, definition) {
  if (element.path.endsWith('.value') && definition.kind === 'primitive-type') return []
  const fhirType = type.extension?.find((extension) => extension.url === FHIR_TYPE)?.valueUrl
  const code = definition.type === 'Resource' && element.path === 'Resource.id' ? 'id' : (fhirType ?? type.code)
  const narrow = [...(type.profile ?? []), ...(type.targetProfile ?? [])].map((url) => short(url, SD))
  return [narrow.length === 0 ? code : `${code}(${narrow.join(',')})`]
}

function bindingLine(binding) {
  const max = binding.extension?.find((extension) => extension.url === MAX_VALUE_SET)?.valueCanonical
  const set = short(binding.valueSet ?? '', VS)
  return [binding.strength, set, ...(max === undefined ? [] : [short(max, VS)])].join(' ').trim()
}

function short(url, prefix) {
  return url.startsWith(prefix) ? url.slice(prefix.length) : url
}

function valueSets(definitions, source) {
  const wanted = new Set()
  for (const [, facts] of definitions) {
    for (const line of Object.values(facts.bindings ?? {})) {
      const [strength, set, max] = line.split(' ')
      if (set !== undefined && strength !== 'preferred') wanted.add(set.split('|')[0])
      if (max !== undefined) wanted.add(max.split('|')[0])
    }
  }
  const sets = []
  for (const name of [...wanted].sort()) {
    const systems = expand(name.includes(':') ? name : VS + name, source)
    const count = [...(systems?.values() ?? [])].reduce((sum, codes) => sum + codes.size, 0)
    if (systems === undefined || count === 0 || count > LARGEST_VALUE_SET) continue
    sets.push([name, Object.fromEntries([...systems].map(([system, codes]) => [system, [...codes]]))])
  }
  return sets
}

// Every code of a set by system, or undefined when the definitions alone cannot say.
function expand(url, source, seen = new Set()) {
  const set = source.ValueSet.get(url.split('|')[0])
  if (set?.compose === undefined || seen.has(url)) return undefined
  const systems = new Map()
  for (const include of set.compose.include) {
    const part = expandPart(include, source, new Set([...seen, url]))
    if (part === undefined) return undefined
    for (const [system, codes] of part) systems.set(system, new Set([...(systems.get(system) ?? []), ...codes]))
  }
  for (const exclude of set.compose.exclude ?? []) {
    const part = expandPart(exclude, source, new Set([...seen, url]))
    if (part === undefined) return undefined
    for (const [system, codes] of part) for (const code of codes) systems.get(system)?.delete(code)
  }
  return systems
}

function expandPart(part, source, seen) {
  if (part.valueSet !== undefined) {
    if (part.system !== undefined || part.valueSet.length > 1) return undefined
    return expand(part.valueSet[0], source, seen)
  }
  if (part.concept !== undefined) return new Map([[part.system, new Set(part.concept.map((concept) => concept.code))]])
  const codeSystem = source.CodeSystem.get(part.system)
  if (codeSystem?.content !== 'complete') return undefined
  const codes = new Set()
  const filters = part.filter ?? []
  if (
    !filters.every(
      (filter) => filter.property === 'concept' && ['is-a', 'descendent-of', 'is-not-a'].includes(filter.op)
    )
  )
    return undefined
  const parents = parentsOf(codeSystem)
  for (const code of parents.keys()) {
    if (filters.every((filter) => isBelow(code, filter, parents) !== (filter.op === 'is-not-a'))) codes.add(code)
  }
  return new Map([[part.system, codes]])
}

function isBelow(code, filter, parents, depth = 0) {
  if (code === filter.value) return depth > 0 || filter.op !== 'descendent-of'
  return depth < 20 && (parents.get(code) ?? []).some((parent) => isBelow(parent, filter, parents, depth + 1))
}

function parentsOf(codeSystem) {
  const parents = new Map()
  const visit = (concept, parent) => {
    const declared = (concept.property ?? [])
      .filter((property) => property.code === 'subsumedBy')
      .map((property) => property.valueCode)
    parents.set(concept.code, parent === undefined ? declared : [parent, ...declared])
    for (const child of concept.concept ?? []) visit(child, concept.code)
  }
  for (const concept of codeSystem.concept ?? []) visit(concept, undefined)
  return parents
}
