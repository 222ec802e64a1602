// Under which account PostgreSQL runs: it refuses uid 0, so a service that runs as root starts it as somebody else.
import { readFile, stat } from 'node:fs/promises'

/** Spread into the options of spawn. Empty: our own account. */
export interface ServerAccount {
  uid?: number
  gid?: number
}

const accountNames = ['postgres', 'nobody']
/** `nobody` of every Linux distribution we know, should /etc/passwd be missing. */
const fallback = { uid: 65534, gid: 65534 }

/** The owner of existing database files keeps them: a `postgres` account that appears later must not lock them out. */
export async function findServerAccount(databaseDir: string): Promise<ServerAccount> {
  if (process.getuid?.() !== 0) return {}
  if (process.platform === 'darwin') {
    throw new Error('Embedded PostgreSQL cannot run as root on macOS: start as an ordinary user, or set DATABASE_URL')
  }
  const owner = await stat(databaseDir).catch(() => undefined)
  if (owner && owner.uid !== 0) return { uid: owner.uid, gid: owner.gid }
  return findNamedAccount(await readFile('/etc/passwd', 'utf8').catch(() => ''))
}

/** `passwd` as in passwd(5): name:password:uid:gid:… */
export function findNamedAccount(passwd: string): Required<ServerAccount> {
  const entries = passwd.split('\n').map((line) => line.split(':'))
  for (const wanted of accountNames) {
    const entry = entries.find(([name]) => name === wanted)
    const uid = Number(entry?.[2])
    const gid = Number(entry?.[3])
    if (uid > 0 && gid > 0) return { uid, gid }
  }
  return fallback
}
