// Reads the profile folders the way the roof does, for tests of the validator alone.
import { readdirSync, readFileSync } from 'node:fs'
import {
  type CatalogueFile,
  readCatalogue,
  type ValidationCatalogue
} from '../../src/validation/definitions/catalogue.js'

const PROFILES = new URL('../../profiles/', import.meta.url)

export function readProfileFiles(folders: readonly string[] = ['r4', 'uk-core', 'terminology']): CatalogueFile[] {
  return folders.flatMap((folder) =>
    readdirSync(new URL(`${folder}/`, PROFILES))
      .filter((name) => name.endsWith('.json'))
      .sort()
      .map((name) => ({
        name: `profiles/${folder}/${name}`,
        content: readJson(new URL(`${folder}/${name}`, PROFILES))
      }))
  )
}

export function loadCatalogue(folders?: readonly string[]): ValidationCatalogue {
  return readCatalogue(readProfileFiles(folders))
}

export function readJson(file: URL): unknown {
  return JSON.parse(readFileSync(file, 'utf8')) as unknown
}
