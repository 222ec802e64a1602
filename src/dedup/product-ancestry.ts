// Which dm+d product is a kind of which: profiles/terminology/product-ancestry.yaml.
import { compileFileCheck, refuseFaults, type FileFault } from './data-file.js'

/** AMP: a branded product. VMP: the same without a brand. Generic: a SNOMED CT group of vaccines. */
export type ListedLevel = 'AMP' | 'VMP' | 'generic'

export interface ListedProduct {
  code: string
  display: string
  level: ListedLevel
  /** Codes one step up: of an AMP its VMP or a generic group, of a VMP a group, of a group a wider one. */
  parents?: string[]
  /** Volume of one full dose. */
  doseMl?: number
  certainty: 'H' | 'M' | 'L'
}

/** A product with everything it is a kind of. */
export interface KnownProduct {
  level: ListedLevel
  /** Sorted, without the product itself. */
  ancestors: string[]
  doseMl?: number
}

export type ProductAncestry = ReadonlyMap<string, KnownProduct>

interface AncestryFile {
  sources: string[]
  products: ListedProduct[]
}

const SNOMED_CODE = { type: 'string', format: 'snomed-concept' }

const checkShape = compileFileCheck({
  type: 'object',
  required: ['sources', 'products'],
  additionalProperties: false,
  properties: {
    sources: { type: 'array', minItems: 1, items: { type: 'string' } },
    products: {
      type: 'array',
      minItems: 1,
      items: {
        type: 'object',
        required: ['code', 'display', 'level', 'certainty'],
        additionalProperties: false,
        properties: {
          code: SNOMED_CODE,
          display: { type: 'string', minLength: 1 },
          level: { enum: ['AMP', 'VMP', 'generic'] },
          parents: { type: 'array', minItems: 1, uniqueItems: true, items: SNOMED_CODE },
          doseMl: { type: 'number', exclusiveMinimum: 0 },
          certainty: { enum: ['H', 'M', 'L'] }
        }
      }
    }
  }
})

/**
 * Reads the product file, already parsed from YAML.
 * @throws DedupFileError naming the file and the path of every fault: also a code listed twice, a parent that is not
 * listed, and a product that would be its own ancestor
 */
export function parseProductAncestry(fileName: string, value: unknown): ProductAncestry {
  checkShape(fileName, value)
  const { products } = value as AncestryFile
  const byCode = new Map(products.map((product) => [product.code, product]))
  refuseFaults(fileName, findFaults(products, byCode))
  return new Map(
    products.map((product) => {
      const ancestors = [...ancestorsOf(product, byCode)].sort()
      const known: KnownProduct = { level: product.level, ancestors }
      if (product.doseMl !== undefined) known.doseMl = product.doseMl
      return [product.code, known]
    })
  )
}

function findFaults(products: readonly ListedProduct[], byCode: ReadonlyMap<string, ListedProduct>): FileFault[] {
  return products.flatMap((product, index) => {
    const path = `/products/${index}`
    const faults: FileFault[] = []
    if (products.findIndex(({ code }) => code === product.code) !== index)
      faults.push({ path: `${path}/code`, message: `${product.code} is listed twice; keep one` })
    for (const parent of product.parents ?? [])
      if (!byCode.has(parent))
        faults.push({ path: `${path}/parents`, message: `${parent} is not listed; add it as a product of its own` })
    if (ancestorsOf(product, byCode).has(product.code))
      faults.push({ path: `${path}/parents`, message: `${product.code} is its own ancestor; break the circle` })
    return faults
  })
}

function ancestorsOf(product: ListedProduct, byCode: ReadonlyMap<string, ListedProduct>): Set<string> {
  const found = new Set<string>()
  const open = [...(product.parents ?? [])]
  for (let code = open.pop(); code !== undefined; code = open.pop()) {
    if (found.has(code)) continue
    found.add(code)
    open.push(...(byCode.get(code)?.parents ?? []))
  }
  return found
}
