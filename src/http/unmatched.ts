// A URL or method that no route answers: 404, or 405 with the methods that there are.
import { doorFault } from './door-fault.js'

/** @throws FhirError always */
export function refuseUnmatched(url: string, routes: readonly { method: string; path: string }[]): never {
  const path = url.split('?', 1)[0] ?? ''
  const allowed = routes.filter((route) => patternOf(route.path).test(path)).map(({ method }) => method)
  if (allowed.length > 0) {
    const methods = [...new Set(allowed.flatMap((method) => (method === 'GET' ? ['GET', 'HEAD'] : [method])))].join(
      ', '
    )
    throw doorFault(405, 'not-supported', 'method-not-allowed', `served here are ${methods}`, { Allow: methods })
  }
  const text = 'there is nothing at this URL; /FHIR/R4/metadata and /openapi.yaml list what there is'
  throw doorFault(404, 'not-found', 'unknown-url', text)
}

function patternOf(path: string): RegExp {
  const segments = path
    .split('/')
    .map((segment) => (segment.startsWith(':') ? '[^/]+' : segment.replace(/[^\w-]/g, '\\$&')))
  return new RegExp(`^${segments.join('/')}$`)
}
