// The database files: created at the first start, with the one database of the service in them.
import { readFile, rename, rm } from 'node:fs/promises'
import type { NativeBinaries } from './native-binaries.js'
import { runCommand } from './run-command.js'
import type { ServerAccount } from './server-account.js'

export const databaseName = 'immunisation_hub'
export const databaseUser = 'immunisation_hub'

export interface DatabaseFilesSetup {
  databaseDir: string
  binaries: NativeBinaries
  account: ServerAccount
  mark: string
  durable: boolean
}

/** Made beside and renamed when complete: a first start that was interrupted begins anew. */
export async function provideDatabaseFiles(setup: DatabaseFilesSetup): Promise<void> {
  const { databaseDir, binaries } = setup
  const found = await readFile(`${databaseDir}/PG_VERSION`, 'utf8').catch(() => undefined)
  if (found !== undefined) {
    await checkVersion(databaseDir, found.trim(), binaries)
    return
  }
  const unfinished = `${databaseDir}.new`
  await rm(unfinished, { recursive: true, force: true })
  await initialise(unfinished, setup)
  await createDatabase(unfinished, setup)
  await rename(unfinished, databaseDir)
}

/** Files of one major version are not readable by another. */
async function checkVersion(databaseDir: string, found: string, { postgres }: NativeBinaries): Promise<void> {
  const { output } = await runCommand(postgres, ['--version'], {})
  const brought = /(\d+)(\.|beta|rc|devel)/.exec(output)?.[1]
  if (brought !== undefined && brought !== found) {
    throw new Error(
      `${databaseDir} was written by PostgreSQL ${found}, the embedded one is ${brought}: set DATA_DIR to a new folder, or move the data with pg_dump`
    )
  }
}

async function initialise(directory: string, { binaries, account, mark, durable }: DatabaseFilesSetup): Promise<void> {
  const args = ['-D', directory, '-U', databaseUser, '--no-instructions', '-c', `cluster_name=${mark}`]
  // Whoever reaches the socket may connect: it lies in a folder that is closed to everybody else.
  args.push('--auth=trust', '--encoding=UTF8', '--locale-provider=builtin', '--locale=C.UTF-8')
  if (!durable) args.push('--no-sync')
  const { code, output } = await runCommand(binaries.initdb, args, account)
  if (code !== 0) throw new Error(`Embedded PostgreSQL: initdb failed: ${lastLine(output)}`)
}

/** In single-user mode, so that no client library is needed here. It reports errors on stderr and still exits with 0. */
async function createDatabase(directory: string, { binaries, account, mark }: DatabaseFilesSetup): Promise<void> {
  const args = ['--single', '-D', directory, '-c', `cluster_name=${mark}`, '-c', 'log_min_messages=error', 'postgres']
  const { code, output } = await runCommand(binaries.postgres, args, account, `create database ${databaseName}\n`)
  if (code !== 0 || /(ERROR|FATAL|PANIC):/.test(output)) {
    throw new Error(`Embedded PostgreSQL: creating the database failed: ${lastLine(output)}`)
  }
}

function lastLine(output: string): string {
  return output.split('\n').at(-1) ?? ''
}
