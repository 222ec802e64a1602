import { NO_PARAMS, type Check, type NoParams } from '../check.js'
import { enough, nothing, tooLittle } from '../ground.js'

const INJECTION_ROUTES: ReadonlySet<string> = new Set([
  '78421000', // intramuscular
  '34206005', // subcutaneous
  '372464004' // intradermal
])
const NASAL_ROUTE = '46713006'
const ORAL_ROUTE = '26643006'
const NASAL_CAVITY = '279549004'
// Sites of injection among the body sites of UK refset 1127941000000100.
const INJECTION_SITES: ReadonlySet<string> = new Set([
  '368208006', // left upper arm
  '368209003', // right upper arm
  '61396006', // left thigh
  '11207009', // right thigh
  '723979003', // left buttock
  '723980000' // right buttock
])

export const siteSuitsRoute: Check<NoParams> = {
  description: 'The body site can be reached by the route sent: no injection into the nose, no spray into the arm.',
  rules: ['site-unsuited-to-route'],
  appliesTo: 'given',
  params: NO_PARAMS,
  look:
    () =>
    ({ facts: { routeCode, siteCode } }) => {
      if (routeCode === undefined || siteCode === undefined) return nothing('site and route: one of them is not coded')
      const isKnown = INJECTION_ROUTES.has(routeCode) || routeCode === ORAL_ROUTE || routeCode === NASAL_ROUTE
      return isKnown ? enough('the body site against the route') : tooLittle('the route, which the check does not know')
    },
  compile:
    () =>
    ({ facts }) => {
      if (facts.routeCode === undefined || facts.siteCode === undefined) return undefined
      if (!isImpossible(facts.routeCode, facts.siteCode)) return undefined
      return {
        rule: 'site-unsuited-to-route',
        code: 'value',
        expression: ['Immunization.site', 'Immunization.route'],
        text: 'the vaccine cannot have been given at this site by this route; correct site or route'
      }
    }
}

// Codes outside these lists are not judged.
function isImpossible(route: string, site: string): boolean {
  if (INJECTION_ROUTES.has(route)) return site === NASAL_CAVITY
  if (route === ORAL_ROUTE) return site === NASAL_CAVITY || INJECTION_SITES.has(site)
  return route === NASAL_ROUTE && INJECTION_SITES.has(site)
}
