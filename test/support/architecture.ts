// The house rules of the README ("The house"), as data and as checks. A fault is one sentence that says what to do.
import { posix } from 'node:path'
import type { SourceFile, SourceImport } from './read-source.js'

/** Ground first. A file imports its own floor or a lower one. The roof is the files of src/ itself. */
export const floors: readonly (readonly string[])[] = [
  ['fhir'],
  ['validation', 'programmes', 'dedup'],
  ['storage', 'queue'],
  ['ingest', 'history', 'delivery', 'review', 'terminology', 'elsewhere'],
  ['http', 'worker', 'cli'],
  ['roof']
]

/** Stand beside the doors: the roof starts them, nobody else knows them, and they know no door. */
export const besideTheDoors = ['embedded', 'sandbox']

/** No I/O, no clock, no chance: everything is handed in. */
export const pureFolders = ['fhir', 'validation', 'programmes', 'dedup']
const pureBuiltins = ['node:crypto', 'node:util']

/** Who may import which package. A package that is not here may be imported by nobody. */
export const packageUsers: Readonly<Record<string, readonly string[]>> = {
  // Its static files only.
  '@fastify/swagger-ui': ['http'],
  '@aws-sdk/client-dynamodb': ['delivery'],
  '@bull-board/api': ['queue'],
  // Its static files only.
  '@bull-board/ui': ['http'],
  ajv: ['roof', 'http', 'programmes', 'dedup'],
  bullmq: ['queue', 'worker'],
  'cli-progress': ['cli'],
  'cli-table3': ['cli'],
  commander: ['cli', 'roof'],
  fastify: ['http'],
  'fhir-kit-client': ['delivery'],
  fhirpath: ['roof'],
  ioredis: ['queue'],
  jose: ['http', 'delivery', 'sandbox'],
  pg: ['storage'],
  picocolors: ['cli', 'roof'],
  pino: ['roof'],
  'prom-client': ['roof'],
  saxes: ['delivery'],
  uuidv7: ['ingest', 'delivery', 'review', 'http', 'worker', 'roof'],
  yaml: ['roof']
}
/** Types only, of @types/fhir: a development dependency. */
const typePackages = ['fhir']

export const longestFile = 250
export const longestFunction = 50

export function folderOf(path: string): string {
  return path.includes('/') ? (path.split('/')[0] ?? '') : 'roof'
}

/** Every fault of the files, in the order of the files. */
export function findFaults(files: readonly SourceFile[], dependencies: readonly string[]): string[] {
  const perFile = files.flatMap((file) => [
    ...folderFaults(file),
    ...file.imports.flatMap((item) => importFaults(file, item, dependencies)),
    ...reachFaults(file),
    ...shapeFaults(file)
  ])
  return [
    ...perFile,
    ...findCycles(files).map((cycle) => `${cycle.join(' -> ')}: an import cycle; take one import out`)
  ]
}

function folderFaults({ path }: SourceFile): string[] {
  const folder = folderOf(path)
  if (floorOf(folder) !== undefined) return []
  return [`${path}: ${folder}/ stands on no floor: give it one in test/support/architecture.ts`]
}

function importFaults(file: SourceFile, item: SourceImport, dependencies: readonly string[]): string[] {
  const at = `${file.path}:${item.line}`
  const { specifier } = item
  if (specifier === undefined) {
    return folderOf(file.path) === 'roof' ? [] : [`${at}: a computed import(); only the roof reads folders of code`]
  }
  if (specifier.startsWith('.')) return floorFaults(file, specifier, at)
  if (specifier.startsWith('node:')) return builtinFaults(file, specifier, at)
  return packageFaults(file, item, packageOf(specifier), dependencies, at)
}

function floorFaults(file: SourceFile, specifier: string, at: string): string[] {
  const target = targetOf(file.path, specifier)
  if (target.startsWith('..')) return [`${at}: imports ${target}, which lies outside src/`]
  const from = folderOf(file.path)
  const to = folderOf(target)
  if (from === to) return []
  const reason = whyNot(from, to)
  return reason === undefined ? [] : [`${at}: ${from} imports ${target}; ${reason}`]
}

