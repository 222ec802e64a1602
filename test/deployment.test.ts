// The files for building and running elsewhere name things that exist: no container engine is needed to see that.
import { execFileSync } from 'node:child_process'
import { existsSync, readFileSync } from 'node:fs'
import { fileURLToPath } from 'node:url'
import t from 'tap'
import { parse as parseYaml } from 'yaml'
import { ROLES } from '../src/config-values.js'
import { VARIABLES } from '../src/config-variables.js'

const root = new URL('../', import.meta.url)
const read = (path: string): string => readFileSync(new URL(path, root), 'utf8')
const exists = (path: string): boolean => existsSync(new URL(path, root))

interface ComposeService {
  image: string
  command?: string[]
  environment: Record<string, string>
  healthcheck: { test?: string[]; disable?: boolean }
}
const compose = parseYaml(read('compose.yaml'), { merge: true }) as { services: Record<string, ComposeService> }
const hubServices = Object.entries(compose.services).filter(([, { image }]) => image === 'immunisation-hub')
const manifest = JSON.parse(read('package.json')) as { files: string[]; license: string }

/** Instructions of a Dockerfile, continued lines joined. */
const instructions = read('Dockerfile')
  .replace(/\\\n/g, ' ')
  .split('\n')
  .filter((line) => /^[A-Z]+ /.test(line))
const lastStage = instructions.slice(instructions.findLastIndex((line) => line.startsWith('FROM ')))

/** Sources and target of COPY, without those from another stage. */
function copied(lines: readonly string[]): { sources: string[]; target: string }[] {
  return lines
    .filter((line) => line.startsWith('COPY ') && !line.includes('--from='))
    .map((line) => line.split(/\s+/).slice(1))
    .map((words) => ({ sources: words.slice(0, -1), target: words.at(-1) ?? '' }))
}

t.test('compose.yaml runs every role, with variables that the service knows', (t) => {
  const roles = hubServices.map(([, { command }]) => command?.[command.indexOf('--roles') + 1])
  t.same(roles.sort(), [...ROLES].sort())
  for (const [name, { environment }] of hubServices) {
    t.same(
      Object.keys(environment).filter((variable) => !(variable in VARIABLES)),
      [],
      name
    )
  }
  t.end()
})

t.test('compose.yaml holds no secret: each is asked for, none has a value of its own', (t) => {
  const names = [...read('compose.yaml').matchAll(/^[^#\n]*?\$\{(\w+)(:?[-?])?/gm)]
  t.ok(names.length > 5)
  for (const [, name, operator] of names) {
    if (/PASSWORD|SECRET|TOKEN|JWKS/.test(name ?? '')) t.equal(operator, ':?', name ?? '')
  }
  t.notMatch(read('compose.yaml'), /PASSWORD: [^$\n]/)
  t.end()
})

t.test('every container is watched, or says why not', (t) => {
  for (const [name, { healthcheck, command = [] }] of Object.entries(compose.services)) {
    const isWatched = name === 'api' || healthcheck.test !== undefined
    t.equal(isWatched, !(command.includes('relay') || command.includes('worker')), name)
  }
  t.match(lastStage.join('\n'), /HEALTHCHECK .*\/health\/ready/, 'the API by the image')
  t.end()
})

t.test('Redis keeps its jobs', (t) => {
  const command = compose.services['redis']?.command?.join(' ')
  t.match(command, /--appendonly yes/)
  t.match(command, /--maxmemory-policy noeviction/)
  t.end()
})

t.test('the image is built from files that are there, and runs as an ordinary user', (t) => {
  const allowed = read('.dockerignore')
    .split('\n')
    .filter((line) => line.startsWith('!'))
    .map((line) => line.slice(1))
  const sources = copied(instructions).flatMap((copy) => copy.sources)
  t.ok(sources.length > 5)
  for (const source of sources) {
    t.ok(exists(source), `${source} exists`)
    t.ok(
      allowed.some((path) => source === path || source.startsWith(`${path}/`)),
      `${source} is not ignored`
    )
  }
  t.ok(lastStage.includes('USER node'))
  t.ok(lastStage.includes('ENTRYPOINT ["node", "dist/main.js"]'))
  t.ok(exists('src/main.ts'))
  t.end()
})

t.test('the image has what the package has', (t) => {
  const inImage = [...copied(lastStage).flatMap((copy) => copy.sources), 'dist']
  // Development mode needs the fixtures, and binds loopback: of no use in a container.
  const wanted = manifest.files.filter((file) => !file.startsWith('fixtures'))
  t.same(
    wanted.filter((file) => !inImage.includes(file)),
    []
  )
  t.end()
})

t.test('.ci/run is a script that bash can read, and may be run', (t) => {
  const path = fileURLToPath(new URL('.ci/run', root))
  t.doesNotThrow(() => execFileSync('bash', ['-n', path]))
  t.match(read('.ci/run'), /%d passed, %d failed/)
  t.end()
})

t.test('the licence is the one that package.json names', (t) => {
  t.equal(manifest.license, 'Apache-2.0')
  t.match(read('LICENSE'), /Apache License\s+Version 2\.0, January 2004/)
  t.match(read('LICENSE'), /END OF TERMS AND CONDITIONS/)
  t.end()
})
