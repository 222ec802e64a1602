// What `--dev` adds: an own signing key, sandbox destinations, and a note of where the service is for the command line.
import { mkdir, readFile, rename, rm, writeFile } from 'node:fs/promises'
import path from 'node:path'
import { createDevelopmentIssuer, type DevelopmentIssuer } from './http/development-issuer.js'

/** With every scope, what a development token carries unless less is asked for. */
export const ALL_PERMISSIONS = ['*.CRUDS']

/** What a running development service leaves in its data folder. */
export interface ServiceNote {
  url: string
  token: string
  sandboxUrl: string
}

export async function openIssuer(dataDir: string): Promise<DevelopmentIssuer> {
  await mkdir(dataDir, { recursive: true })
  return createDevelopmentIssuer({ keyFile: path.join(dataDir, 'development-key.json'), now: () => new Date() })
}

export async function writeServiceNote(dataDir: string, note: ServiceNote): Promise<void> {
  // Written beside and renamed: whoever reads it reads all of it.
  const half = `${notePath(dataDir)}.${process.pid}`
  await writeFile(half, `${JSON.stringify(note, null, 2)}\n`, { mode: 0o600 })
  await rename(half, notePath(dataDir))
}

/** Undefined where no development service has left a note. */
export async function findServiceNote(dataDir: string): Promise<ServiceNote | undefined> {
  try {
    return JSON.parse(await readFile(notePath(dataDir), 'utf8')) as ServiceNote
  } catch {
    return undefined
  }
}

export async function removeServiceNote(dataDir: string): Promise<void> {
  await rm(notePath(dataDir), { force: true })
}

function notePath(dataDir: string): string {
  return path.join(dataDir, 'service.json')
}
