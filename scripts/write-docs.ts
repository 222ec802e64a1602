// Writes the pages that are made from the code: docs/rules.md. Run by `npm run docs`; a test tells when it is due.
import { writeFile } from 'node:fs/promises'
import { format, resolveConfig } from 'prettier'
import { loadRules } from '../src/rules.js'
import { writeRuleCatalogue } from '../src/rules-page.js'

const page = new URL('../docs/rules.md', import.meta.url)
const { programmeFiles } = await loadRules()
const options = await resolveConfig(page)
await writeFile(page, await format(writeRuleCatalogue(programmeFiles), { ...options, parser: 'markdown' }))
