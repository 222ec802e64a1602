// Reads fixtures/validation: each file names the resource it changes, the change, and what must come of it.
import { readdirSync } from 'node:fs'
import { applyPatch, type PatchStep } from './json-patch.js'
import { readJson } from './load-catalogue.js'

export interface Fixture {
  mutates: string
  patch: PatchStep[]
  expected?: { expression: string; rule: string }
}

export const FIXTURES = new URL('../../fixtures/validation/', import.meta.url)

export function readFixtures(folder: string): { name: string; fixture: Fixture; resource: unknown }[] {
  const files = readdirSync(new URL(folder, FIXTURES)).sort()
  return files.map((name) => {
    const fixture = readJson(new URL(folder + name, FIXTURES)) as Fixture
    return { name, fixture, resource: applyPatch(readJson(new URL(fixture.mutates, FIXTURES)), fixture.patch) }
  })
}
