// One service per state folder. The claim is a listening Unix socket: it ends with its process however that ends, and,
// unlike a process id in a file, it cannot be mistaken for another process after a restart of the machine or container.
import { rename, unlink } from 'node:fs/promises'
import { connect, createServer } from 'node:net'
import type { Server } from 'node:net'
import { join } from 'node:path'

export interface FolderClaim {
  release(): Promise<void>
}

/** @throws Error naming the process that holds the folder */
export async function claimFolder(stateDir: string): Promise<FolderClaim> {
  const path = join(stateDir, 'owner.sock')
  // More than one round only when several starters find the same stale socket.
  for (let round = 1; round <= 10; round++) {
    const server = await listen(path)
    if (server) return { release: () => closeServer(server) }
    const owner = await askOwner(path)
    if (owner !== undefined) throw inUse(stateDir, owner)
    await removeStale(path)
  }
  throw new Error(`${stateDir} is being claimed by several processes at once: start one service per state folder`)
}

function inUse(stateDir: string, owner: string): Error {
  return new Error(
    `The embedded PostgreSQL in ${stateDir} is in use by process ${owner}: stop that service, or set DATA_DIR to another folder`
  )
}

/** Undefined when the path is taken. */
function listen(path: string): Promise<Server | undefined> {
  return new Promise((resolve, reject) => {
    const server = createServer((socket) => {
      socket.on('error', () => undefined)
      socket.end(String(process.pid))
    })
    server.unref()
    server.once('error', (error: NodeJS.ErrnoException) => {
      if (error.code === 'EADDRINUSE') resolve(undefined)
      else reject(error)
    })
    server.listen(path, () => {
      resolve(server)
    })
  })
}

function closeServer(server: Server): Promise<void> {
  return new Promise((resolve) => {
    server.close(() => {
      resolve()
    })
  })
}

/** The process id of the owner (or a word for it when it is too busy to answer); undefined when nobody listens. */
function askOwner(path: string): Promise<string | undefined> {
  return new Promise((resolve) => {
    let answer = ''
    const socket = connect(path)
    socket.setTimeout(1000, () => socket.destroy())
    socket.on('data', (chunk) => (answer += chunk.toString()))
    socket.once('connect', () => {
      answer ||= ''
      socket.once('close', () => {
        resolve(answer || 'unknown')
      })
    })
    socket.once('error', () => {
      resolve(undefined)
    })
  })
}

/** Moved aside first: should another starter have replaced the socket meanwhile, it answers and is put back. */
async function removeStale(path: string): Promise<void> {
  const aside = `${path}.${process.pid}`
  const moved = await rename(path, aside).then(
    () => true,
    () => false
  )
  if (!moved) return
  if ((await askOwner(aside)) === undefined) await unlink(aside)
  else await rename(aside, path)
}
