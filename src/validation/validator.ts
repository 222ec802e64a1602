// The validator: definitions in, verdicts out. Pure, total on any JSON value, linear in its size.
import type { Issue } from '../fhir/issue.js'
import type { Check } from './check.js'
import { createCompiler } from './compiler.js'
import { type ProfileClaim, readClaims } from './claims.js'
import type { ValidationCatalogue } from './definitions/catalogue.js'
import { BASE_R4, type ElementTree } from './definitions/element-tree.js'
import { createSnapshots } from './definitions/snapshot.js'
import { HL7_DEFINITION, isObject, type JsonObject } from './definitions/structure-definition.js'
import { describeProfile, type ProfileRow } from './describe-profile.js'
import type { KnownExtension } from './facets/extension.js'
import type { ExpressionEngine } from './facets/invariant.js'
import { toJsonSchema } from './json-schema.js'
import { createPlanner } from './planner.js'
import { rootPlace, type Run, startRun } from './run.js'
import { readContexts, sortDefinitions } from './shelves.js'
import { createValueSetShelf, type OpenConcept } from './terminology-questions.js'
import { createTerminology } from './terminology.js'
import { inOrder, type OddClaims, refuse, reportClaims, withoutRepeatedConcepts, withoutRepeats } from './verdict.js'

export interface Validator {
  /**
   * Every fault, warning and remark at once; empty when there is nothing to say.
   * `profile` is a canonical, with or without |version; the default is the UK Core profile of the resource's type, or
   * base R4 where UK Core has none. Profiles named in meta.profile that are loaded are judged as well.
   */
  validate(resource: unknown, profile?: string): Issue[]
  /** True when {@link validate} would give no error; quicker, because nothing is explained. */
  isValid(resource: unknown, profile?: string): boolean
  /** Codes that no list at hand decides, for a terminology server; empty for anything that is not a known resource. */
  findOpenConcepts(resource: unknown): OpenConcept[]
  /** The value set that a question names, to be sent along with it. */
  findValueSet(name: string): JsonObject | undefined
  /** The profile used for each resource type, and where it came from. */
  profiles(): readonly ProfileSummary[]
  /** A compiled profile in rows, by canonical or resource type; undefined when it is not known. */
  describe(profile: string): ProfileRow[] | undefined
  /** The structural part as JSON Schema 2020-12, by canonical or resource type; undefined when it is not known. */
  jsonSchema(profile: string): JsonObject | undefined
}

export interface ProfileSummary {
  type: string
  canonical: string
  version: string | undefined
  file: string
  isDefault: boolean
}

export interface ValidatorOptions {
  /** Evaluates invariants that have no native form. Without one they are reported as unchecked. */
  engine?: ExpressionEngine
}

/**
 * Compiles every profile and extension of the catalogue that is not base R4; base types are compiled when first met.
 * @throws DefinitionError naming file and element for a construct that no builder knows
 */