function whyNot(from: string, to: string): string | undefined {
  if (besideTheDoors.includes(to) && from !== 'roof') return `only the roof knows ${to}/`
  // A folder without a floor is a fault of its own.
  const fromFloor = floorOf(from) ?? Infinity
  const toFloor = floorOf(to) ?? 0
  if (besideTheDoors.includes(from) && toFloor === fromFloor) return `${from}/ stands beside the doors and knows none`
  return toFloor > fromFloor ? `${to}/ is on a higher floor` : undefined
}

function floorOf(folder: string): number | undefined {
  const index = floors.findIndex((folders) => folders.includes(besideTheDoors.includes(folder) ? 'http' : folder))
  return index === -1 ? undefined : index
}

function builtinFaults(file: SourceFile, specifier: string, at: string): string[] {
  const folder = folderOf(file.path)
  if (!pureFolders.includes(folder) || pureBuiltins.includes(specifier)) return []
  return [`${at}: ${folder}/ is pure, and imports ${specifier}`]
}

function packageFaults(
  file: SourceFile,
  { isTypeOnly }: SourceImport,
  name: string,
  dependencies: readonly string[],
  at: string
): string[] {
  if (typePackages.includes(name)) return isTypeOnly ? [] : [`${at}: ${name} holds types only: import type`]
  const folder = folderOf(file.path)
  const users = packageUsers[name]
  if (!users) return [`${at}: ${name} is imported by nobody yet: say who may in test/support/architecture.ts`]
  if (!users.includes(folder)) return [`${at}: ${folder} imports ${name}; only ${users.join(', ')} may`]
  return dependencies.includes(name) ? [] : [`${at}: ${name} is no dependency in package.json`]
}

/** `ajv/dist/2020.js` is of ajv, `@aws-sdk/client-dynamodb` has two parts. */
function packageOf(specifier: string): string {
  return specifier.split('/', specifier.startsWith('@') ? 2 : 1).join('/')
}

function reachFaults(file: SourceFile): string[] {
  const isPure = pureFolders.includes(folderOf(file.path))
  return file.reaches.flatMap(({ name, line }) => {
    const at = `${file.path}:${line}`
    if (name === 'process.env' && file.path !== 'config.ts') return [`${at}: only config.ts reads process.env`]
    return isPure ? [`${at}: ${folderOf(file.path)}/ is pure, and uses ${name}: have it handed in`] : []
  })
}

function shapeFaults(file: SourceFile): string[] {
  const faults = file.namelessExports.map(({ name, line }) => `${file.path}:${line}: ${name}; name what you export`)
  if (file.lines > longestFile) faults.push(`${file.path}: ${file.lines} lines; look for the second noun inside it`)
  for (const { name, line, ownLines } of file.functions) {
    if (ownLines > longestFunction)
      faults.push(`${file.path}:${line}: ${name} has ${ownLines} lines of its own; split it`)
  }
  return faults
}

function targetOf(path: string, specifier: string): string {
  return posix.join(posix.dirname(path), specifier).replace(/\.js$/, '.ts')
}

/** Each cycle once, as the list of its files, the first repeated at the end. Imports of types count: they are knowledge. */
export function findCycles(files: readonly SourceFile[]): string[][] {
  const targets = new Map(
    files.map((file) => [
      file.path,
      file.imports.flatMap(({ specifier }) => (specifier?.startsWith('.') ? [targetOf(file.path, specifier)] : []))
    ])
  )
  const cycles: string[][] = []
  const done = new Set<string>()
  const walk = (path: string, trail: readonly string[]): void => {
    const seenAt = trail.indexOf(path)
    if (seenAt !== -1) cycles.push([...trail.slice(seenAt), path])
    if (seenAt !== -1 || done.has(path)) return
    for (const target of targets.get(path) ?? []) walk(target, [...trail, path])
    done.add(path)
  }
  for (const file of files) walk(file.path, [])
  return cycles
}
