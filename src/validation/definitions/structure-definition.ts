// The part of a FHIR R4 StructureDefinition that validation reads, and the reading of it from unknown JSON.
// http://hl7.org/fhir/R4/structuredefinition.html, http://hl7.org/fhir/R4/elementdefinition.html

export const HL7_DEFINITION = 'http://hl7.org/fhir/StructureDefinition/'
export const HL7_VALUE_SET = 'http://hl7.org/fhir/ValueSet/'
export const MAX_VALUE_SET = `${HL7_DEFINITION}elementdefinition-maxValueSet`
export const FHIR_TYPE = `${HL7_DEFINITION}structuredefinition-fhir-type`

export type JsonObject = Record<string, unknown>

export interface StructureDefinition {
  url: string
  version?: string
  name?: string
  kind: string
  abstract?: boolean
  type: string
  baseDefinition?: string
  derivation?: string
  context?: ExtensionContext[]
  snapshot?: { element: ElementDefinition[] }
  differential?: { element: ElementDefinition[] }
}

export interface ExtensionContext {
  type: string
  expression: string
}

export interface ElementDefinition {
  id?: string
  path: string
  sliceName?: string
  slicing?: Slicing
  min?: number
  max?: string
  type?: ElementType[]
  contentReference?: string
  isModifier?: boolean
  maxLength?: number
  binding?: ElementBinding
  constraint?: ElementConstraint[]
  /** fixed[x], pattern[x], minValue[x], maxValue[x] stand under their own names. */
  [key: string]: unknown
}

export interface Slicing {
  discriminator?: Discriminator[]
  rules?: string
  ordered?: boolean
}

export interface Discriminator {
  type: string
  path: string
}

export interface ElementType {
  code: string
  profile?: string[]
  targetProfile?: string[]
  extension?: { url: string; valueUrl?: string }[]
}

export interface ElementBinding {
  strength: string
  valueSet?: string
  extension?: { url: string; valueCanonical?: string }[]
}

export interface ElementConstraint {
  key: string
  severity: string
  expression?: string
}

/** A definition file that cannot be used. The message names file and element. */
export class DefinitionError extends Error {
  constructor(file: string, element: string, problem: string) {
    super(`${file}: ${element === '' ? '' : `${element}: `}${problem}`)
    this.name = 'DefinitionError'
  }
}

// What an element may say beside the rules above without changing a verdict.
const SILENT = new Set([
  ...['short', 'definition', 'comment', 'requirements', 'alias', 'base', 'mustSupport', 'isSummary', 'mapping', 'code'],
  ...['example', 'label', 'representation', 'extension', 'modifierExtension', 'meaningWhenMissing', 'orderMeaning'],
  ...['condition', 'isModifierReason', 'sliceIsConstraining']
])
const RULES = new Set([
  ...['id', 'path', 'sliceName', 'slicing', 'min', 'max', 'type', 'contentReference', 'isModifier', 'maxLength'],
  ...['binding', 'constraint']
])
const VALUE_RULE = /^(?:fixed|pattern|minValue|maxValue|defaultValue)[A-Z]/

/**
 * Takes parsed JSON for a StructureDefinition.
 * @throws DefinitionError naming file and element for a shape or a construct that nobody here knows
 */
export function readStructureDefinition(content: unknown, file: string): StructureDefinition {
  if (!isObject(content) || content['resourceType'] !== 'StructureDefinition') {
    throw new DefinitionError(file, '', 'expected a StructureDefinition')
  }
  for (const key of ['url', 'kind', 'type']) {
    if (typeof content[key] !== 'string')
      throw new DefinitionError(file, '', `StructureDefinition.${key} must be a string`)
  }
  const views = [content['snapshot'], content['differential']].filter((view) => view !== undefined)
  if (views.length === 0) throw new DefinitionError(file, '', 'has neither snapshot nor differential')
  for (const view of views) {
    const elements: unknown = isObject(view) ? view['element'] : undefined
    if (!Array.isArray(elements))
      throw new DefinitionError(file, '', 'snapshot and differential hold a list named element')
    for (const element of elements as unknown[]) checkElement(element, file)
  }
  return content as unknown as StructureDefinition
}

function checkElement(element: unknown, file: string): void {
  if (!isObject(element) || typeof element['path'] !== 'string') {
    throw new DefinitionError(file, '', 'every element needs a path')
  }
  const name = typeof element['id'] === 'string' ? element['id'] : element['path']
  for (const key of Object.keys(element)) {
    if (key.startsWith('_') || SILENT.has(key) || RULES.has(key) || VALUE_RULE.test(key)) continue
    throw new DefinitionError(file, name, `"${key}" is a construct that no builder knows`)
  }
  const max = element['max']
  if (max !== undefined && (typeof max !== 'string' || !/^(?:\*|[0-9]{1,6})$/.test(max))) {
    throw new DefinitionError(file, name, 'max must be "*" or a number in a string')
  }
  const min = element['min']
  if (min !== undefined && (typeof min !== 'number' || !Number.isInteger(min) || min < 0)) {
    throw new DefinitionError(file, name, 'min must be a whole number, 0 or more')
  }
  for (const key of ['type', 'constraint']) {
    if (element[key] !== undefined && !Array.isArray(element[key])) {
      throw new DefinitionError(file, name, `${key} must be a list`)
    }
  }
}

export function isObject(value: unknown): value is JsonObject {
  return typeof value === 'object' && value !== null && !Array.isArray(value)
}

/** Splits `url|version`. */
export function splitCanonical(canonical: string): { url: string; version: string | undefined } {
  const bar = canonical.indexOf('|')
  return bar < 0
    ? { url: canonical, version: undefined }
    : { url: canonical.slice(0, bar), version: canonical.slice(bar + 1) }
}
