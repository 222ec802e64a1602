// A URL or method that no route answers: 404, or 405 with the methods that there are.
import { doorFault } from './door-fault.js'

export type MatchedRoute = Readonly<{ method: string; path: string }>

/** @throws FhirError always */
export function refuseUnmatched(method: string, url: string, routes: readonly MatchedRoute[]): never {
  const allowed = methodsAt(url, routes)
  // Written so that the router reads it otherwise: %5Fsearch for _search.
  if (allowed.split(', ').includes(method)) throw notThere('')
  throw doorFault(405, 'not-supported', 'method-not-allowed', `served here are ${allowed}`, { Allow: allowed })
}

/** The methods that are served at a URL, as Allow names them. @throws FhirError 404 when there are none */
export function methodsAt(url: string, routes: readonly MatchedRoute[]): string {
  const path = url.split('?', 1)[0] ?? ''
  const served = routes.filter((route) => patternOf(route.path).test(path)).map(({ method }) => method)
  if (served.length === 0) throw notThere(path)
  const methods = served.flatMap((method) => (method === 'GET' ? ['GET', 'HEAD'] : [method]))
  return [...new Set([...methods, 'OPTIONS'])].join(', ')
}

/** Whether an id of the URL begins as operations and interactions do ($validate, _search): no id of FHIR does. */
export function namesNoRecord(params: unknown): boolean {
  const isObject = typeof params === 'object' && params !== null
  return isObject && 'id' in params && typeof params.id === 'string' && /^[_$]/.test(params.id)
}

/** What a caller is told of a URL at which there is nothing. */
export function notThere(path: string): Error {
  if (/\/\$[^/]*$/.test(path)) {
    const text = 'there is no such operation here; /FHIR/R4/metadata lists those that are served'
    return doorFault(404, 'not-supported', 'unknown-operation', text)
  }
  const text = 'there is nothing at this URL; /FHIR/R4/metadata and /openapi.yaml list what there is'
  return doorFault(404, 'not-found', 'unknown-url', text)
}

function patternOf(path: string): RegExp {
  const segments = path.split('/').map((segment) => {
    if (segment === '*') return '.*'
    return segment.startsWith(':') ? '[^/_$][^/]*' : segment.replace(/[^\w-]/g, '\\$&')
  })
  return new RegExp(`^${segments.join('/')}$`)
}
