// Writes the pages that are made from code and catalogues: docs/rules.md and docs/programmes.md. Run by `npm run docs`; a
// test tells when it is due.
import { writeFile } from 'node:fs/promises'
import { format, resolveConfig } from 'prettier'
import { writeProgrammesPage } from '../src/programmes-page.js'
import { loadRules } from '../src/rules.js'
import { writeRuleCatalogue } from '../src/rules-page.js'

const { programmeFiles } = await loadRules()
for (const [name, text] of [
  ['rules.md', writeRuleCatalogue(programmeFiles)],
  ['programmes.md', writeProgrammesPage(programmeFiles)]
] as const) {
  const page = new URL(`../docs/${name}`, import.meta.url)
  const options = await resolveConfig(page)
  await writeFile(page, await format(text, { ...options, parser: 'markdown' }))
}
