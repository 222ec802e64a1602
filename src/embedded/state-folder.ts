// The state folder: 0700, owned by the account PostgreSQL runs under, and reachable for it.
import { chmod, chown, mkdir, readdir, stat } from 'node:fs/promises'
import { dirname, join } from 'node:path'
import { runCommand } from './run-command.js'
import type { ServerAccount } from './server-account.js'

/** sun_path of a Unix socket address, less the closing NUL: unix(7); on macOS sys/un.h. */
const socketPathBytes = process.platform === 'darwin' ? 103 : 107
const socketName = '.s.PGSQL.5432'
const remedy = 'set DATA_DIR to a new or empty folder'

/**
 * Creates the folder, or takes an empty one over. A folder with other things in it is never given another owner or
 * mode: DATA_DIR=/tmp must not close /tmp to everybody else.
 */
export async function prepareStateFolder(stateDir: string, account: ServerAccount): Promise<void> {
  if (Buffer.byteLength(join(stateDir, socketName)) > socketPathBytes) {
    throw new Error(
      `${stateDir} is too long for a Unix socket (${socketPathBytes} bytes): set DATA_DIR to a shorter path`
    )
  }
  await mkdir(dirname(stateDir), { recursive: true }).catch(cannotCreate(stateDir))
  await mkdir(stateDir, { mode: 0o700 }).catch((error: unknown) => {
    if ((error as NodeJS.ErrnoException).code !== 'EEXIST') cannotCreate(stateDir)(error)
  })
  if (!(await isOurs(stateDir, account))) await takeOver(stateDir, account)

  const reach = await runCommand('/bin/sh', ['-c', 'test -w "$1" && test -x "$1"', 'sh', stateDir], account)
  if (reach.code !== 0) {
    const who = account.uid === undefined ? 'this account' : `uid ${account.uid}, as which PostgreSQL runs under root`
    throw new Error(`${stateDir} cannot be reached by ${who}: set DATA_DIR to a folder outside closed (0700) folders`)
  }
}

function cannotCreate(stateDir: string) {
  return (cause: unknown): never => {
    const reason = (cause as NodeJS.ErrnoException).code ?? 'unknown reason'
    throw new Error(`The state folder ${stateDir} cannot be created (${reason}): ${remedy}`, { cause })
  }
}

async function isOurs(stateDir: string, account: ServerAccount): Promise<boolean> {
  const { uid, mode } = await stat(stateDir)
  return uid === (account.uid ?? process.getuid?.()) && (mode & 0o777) === 0o700
}

async function takeOver(stateDir: string, { uid, gid }: ServerAccount): Promise<void> {
  try {
    if ((await readdir(stateDir)).length > 0) throw new Error('it holds other files')
    await chmod(stateDir, 0o700)
    if (uid !== undefined && gid !== undefined) await chown(stateDir, uid, gid)
  } catch (cause) {
    throw new Error(`${stateDir} cannot be the state folder (${(cause as Error).message}): ${remedy}`, { cause })
  }
}
