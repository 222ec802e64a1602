// What shows only when all programme files and the code tables are seen together.
import { overlaps } from './day-range.js'
import type { FileProblem } from './file-schema.js'
import type { Programme } from './programme.js'
import type { VaccineCodes } from './vaccine-codes.js'

/** A fault of a file in the company of the others. */
export interface SetProblem extends FileProblem {
  file: string
}

/** Contradictions between files; retired ones only count for their id and version. */
export function lintProgrammes(programmes: readonly Programme[], codes: VaccineCodes): SetProblem[] {
  const inUse = programmes.filter(({ status }) => status !== 'retired')
  return [
    ...programmes.flatMap((programme, index) =>
      programmes.slice(0, index).flatMap((other) => lintSameVersion(programme, other))
    ),
    ...inUse.flatMap((programme, index) => inUse.slice(0, index).flatMap((other) => lintOverlap(programme, other))),
    ...inUse.flatMap((programme) => lintProductTypes(programme, codes))
  ]
}

function lintSameVersion(programme: Programme, other: Programme): SetProblem[] {
  if (programme.id !== other.id || programme.version !== other.version) return []
  return [
    { file: programme.file, path: '/version', message: `${other.file} has the same id and version; raise this one` }
  ]
}

function lintOverlap(programme: Programme, other: Programme): SetProblem[] {
  const bothActive = programme.status === 'active' && other.status === 'active'
  if (!bothActive || programme.vaccineType !== other.vaccineType) return []
  const { from, to = '9999-12-31' } = programme.effective
  if (!overlaps({ first: from, last: to }, other.effective)) return []
  const otherIds = new Set((other.cohorts ?? []).map(({ id }) => id))
  const shared = (programme.cohorts ?? []).filter(({ id }) => otherIds.has(id)).map(({ id }) => id)
  if (shared.length === 0 && otherIds.size > 0 && programme.cohorts !== undefined) return []
  const which = shared.length > 0 ? `share the cohorts ${shared.join(', ')}` : 'are not told apart by cohorts'
  const message = `overlaps with ${other.file} and both ${which}; end one, or give each its own cohorts`
  return [{ file: programme.file, path: '/effective', message }]
}

function lintProductTypes({ file, products, vaccineType }: Programme, codes: VaccineCodes): SetProblem[] {
  return products.flatMap(({ code }, index) => {
    const known = codes.products.find((entry) => entry.code === code)
    if (known === undefined || known.vaccineTypes.includes(vaccineType)) return []
    const message = `the product is known as ${known.vaccineTypes.join(', ')}, not ${vaccineType}; correct the code here or the product table`
    return [{ file, path: `/products/${index}/code`, message }]
  })
}
