// What the start checks and prepares before there is a server.
import { chmod, cp, mkdir, mkdtemp, readdir, rm, stat, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { basename, dirname, join } from 'node:path'
import t from 'tap'
import type { Test } from 'tap'
import { defaultStateDir } from '../../src/embedded/default-state-dir.js'
import { provideDatabaseFiles } from '../../src/embedded/database-files.js'
import { findNativeDir, provideBinaries } from '../../src/embedded/native-binaries.js'
import { findNamedAccount, findServerAccount } from '../../src/embedded/server-account.js'
import { startEmbeddedPostgres } from '../../src/embedded/start-embedded-postgres.js'
import { prepareStateFolder } from '../../src/embedded/state-folder.js'

const isRoot = process.getuid?.() === 0

async function newFolder(t: Test): Promise<string> {
  const folder = await mkdtemp(join(tmpdir(), 'imms-pg-'))
  await chmod(folder, 0o755)
  t.teardown(() => rm(folder, { recursive: true, force: true }))
  return folder
}

t.test('the state folder is DATA_DIR, else a place for root, else the user state folder, else .data', (t) => {
  const place = { uid: 1000, home: '/home/ana', workingDir: '/srv/hub' }
  t.equal(defaultStateDir({ ...place, dataDir: '/data' }), '/data')
  t.equal(defaultStateDir({ ...place, dataDir: 'state' }), '/srv/hub/state')
  t.equal(defaultStateDir({ ...place, uid: 0, dataDir: '/data' }), '/data')
  t.equal(defaultStateDir({ ...place, uid: 0, home: '/root' }), '/var/lib/immunisation-hub')
  t.equal(defaultStateDir(place), '/home/ana/.local/state/immunisation-hub')
  t.equal(defaultStateDir({ ...place, xdgStateHome: '/state' }), '/state/immunisation-hub')
  t.equal(defaultStateDir({ ...place, xdgStateHome: 'state' }), '/home/ana/.local/state/immunisation-hub')
  t.equal(defaultStateDir({ uid: 1000, workingDir: '/srv/hub' }), '/srv/hub/.data')
  t.equal(defaultStateDir({ uid: 1000, home: '', dataDir: '', workingDir: '/srv/hub' }), '/srv/hub/.data')
  t.end()
})

t.test('a platform without binaries is told to set DATABASE_URL', (t) => {
  t.throws(() => findNativeDir('win32', 'x64'), {
    message: 'Embedded PostgreSQL does not exist for win32-x64: set DATABASE_URL to a PostgreSQL of your own'
  })
  const [platform, arch] = process.platform === 'linux' ? ['darwin', 'x64'] : ['linux', 'x64']
  t.throws(() => findNativeDir(platform, arch), {
    message: `The optional package @embedded-postgres/${platform}-${arch} is not installed: set DATABASE_URL to a PostgreSQL of your own, or install with optional packages`
  })
  t.end()
})

t.test('binaries that cannot run where they are installed run from a private copy', async (t) => {
  const folder = await newFolder(t)
  const native = join(folder, 'closed', 'native')
  await cp(findNativeDir(), native, { recursive: true, verbatimSymlinks: true })
  await writeFile(join(dirname(native), 'package.json'), '{"version":"1.2.3"}')
  const list = await readdir(join(native, 'lib'))
  t.ok(list.length > 0)
  const stateDir = join(folder, 'state')
  await mkdir(stateDir)
  const account = isRoot ? { uid: 65534, gid: 65534 } : {}
  if (isRoot) await chmod(join(folder, 'closed'), 0o700)
  else await chmod(join(native, 'bin', 'postgres'), 0o600)

  const provided = provideBinaries(native, stateDir, account)
  if (isRoot) {
    t.equal((await provided).postgres, join(stateDir, 'binaries-1.2.3', 'native', 'bin', 'postgres'))
    t.same(await provideBinaries(native, stateDir, account), await provided, 'also when the copy is there already')
    t.notOk((await readdir(stateDir)).some((name) => name.endsWith('.new')))
  } else {
    await t.rejects(provided, /cannot be executed here .*set DATABASE_URL/)
  }
})

t.test('library links that no install script made are made at the start', async (t) => {
  const folder = await newFolder(t)
  const native = join(folder, 'native')
  const links = new Set<string>()
  await cp(findNativeDir(), native, {
    recursive: true,
    verbatimSymlinks: true,
    filter: async (source) => {
      const isLink = await stat(source).then((s) => s.isFile() && /\.so(\.\d+)?$/.test(source) && isListedLink(source))
      if (isLink) links.add(basename(source))
      return !isLink
    }
  })
  t.ok(links.size > 0 || process.platform !== 'linux', 'the copy has none of them')
  const { postgres } = await provideBinaries(native, folder, isRoot ? { uid: 65534, gid: 65534 } : {})
  t.equal(postgres, join(native, 'bin', 'postgres'), 'and it runs in place')
})

/** libicui18n.so.60 is a link to libicui18n.so.60.2, which is a file of the package. */
function isListedLink(path: string): boolean {
  return /lib(ecpg|ecpg_compat|icudata|icui18n|icuuc|pgtypes|pq)\.so(\.\d+)?$/.test(path)
}

t.test('the account is postgres, else nobody, else the number that nobody has everywhere', (t) => {
  const root = 'root:x:0:0:root:/root:/bin/bash'
  const nobody = 'nobody:x:65533:65532::/:/usr/sbin/nologin'
  const postgres = 'postgres:x:101:104::/var/lib/postgresql:/bin/bash'
  t.same(findNamedAccount([root, nobody, postgres].join('\n')), { uid: 101, gid: 104 })
  t.same(findNamedAccount([root, nobody].join('\n')), { uid: 65533, gid: 65532 })
  t.same(findNamedAccount(root), { uid: 65534, gid: 65534 })
  t.same(findNamedAccount('postgres:x:0:0::/:/bin/sh'), { uid: 65534, gid: 65534 }, 'never root')
  t.end()
})

t.test('database files stay with the account that owns them', { skip: !isRoot && 'needs root' }, async (t) => {
  const folder = await newFolder(t)
  await mkdir(join(folder, 'data'))
  t.not((await findServerAccount(join(folder, 'data'))).uid, 0)
  const { chown } = await import('node:fs/promises')
  await chown(join(folder, 'data'), 12345, 12346)
  t.same(await findServerAccount(join(folder, 'data')), { uid: 12345, gid: 12346 })
})

t.test('a folder with other things in it is not taken over', async (t) => {
  const folder = await newFolder(t)
  await writeFile(join(folder, 'letter.txt'), 'hello')
  await t.rejects(startEmbeddedPostgres({ stateDir: folder }), {
    message: `${folder} cannot be the state folder (it holds other files): set DATA_DIR to a new or empty folder`
  })
  t.equal((await stat(folder)).mode & 0o777, 0o755, 'its mode is what it was')
  t.equal((await stat(folder)).uid, process.getuid?.(), 'its owner, too')
})

t.test('an empty folder is taken over and closed', async (t) => {
  const folder = await newFolder(t)
  await prepareStateFolder(folder, isRoot ? { uid: 65534, gid: 65534 } : {})
  const { mode, uid } = await stat(folder)
  t.equal(mode & 0o777, 0o700)
  t.equal(uid, isRoot ? 65534 : process.getuid?.())
})

t.test('a folder that the account cannot reach is refused', { skip: !isRoot && 'needs root' }, async (t) => {
  const closed = await newFolder(t)
  await chmod(closed, 0o700)
  await t.rejects(startEmbeddedPostgres({ stateDir: join(closed, 'state') }), {
    message: /cannot be reached by uid \d+, as which PostgreSQL runs under root: set DATA_DIR to a folder outside/
  })
})

t.test('a folder that cannot be created is refused', async (t) => {
  const folder = await newFolder(t)
  await writeFile(join(folder, 'file'), '')
  await t.rejects(startEmbeddedPostgres({ stateDir: join(folder, 'file', 'state') }), {
    message: /state folder .* cannot be created \(E\w+\): set DATA_DIR/
  })
})

t.test('a path that is too long for a socket is refused', async (t) => {
  await t.rejects(startEmbeddedPostgres({ stateDir: join(tmpdir(), 'x'.repeat(100)) }), {
    message: /is too long for a Unix socket \(\d+ bytes\): set DATA_DIR to a shorter path/
  })
})

t.test('files of another PostgreSQL version are left alone', async (t) => {
  const folder = await newFolder(t)
  const databaseDir = join(folder, 'data')
  await mkdir(databaseDir)
  await writeFile(join(databaseDir, 'PG_VERSION'), '16\n')
  const binaries = await provideBinaries(findNativeDir(), folder, {})
  await t.rejects(provideDatabaseFiles({ databaseDir, binaries, account: {}, mark: 'imms-x', durable: false }), {
    message: /data was written by PostgreSQL 16, the embedded one is 18: set DATA_DIR to a new folder/
  })
  t.same(await readdir(databaseDir), ['PG_VERSION'])
})
