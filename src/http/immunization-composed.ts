// $composed of an Immunization: the vaccination that it tells of, made of every record of it. For reading alone.
import type { FastifyRequest } from 'fastify'
import { parseJson } from '../fhir/parse-json.js'
import type { History } from '../history/history.js'
import { sendFhir } from './answer.js'
import { doorFault } from './door-fault.js'
import { refuseParameters } from './immunization-reads.js'
import { FHIR_JSON } from './immunization-writes.js'
import { isParameters, readOperationParameters } from './operation-parameters.js'
import { callerOf, FHIR_BASE, type Operation, type Route } from './route.js'

/** `base()`: absolute, as in https://hub.example/FHIR/R4. */
export function immunizationComposed({ history, base }: { history: History; base: () => string }): Route[] {
  const common = {
    path: `${FHIR_BASE}/Immunization/:id/$composed`,
    access: 'system/Immunization.r',
    surface: 'fhir',
    resource: 'Immunization',
    operation: composedOperation(base),
    async handle(request, reply) {
      refuseParameters(request)
      refuseInput(request)
      const { id } = request.params as { id: string }
      return sendFhir(request, reply, await history.composed(callerOf(request), id, { base: base() }))
    }
  } satisfies Omit<Route, 'method'>
  return [
    { ...common, method: 'GET' },
    { ...common, method: 'POST', accepts: FHIR_JSON }
  ]
}

// An operation may be asked by POST, with Parameters that hold nothing where it takes nothing.
function refuseInput({ body }: FastifyRequest): void {
  if (!Buffer.isBuffer(body) || body.length === 0) return
  const { value } = parseJson(body)
  const refuse = (code: 'structure', text: string): Error => doorFault(400, code, 'parameter-unknown', text)
  if (isParameters(value) && readOperationParameters(value, refuse).length === 0) return
  throw refuse('structure', '$composed takes no parameters: send no body, or a Parameters resource without any')
}

function composedOperation(base: () => string): Operation {
  return {
    name: 'composed',
    // Known when the service listens.
    get definition() {
      return `${base()}/OperationDefinition/Immunization-composed`
    },
    documentation:
      'The vaccination that a record tells of, composed of every record of it that the client may read: a Bundle with an ' +
      'Immunization tagged as composed, a Provenance for each record that elements of it come from, the records as they were ' +
      'sent, and an OperationOutcome that names what they say otherwise. For reading alone: it is stored nowhere and sent to ' +
      'nobody, and the Hub takes it from nobody.',
    affectsState: false,
    parameter: [
      { name: 'return', use: 'out', min: 1, max: '1', type: 'Bundle', documentation: 'A Bundle of type collection.' }
    ]
  }
}
