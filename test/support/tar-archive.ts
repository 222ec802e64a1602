// Writes tar archives for tests, sound ones and crooked ones, and packs them as FHIR packages (.tgz).
import { gzipSync } from 'node:zlib'

export interface TarEntry {
  path: string
  content?: string | Buffer
  /** '0' file unless said; '2' symbolic link, '5' folder, 'x' pax header, 'L' long name of GNU tar … */
  type?: string
  link?: string
  /** Said in the header in place of the true one. */
  size?: number
  /** Goes into the second field of the name. */
  prefix?: string
}

export function writeTar(entries: readonly TarEntry[]): Buffer {
  return Buffer.concat([...entries.flatMap(writeEntry), Buffer.alloc(1024)])
}

export function writeTgz(entries: readonly TarEntry[]): Buffer {
  return gzipSync(writeTar(entries))
}

/** A pax header that gives the entry after it another value: `path`, `size`. */
export function paxEntry(key: string, value: string): TarEntry {
  const rest = ` ${key}=${value}\n`
  let length = Buffer.byteLength(rest) + 1
  while (Buffer.byteLength(`${length}${rest}`) !== length) length++
  return { path: 'PaxHeader/x', type: 'x', content: `${length}${rest}` }
}

function writeEntry({ path, content = '', type = '0', link = '', size, prefix = '' }: TarEntry): Buffer[] {
  const bytes = Buffer.from(content)
  const header = Buffer.alloc(512)
  header.write(path, 0, 100)
  header.write('0000644\0', 100)
  header.write('0000000\0', 108)
  header.write('0000000\0', 116)
  header.write(`${(size ?? bytes.length).toString(8).padStart(11, '0')}\0`, 124)
  header.write('00000000000\0', 136)
  header.write('        ', 148)
  header.write(type, 156)
  header.write(link, 157, 100)
  header.write('ustar\x0000', 257)
  header.write(prefix, 345, 155)
  const sum = header.reduce((total, byte) => total + byte, 0)
  header.write(`${sum.toString(8).padStart(6, '0')}\0 `, 148)
  return [header, bytes, Buffer.alloc((512 - (bytes.length % 512)) % 512)]
}
