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
