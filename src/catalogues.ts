// The catalogues are folders: read once at start, checked, and refused as a whole when one file is bad.
import { readdir, readFile } from 'node:fs/promises'
import path from 'node:path'
import { parse as parseYaml } from 'yaml'

/** Root of the package, from src/ and from dist/ alike. */
export const PACKAGE_ROOT = new URL('../', import.meta.url)

export interface CatalogueFile {
  /** Path below the catalogue's folder, with slashes. */
  name: string
  content: unknown
}

/** Reads every JSON or YAML file of a folder and its subfolders, in order of name. @throws Error naming the file */
export async function readFolder(folder: URL, extensions: readonly string[]): Promise<CatalogueFile[]> {
  const entries = await readdir(folder, { recursive: true, withFileTypes: true })
  const names = entries
    .filter((entry) => entry.isFile() && extensions.some((extension) => entry.name.endsWith(extension)))
    .map((entry) => path.relative(folder.pathname, path.join(entry.parentPath, entry.name)).split(path.sep).join('/'))
    .sort()
  return Promise.all(names.map((name) => readOne(new URL(name, folder), name)))
}

/** Reads one JSON or YAML file. @throws Error naming the file and, for a fault of syntax, the place */
export async function readOne(file: URL, name: string): Promise<CatalogueFile> {
  const text = await readFile(file, 'utf8')
  try {
    return { name, content: name.endsWith('.json') ? JSON.parse(text) : parseYaml(text, { schema: 'core' }) }
  } catch (cause) {
    throw new Error(`${name}: not ${name.endsWith('.json') ? 'JSON' : 'YAML'}: ${messageOf(cause)}`, { cause })
  }
}

function messageOf(error: unknown): string {
  return error instanceof Error ? error.message : String(error)
}
