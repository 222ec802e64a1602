// Whether an answer of the operations API is as openapi.yaml describes it.
import { readFileSync } from 'node:fs'
import { Ajv2020 } from 'ajv/dist/2020.js'
import ajvFormats from 'ajv-formats'
import { parse } from 'yaml'

interface Described {
  paths: Record<string, Record<string, { responses: Record<string, { $ref?: string }> }>>
}

const document = parse(readFileSync(new URL('../../openapi.yaml', import.meta.url), 'utf8')) as Described
const ajv = new Ajv2020({ strict: false, allErrors: true })
ajvFormats.default(ajv)
ajv.addSchema(document, 'openapi')

/** Faults of the answer; undefined when its status is not described at all. */
export function findDescriptionFaults(
  method: 'GET' | 'POST',
  url: string,
  status: number,
  type: string,
  body: unknown
): string[] | undefined {
  const path = url.replace(/\?.*$/, '')
  // A path that is written out stands before one with a parameter, as in the router.
  const template =
    path in document.paths
      ? path
      : Object.keys(document.paths).find((known) => new RegExp(`^${known.replaceAll(/\{\w+\}/g, '[^/]+')}$`).test(path))
  const verb = method.toLowerCase()
  const response = document.paths[template ?? '']?.[verb]?.responses[String(status)]
  if (template === undefined || response === undefined) return undefined
  const place = response.$ref ?? `#/paths/${escape(template)}/${verb}/responses/${status}`
  const validate = ajv.compile({ $ref: `openapi${place}/content/${escape(type)}/schema` })
  validate(body)
  return (validate.errors ?? []).map((error) => `${error.instancePath} ${error.message ?? ''}`)
}

function escape(segment: string): string {
  return encodeURIComponent(segment.replaceAll('~', '~0').replaceAll('/', '~1'))
}