export function createValidator(catalogue: ValidationCatalogue, options: ValidatorOptions = {}): Validator {
  const snapshots = createSnapshots(catalogue)
  const planner = createPlanner(catalogue, snapshots)
  const shelves = sortDefinitions(catalogue)
  const resourceChecks = new Map<string, Check>()
  const extensionChecks = new Map<string, KnownExtension>()
  const terminology = createTerminology(catalogue)
  const valueSets = createValueSetShelf(catalogue.valueSets)
  const compile = createCompiler({
    terminology,
    valueSets,
    resourceTypes: shelves.resourceTypes,
    engine: options.engine,
    resources: { find: findResourceCheck, read: compileCanonical },
    extensions: { find: findExtension, anyExtension: () => compileCanonical(`${HL7_DEFINITION}Extension`) }
  })
  for (const { definition } of shelves.profiles) compileCanonical(definition.url)
  for (const [url, { origin }] of shelves.extensions) if (origin !== 'r4') findExtension(url)

  const findValueSet = (name: string): JsonObject | undefined => valueSets.find(name)
  return { validate, isValid, findOpenConcepts, findValueSet, profiles, describe, jsonSchema }

  function validate(resource: unknown, profile?: string): Issue[] {
    const start = open(resource, profile)
    if ('issues' in start) return start.issues
    const quick = startRun(start.resource)
    const isClean = passesAll(start, quick) && !quick.hasRemarks
    if (isClean && start.claims.unknown.length + start.claims.misplaced.length === 0) return quick.issues
    const run = startRun(start.resource)
    const place = rootPlace(start.type)
    for (const check of start.checks) check.explain(resource, {}, place, run)
    reportClaims(start.claims, place, run)
    return inOrder(start.checks.length > 1 ? withoutRepeats(run.issues) : run.issues)
  }

  function isValid(resource: unknown, profile?: string): boolean {
    const start = open(resource, profile)
    if ('issues' in start) return false
    return start.claims.misplaced.length === 0 && passesAll(start, startRun(start.resource))
  }

  function findOpenConcepts(resource: unknown): OpenConcept[] {
    const start = open(resource, undefined)
    if ('issues' in start) return []
    const run = { ...startRun(start.resource), openConcepts: [] as OpenConcept[] }
    const place = rootPlace(start.type)
    for (const check of start.checks) check.explain(resource, {}, place, run)
    return start.checks.length > 1 ? withoutRepeatedConcepts(run.openConcepts) : run.openConcepts
  }

  function profiles(): ProfileSummary[] {
    return shelves.profiles.map(({ definition, file }) => ({
      type: definition.type,
      canonical: definition.url,
      version: definition.version,
      file,
      isDefault: shelves.defaults.get(definition.type) === definition.url
    }))
  }

  function describe(profile: string): ProfileRow[] | undefined {
    const tree = findTree(profile)
    return tree === undefined ? undefined : describeProfile(planner.ofTree(tree))
  }

  function jsonSchema(profile: string): JsonObject | undefined {
    const tree = findTree(profile)
    if (tree === undefined) return undefined
    return toJsonSchema(planner.ofTree(tree), tree.by.label === BASE_R4.label ? tree.type : tree.by.label, {
      terminology,
      resourceTypes: [...shelves.resourceTypes],
      resourcePlan(type) {
        const canonical = type === 'Extension' ? HL7_DEFINITION + type : shelves.defaults.get(type)
        return canonical === undefined ? undefined : planner.ofTree(snapshots.read(canonical, canonical))
      }
    })
  }

  function findTree(profile: string): ElementTree | undefined {
    return snapshots.find(shelves.defaults.get(profile) ?? profile) ?? snapshots.find(HL7_DEFINITION + profile)
  }

  function open(resource: unknown, profile: string | undefined): Start | { issues: Issue[] } {
    const type = isObject(resource) ? resource['resourceType'] : undefined
    if (!isObject(resource) || typeof type !== 'string' || !shelves.resourceTypes.has(type)) {
      return { issues: refuse('resource-type', 'Resource', 'must be a JSON object whose resourceType FHIR R4 knows') }
    }
    if (profile !== undefined) {
      const tree = snapshots.find(profile)
      if (tree === undefined || (tree.type !== type && tree.kind !== 'resource')) {
        return { issues: refuse('profile-unknown', type, 'cannot be judged by that profile: it is not loaded') }
      }
      if (tree.type !== type) {
        return {
          issues: refuse('resource-not-allowed', type, `is not a ${tree.type}, which the profile asked for is of`)
        }
      }
    }
    const wanted = profile ?? shelves.defaults.get(type) ?? HL7_DEFINITION + type
    const claims = readClaims(resource, wanted)
    if (claims.length === 0) return { type, resource, checks: [compileCanonical(wanted)], claims: NO_CLAIMS }
    const known = claims.filter((claim) => isUsable(claim.canonical, type))
    const checks = [wanted, ...new Set(known.map((claim) => claim.canonical))].map(compileCanonical)
    return {
      type,
      resource,
      checks,
      claims: { unknown: claims.filter(isUnknown), misplaced: claims.filter(isMisplaced) }
    }

    function isUnknown({ canonical }: ProfileClaim): boolean {
      return snapshots.find(canonical) === undefined
    }

    function isMisplaced({ canonical }: ProfileClaim): boolean {
      const claimed = snapshots.find(canonical)?.type ?? type
      return claimed !== type && claimed !== 'Resource' && claimed !== 'DomainResource'
    }
  }

  function isUsable(canonical: string, type: string): boolean {
    const tree = snapshots.find(canonical)
    return tree?.type === type && tree.by.layer === 'profile' && tree.url !== shelves.defaults.get(type)
  }

  function compileCanonical(canonical: string): Check {
    return compile(planner.ofTree(snapshots.read(canonical, canonical)))
  }

  function findResourceCheck(type: string): Check | undefined {
    if (!shelves.resourceTypes.has(type)) return undefined
    let check = resourceChecks.get(type)
    if (check === undefined) {
      check = compileCanonical(shelves.defaults.get(type) ?? HL7_DEFINITION + type)
      resourceChecks.set(type, check)
    }
    return check
  }

  function findExtension(url: string): KnownExtension | undefined {
    const known = extensionChecks.get(url)
    const loaded = shelves.extensions.get(url)
    if (known !== undefined || loaded === undefined) return known
    const tree = snapshots.read(url, url)
    const check = compile(planner.ofTree(tree))
    const extension = { check, isModifier: tree.root.isModifier, contexts: readContexts(loaded), by: tree.by }
    extensionChecks.set(url, extension)
    return extension
  }
}

function passesAll({ checks, resource }: Start, run: Run): boolean {
  for (const check of checks) if (!check.passes(resource, resource, run)) return false
  return true
}

const NO_CLAIMS: OddClaims = { unknown: [], misplaced: [] }

interface Start {
  type: string
  resource: JsonObject
  checks: Check[]
  claims: OddClaims
}
