// A disk that can be full: a file system in memory whose size is set. Only where root may mount one.
import { execFileSync } from 'node:child_process'
import { mkdirSync, statfsSync } from 'node:fs'

export interface SmallDisk {
  folder: string
  /** From now on there is no room beside what is used. */
  fill(): void
  /** There is room again. */
  clear(): void
  close(): void
}

const ROOMY = '2g'

/** Undefined where nothing may be mounted. */
export function openSmallDisk(folder: string, owner: { uid: number; gid: number }): SmallDisk | undefined {
  mkdirSync(folder)
  const options = `size=${ROOMY},mode=0700,uid=${owner.uid},gid=${owner.gid}`
  try {
    mount('-t', 'tmpfs', '-o', options, 'tmpfs', folder)
  } catch {
    return undefined
  }
  const resize = (size: string): void => {
    mount('-o', `remount,size=${size}`, folder)
  }
  return {
    folder,
    fill() {
      const { blocks, bfree, bsize } = statfsSync(folder)
      resize(String((blocks - bfree) * bsize))
    },
    clear() {
      resize(ROOMY)
    },
    close() {
      execFileSync('umount', ['--lazy', folder], { stdio: 'ignore' })
    }
  }
}

function mount(...args: string[]): void {
  execFileSync('mount', args, { stdio: 'ignore' })
}
