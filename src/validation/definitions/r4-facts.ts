// Unpacks profiles/r4/*.json, the compact form that scripts/generate-r4-facts.mjs writes, into StructureDefinitions
// (differential only) and lists of codes.
import {
  type ElementConstraint,
  type ElementDefinition,
  type ElementType,
  HL7_DEFINITION,
  HL7_VALUE_SET,
  MAX_VALUE_SET,
  type StructureDefinition
} from './structure-definition.js'

/** One file of profiles/r4. `facts` names the package that the facts were read from. */
export interface FactsFile {
  facts: string
  definitions?: Record<string, DefinitionFacts>
  valueSets?: Record<string, Record<string, string[]>>
}

interface DefinitionFacts {
  kind: string
  abstract?: boolean
  base?: string
  /** Only of a constraint (SimpleQuantity, an extension): the type it constrains. */
  type?: string
  context?: string[]
  /** Element id below the root -> "<min>..<max> <type>|<type>(<profile or target>,...)" or "#<path>" to reuse one. */
  elements?: Record<string, string>
  modifiers?: string[]
  fixed?: Record<string, [string, unknown]>
  /** "<strength> <value set> <max value set>" */
  bindings?: Record<string, string>
  constraints?: Record<string, [string, 'error' | 'warning', string][]>
}

export function isFactsFile(content: unknown): content is FactsFile {
  return typeof content === 'object' && content !== null && 'facts' in content
}

export function unpackDefinitions(file: FactsFile): StructureDefinition[] {
  return Object.entries(file.definitions ?? {}).map(([name, facts]) => unpackDefinition(name, facts))
}

/** Value set canonical -> system -> codes. */
export function unpackValueSets(file: FactsFile): [string, Map<string, string[]>][] {
  return Object.entries(file.valueSets ?? {}).map(([name, systems]) => [
    absolute(name, HL7_VALUE_SET),
    new Map(Object.entries(systems))
  ])
}

function unpackDefinition(name: string, facts: DefinitionFacts): StructureDefinition {
  const url = absolute(name, HL7_DEFINITION)
  const root = facts.type ?? name
  const ids = new Set(['', ...Object.keys(facts.elements ?? {}), ...Object.keys(facts.bindings ?? {})])
  for (const id of [...Object.keys(facts.constraints ?? {}), ...Object.keys(facts.fixed ?? {})]) ids.add(id)
  const element = [...ids].map((id) => unpackElement(root, id, facts))
  if (root === 'Extension' && facts.type !== undefined) element.push(...extensionUrls(url, ids))
  return {
    url,
    kind: facts.kind,
    type: root,
    ...(facts.abstract === true ? { abstract: true } : {}),
    ...(facts.base === undefined ? {} : { baseDefinition: absolute(facts.base, HL7_DEFINITION) }),
    derivation: facts.type === undefined ? 'specialization' : 'constraint',
    ...(facts.context === undefined ? {} : { context: facts.context.map(unpackContext) }),
    differential: { element }
  }
}

// "Patient.contact" is an element; other kinds of context carry their kind: "extension:<url>", "fhirpath:<expression>".
function unpackContext(line: string): { type: string; expression: string } {
  const match = /^(extension|fhirpath):(.*)$/.exec(line)
  return match === null ? { type: 'element', expression: line } : { type: match[1] ?? '', expression: match[2] ?? '' }
}

function unpackElement(root: string, id: string, facts: DefinitionFacts): ElementDefinition {
  const name = id.slice(id.lastIndexOf('.') + 1)
  const slice = name.includes(':') ? name.slice(name.indexOf(':') + 1) : undefined
  const [fixedName, fixedValue] = facts.fixed?.[id] ?? []
  const constraints = facts.constraints?.[id]
  const binding = facts.bindings?.[id]
  return {
    id: id === '' ? root : `${root}.${id}`,
    path: (id === '' ? root : `${root}.${id}`).replace(/:[^.]*/g, ''),
    ...(slice === undefined ? {} : { sliceName: slice }),
    ...unpackLine(facts.elements?.[id] ?? ''),
    ...(facts.modifiers?.includes(id) === true ? { isModifier: true } : {}),
    ...(fixedName === undefined ? {} : { [fixedName]: fixedValue }),
    ...(binding === undefined ? {} : { binding: unpackBinding(binding) }),
    ...(constraints === undefined ? {} : { constraint: constraints.map(unpackConstraint) })
  }
}

function unpackLine(line: string): Pick<ElementDefinition, 'min' | 'max' | 'type' | 'contentReference'> {
  const result: Pick<ElementDefinition, 'min' | 'max' | 'type' | 'contentReference'> = {}
  for (const part of line.split(' ')) {
    const range = /^([0-9]*)\.\.([0-9]*|\*)$/.exec(part)
    if (range !== null) {
      if (range[1] !== '') result.min = Number(range[1])
      if (range[2] !== undefined && range[2] !== '') result.max = range[2]
    } else if (part.startsWith('#')) {
      result.contentReference = part
    } else if (part !== '') {
      result.type = part.split('|').map(unpackType)
    }
  }
  return result
}

function unpackType(text: string): ElementType {
  const open = text.indexOf('(')
  if (open < 0) return { code: text }
  const code = text.slice(0, open)
  const urls = text
    .slice(open + 1, -1)
    .split(',')
    .map((name) => absolute(name, HL7_DEFINITION))
  return code === 'Reference' || code === 'canonical' ? { code, targetProfile: urls } : { code, profile: urls }
}

function unpackBinding(line: string): NonNullable<ElementDefinition['binding']> {
  const [strength = '', valueSet, max] = line.split(' ')
  return {
    strength,
    ...(valueSet === undefined ? {} : { valueSet: absolute(valueSet, HL7_VALUE_SET) }),
    ...(max === undefined ? {} : { extension: [{ url: MAX_VALUE_SET, valueCanonical: absolute(max, HL7_VALUE_SET) }] })
  }
}

function unpackConstraint([key, severity, expression]: [string, string, string]): ElementConstraint {
  return { key, severity, expression }
}

// The generator leaves out what follows from the name: the url of an extension is its canonical, that of a slice of an
// extension the slice's name.
function extensionUrls(url: string, ids: ReadonlySet<string>): ElementDefinition[] {
  const urls: ElementDefinition[] = [{ id: 'Extension.url', path: 'Extension.url', fixedUri: url }]
  for (const id of ids) {
    const name = /(?:^|\.)extension:([^.]*)$/.exec(id)?.[1]
    if (name === undefined) continue
    const path = `Extension.${id.replace(/:[^.]*/g, '')}.url`
    urls.push({ id: `Extension.${id}.url`, path, fixedUri: name })
  }
  return urls
}

function absolute(name: string, prefix: string): string {
  return name.includes(':') ? name : prefix + name
}
