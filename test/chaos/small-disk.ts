// A disk that can be full: a file system in memory whose size is set. Only where root may mount one.
import { execFileSync, spawn } from 'node:child_process'
import { mkdirSync, statfsSync } from 'node:fs'

export interface SmallDisk {
  folder: string
  /** From now on there is hardly any room beside what is used. */
  fill(): void
  /** There is room again. */
  clear(): void
  close(): Promise<void>
}

const ROOMY = '2g'
/** 4 MiB: more than is written between two looks. */
const MOST_SPARE_BLOCKS = 1_024

/** Undefined where nothing may be mounted. */
export function openSmallDisk(folder: string, owner: { uid: number; gid: number }): SmallDisk | undefined {
  mkdirSync(folder)
  const options = `size=${ROOMY},mode=0700,uid=${owner.uid},gid=${owner.gid}`
  try {
    mount('-t', 'tmpfs', '-o', options, 'tmpfs', folder)
  } catch {
    return undefined
  }
  // Unmounts when its input ends: by close(), or because this process is dead.
  const watch = spawn('/bin/sh', ['-c', 'read -r word; umount --lazy "$1"', 'watch', folder], {
    stdio: ['pipe', 'ignore', 'ignore'],
    detached: true
  })
  const isOver = new Promise((resolve) => watch.once('exit', resolve))
  const resize = (size: string): void => {
    mount('-o', `remount,size=${size}`, folder)
  }
  const mayResize = (spareBlocks: number): boolean => {
    const { blocks, bfree, bsize } = statfsSync(folder)
    try {
      resize(String((blocks - bfree + spareBlocks) * bsize))
      return true
    } catch {
      return false
    }
  }
  return {
    folder,
    fill() {
      // PostgreSQL writes meanwhile: a size that has become too small is refused, and is looked up again.
      for (let spareBlocks = 0; !mayResize(spareBlocks); spareBlocks = 2 * spareBlocks + 1) {
        if (spareBlocks > MOST_SPARE_BLOCKS) throw new Error(`${folder} grows faster than it can be filled`)
      }
    },
    clear() {
      resize(ROOMY)
    },
    async close() {
      watch.stdin.end()
      await isOver
    }
  }
}

function mount(...args: string[]): void {
  execFileSync('mount', args, { stdio: 'ignore' })
}
