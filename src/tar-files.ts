// The files of a tar archive: ustar, with the long names of pax and of GNU tar. Nothing is written anywhere, links and
// devices are refused, and only files that somebody wants keep their bytes.
// Layout: POSIX.1-2017, utility pax, "ustar Interchange Format" and "pax Header Block".

export interface TarFile {
  path: string
  /** Undefined for a file that is not wanted. */
  bytes: Buffer | undefined
}

/** A fault of the archive; `path` is empty where it has no name yet. */
export class TarError extends Error {
  constructor(
    readonly path: string,
    readonly what: string
  ) {
    super(`${path} ${what}`.trim())
    this.name = 'TarError'
  }
}

interface Header {
  path: string
  size: number
  type: string
}

/** What the header of a long name says of the entry after it. */
type LongName = Partial<Pick<Header, 'path' | 'size'>>

const BLOCK = 512
/** A pax header holds more than the name: times, owners, attributes. */
const MAX_LONG_NAME_BYTES = 65_536

/** @throws TarError for anything but whole regular files and folders, and for a path that stands twice */
export function readTarFiles(archive: Buffer, wants: (path: string) => boolean, maxFiles: number): TarFile[] {
  const files = new Map<string, TarFile>()
  let next: LongName = {}
  let entries = 0
  for (let at = 0; at + BLOCK <= archive.length && archive[at] !== 0;) {
    const plain = readHeader(archive.subarray(at, at + BLOCK))
    const header = isLongName(plain.type) ? plain : { ...plain, ...next }
    const start = at + BLOCK
    const end = start + header.size
    if (end > archive.length) throw new TarError(header.path, 'is cut off: the archive is not whole')
    if (++entries > maxFiles) throw new TarError('', `holds more than ${maxFiles} files`)
    at = start + Math.ceil(header.size / BLOCK) * BLOCK
    if (isLongName(header.type)) {
      next = { ...next, ...readLongName(header, archive.subarray(start, end)) }
      continue
    }
    next = {}
    if (header.type === '5' || header.type === 'g') continue
    if (header.type !== '0') throw new TarError(header.path, 'is a link or a device: a package holds files only')
    if (/\p{Cc}/u.test(header.path)) throw new TarError('', 'holds a file whose name has control characters')
    if (files.has(header.path)) throw new TarError(header.path, 'stands twice in the archive')
    files.set(header.path, {
      path: header.path,
      bytes: wants(header.path) ? archive.subarray(start, end) : undefined
    })
  }
  return [...files.values()]
}

function isLongName(type: string): boolean {
  return type === 'x' || type === 'L'
}

function readHeader(block: Buffer): Header {
  // The checksum is the sum of the bytes of the header, its own eight counted as spaces.
  const sum = block.reduce((total, byte, index) => total + (index >= 148 && index < 156 ? 0x20 : byte), 0)
  if (readOctal(block, 148, 8) !== sum) throw new TarError('', 'is not a tar archive, or a damaged one')
  const prefix = textOf(block, 257, 6) === 'ustar' && block[262] === 0 ? textOf(block, 345, 155) : ''
  const name = textOf(block, 0, 100)
  const type = textOf(block, 156, 1)
  const path = withoutDot(prefix === '' ? name : `${prefix}/${name}`)
  const size = readOctal(block, 124, 12)
  if (size === undefined) throw new TarError(path, 'has a size that cannot be read')
  return { path, size, type: type === '' ? '0' : type }
}

function readLongName({ path, type }: Header, bytes: Buffer): LongName {
  if (type === 'L') return { path: withoutDot(textOf(bytes, 0, boundedLength(path, bytes))) }
  const records = readPaxRecords(path, bytes)
  const size = records.get('size')
  if (size !== undefined && !/^\d{1,12}$/.test(size)) throw new TarError(path, 'has a size that cannot be read')
  const long = records.get('path')
  return {
    ...(long === undefined ? {} : { path: withoutDot(long) }),
    ...(size === undefined ? {} : { size: Number(size) })
  }
}

/** Records of the form `27 path=package/a name.json\n`; the number counts the bytes of the whole record. */
function readPaxRecords(path: string, bytes: Buffer): Map<string, string> {
  const length = boundedLength(path, bytes)
  const records = new Map<string, string>()
  for (let at = 0; at < length;) {
    const [, digits = '', key = ''] =
      /^(\d{1,5}) ([^=]+)=/.exec(bytes.toString('utf8', at, Math.min(at + 100, length))) ?? []
    const end = at + Number(digits)
    const valueStart = at + digits.length + 1 + Buffer.byteLength(key) + 1
    if (digits === '' || end > length || valueStart >= end) throw new TarError(path, 'has a header that cannot be read')
    records.set(key, bytes.toString('utf8', valueStart, end - 1))
    at = end
  }
  return records
}

function boundedLength(path: string, { length }: Buffer): number {
  if (length > MAX_LONG_NAME_BYTES) throw new TarError(path, 'has a name that is too long')
  return length
}

// Up to the first NUL, for fields that are padded with it.
function textOf(bytes: Buffer, start: number, length: number): string {
  const field = bytes.subarray(start, start + length)
  const end = field.indexOf(0)
  return field.toString('utf8', 0, end < 0 ? field.length : end)
}

// Undefined for what is not octal; sizes in base 256 begin at 8 GB, which no package has.
function readOctal(block: Buffer, start: number, length: number): number | undefined {
  const digits = textOf(block, start, length).trim()
  return /^[0-7]{1,12}$/.test(digits) ? Number.parseInt(digits, 8) : undefined
}

// `tar czf x.tgz ./package` writes ./package/package.json.
function withoutDot(path: string): string {
  return path.startsWith('./') ? path.slice(2) : path
}
