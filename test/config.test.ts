import t from 'tap'
import { ConfigError, readConfig } from '../src/config.js'

const AUTH = { AUTH_ISSUER: 'https://issuer.example', AUTH_AUDIENCE: 'hub', AUTH_JWKS_FILE: '/etc/jwks.json' }

t.test('every bad variable is named in one error, with what to do', (t) => {
  try {
    readConfig(['--rolls', 'api'], {
      ...AUTH,
      PORT: '70000',
      ROLES: 'api,cook',
      DATABASE_URL: 'mysql://user:secret@host/db',
      REDIS_URL: 'not a url',
      LOG_LEVEL: 'loud',
      BODY_LIMIT_BYTES: '1.5',
      AUTH_JWKS_URL: 'https://issuer.example/jwks'
    })
    t.fail('it was accepted')
  } catch (error) {
    t.ok(error instanceof ConfigError)
    const { faults } = error as ConfigError
    for (const name of [
      '--rolls',
      'PORT',
      'ROLES',
      'DATABASE_URL',
      'REDIS_URL',
      'LOG_LEVEL',
      'BODY_LIMIT_BYTES',
      'AUTH_JWKS_FILE'
    ])
      t.ok(
        faults.some((fault) => fault.startsWith(name)),
        name
      )
    t.notMatch((error as Error).message, /secret/, 'a password is never repeated')
  }
  t.end()
})

t.test('development binds loopback only, and needs no authentication settings', (t) => {
  const config = readConfig(['--dev'], { HOME: '/home/somebody' })
  t.equal(config.host, '127.0.0.1')
  t.same([...config.roles], ['api', 'relay', 'worker'])
  t.equal(config.auth, undefined)
  t.throws(() => readConfig(['--dev'], { HOST: '0.0.0.0' }), /HOST: "0\.0\.0\.0" is not a loopback address/)
  t.end()
})

t.test('without authentication settings the api role is refused with a one-line fix; other roles need none', (t) => {
  t.throws(() => readConfig([], {}), /AUTH_ISSUER, AUTH_AUDIENCE and AUTH_JWKS_FILE .*--dev/)
  t.throws(() => readConfig([], { AUTH_ISSUER: 'x' }), /all three are needed/)
  t.same([...readConfig(['--roles', 'relay,worker'], {}).roles], ['relay', 'worker'])
  t.end()
})

t.test('the command line wins over the environment', (t) => {
  const config = readConfig(['--roles=worker', '--port', '0', '--data-dir', '/tmp/x'], {
    ...AUTH,
    ROLES: 'api',
    PORT: '9000',
    DATA_DIR: '/tmp/y'
  })
  t.match(
    { roles: [...config.roles], port: config.port, dataDir: config.dataDir },
    {
      roles: ['worker'],
      port: 0,
      dataDir: '/tmp/x'
    }
  )
  t.end()
})

t.test('a terminology server is a base URL; the word sandbox stands for one in development only', (t) => {
  const read = (environment: Record<string, string>, ...argv: string[]) =>
    readConfig(argv, { ...AUTH, ...environment }).terminology
  t.equal(read({}), undefined)
  t.same(read({ TERMINOLOGY_URL: 'https://terminology.example/fhir/' }), {
    url: 'https://terminology.example/fhir',
    timeoutMs: 5000
  })
  t.same(read({ TERMINOLOGY_URL: 'https://t.example/fhir', TERMINOLOGY_TOKEN: 'abc', TERMINOLOGY_TIMEOUT_MS: '250' }), {
    url: 'https://t.example/fhir',
    token: 'abc',
    timeoutMs: 250
  })
  t.same(read({ TERMINOLOGY_URL: 'sandbox' }, '--dev'), { url: 'sandbox', timeoutMs: 5000 })
  const faults: [Record<string, string>, RegExp][] = [
    [{ TERMINOLOGY_URL: 'sandbox' }, /TERMINOLOGY_URL: a URL that begins with https:/],
    [{ TERMINOLOGY_URL: 'https://user:secret@t.example/fhir' }, /TERMINOLOGY_URL: .*no user name/],
    [{ TERMINOLOGY_URL: 'https://t.example/fhir?x=1' }, /TERMINOLOGY_URL: .*no query/],
    [{ TERMINOLOGY_TOKEN: 'abc' }, /TERMINOLOGY_TOKEN: set TERMINOLOGY_URL too/],
    [{ TERMINOLOGY_URL: 'https://t.example', TERMINOLOGY_TOKEN: 'a b' }, /TERMINOLOGY_TOKEN: .*without spaces/],
    [{ TERMINOLOGY_URL: 'https://t.example', TERMINOLOGY_TIMEOUT_MS: '5' }, /TERMINOLOGY_TIMEOUT_MS: "5" is not/]
  ]
  for (const [environment, message] of faults) t.throws(() => read(environment), { message })
  t.throws(() => read({ TERMINOLOGY_URL: 'https://user:secret@t.example' }), { message: /^(?!.*secret)/s })
  t.end()
})
