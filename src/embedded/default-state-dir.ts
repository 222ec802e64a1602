// Where the service keeps its own state when nobody said otherwise. The environment is handed in by config.ts.
import { join, resolve } from 'node:path'

export interface StateDirPlace {
  /** Numeric user id of this process; undefined where the platform has none. */
  uid: number | undefined
  /** DATA_DIR */
  dataDir?: string | undefined
  /** XDG_STATE_HOME */
  xdgStateHome?: string | undefined
  /** HOME */
  home?: string | undefined
  workingDir: string
}

/**
 * Absolute path of the state folder: DATA_DIR if set; under root a place that an unprivileged account can reach (a root
 * home is 0700, and PostgreSQL does not run as root); else the user's state folder of the XDG Base Directory
 * specification 0.8; without a home, `.data` in the working directory.
 */
export function defaultStateDir({ uid, dataDir, xdgStateHome, home, workingDir }: StateDirPlace): string {
  if (dataDir) return resolve(workingDir, dataDir)
  if (uid === 0) return '/var/lib/immunisation-hub'
  // The specification: a relative path in XDG_STATE_HOME is invalid and ignored.
  if (xdgStateHome?.startsWith('/')) return join(xdgStateHome, 'immunisation-hub')
  if (home?.startsWith('/')) return join(home, '.local', 'state', 'immunisation-hub')
  return join(workingDir, '.data')
}
