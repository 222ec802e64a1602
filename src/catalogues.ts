// The catalogues are folders: read once at start, checked, and refused as a whole when one file is bad.
import { readdir, readFile } from 'node:fs/promises'
import path from 'node:path'
import { isNode, LineCounter, parseDocument } from 'yaml'

/** Root of the package, from src/ and from dist/ alike. */
export const PACKAGE_ROOT = new URL('../', import.meta.url)

export interface CatalogueFile {
  /** Path below the catalogue's folder, with slashes. */
  name: string
  content: unknown
  /** Of a YAML file: the line, from 1, of the value at a JSON Pointer or of the nearest one round it. */
  lineOf?: (pointer: string) => number | undefined
}

/** Reads every JSON or YAML file of a folder and its subfolders, in order of name. @throws Error naming the file */
export async function readFolder(folder: URL, extensions: readonly string[]): Promise<CatalogueFile[]> {
  const names = await listFolder(folder, extensions)
  return Promise.all(names.map((name) => readOne(new URL(name, folder), name)))
}

/** Names of the files of a folder and its subfolders, below it, with slashes, in order. */
export async function listFolder(folder: URL, extensions: readonly string[]): Promise<string[]> {
  const entries = await readdir(folder, { recursive: true, withFileTypes: true })
  return entries
    .filter((entry) => entry.isFile() && extensions.some((extension) => entry.name.endsWith(extension)))
    .map((entry) => path.relative(folder.pathname, path.join(entry.parentPath, entry.name)).split(path.sep).join('/'))
    .sort()
}

/** Reads one JSON or YAML file. @throws Error naming the file and, for a fault of syntax, the place */
export async function readOne(file: URL, name: string): Promise<CatalogueFile> {
  return parseCatalogueFile(name, await readFile(file, 'utf8'))
}

/** As {@link readOne}, of its text. */
export function parseCatalogueFile(name: string, text: string): CatalogueFile {
  try {
    return name.endsWith('.json') ? { name, content: JSON.parse(text) as unknown } : parseYaml(name, text)
  } catch (cause) {
    throw new Error(`${name}: not ${name.endsWith('.json') ? 'JSON' : 'YAML'}: ${messageOf(cause)}`, { cause })
  }
}

function parseYaml(name: string, text: string): CatalogueFile {
  const lines = new LineCounter()
  const document = parseDocument(text, { schema: 'core', lineCounter: lines })
  const [fault] = document.errors
  if (fault !== undefined) throw fault
  return {
    name,
    content: document.toJS(),
    lineOf(pointer) {
      const path = pointer
        .split('/')
        .slice(1)
        .map((word) => word.replaceAll('~1', '/').replaceAll('~0', '~'))
      for (let length = path.length; length > 0; length--) {
        const node = document.getIn(path.slice(0, length), true)
        if (isNode(node) && node.range) return lines.linePos(node.range[0]).line
      }
      return undefined
    }
  }
}

function messageOf(error: unknown): string {
  return error instanceof Error ? error.message : String(error)
}
