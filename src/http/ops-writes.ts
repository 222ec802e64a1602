// What operations staff do, apart from replays: pause and resume a destination. Each needs a reason and is audited.
import type { FastifyInstance, FastifyRequest } from 'fastify'
import type { DestinationSwitch } from '../delivery/pause-destination.js'
import type { DestinationAnswer } from './ops-answers.js'
import { notFound, readBody } from './ops-request.js'
import { checkReasonBody } from './ops-schemas.js'
import { callerOf } from './route.js'

export function registerOpsWrites(app: FastifyInstance, { switches }: { switches: DestinationSwitch }): void {
  const setPaused = async (request: FastifyRequest, paused: boolean): Promise<DestinationAnswer> => {
    const { reason } = readBody(request, checkReasonBody)
    const { name: destination } = request.params as { name: string }
    const actor = callerOf(request).client
    if (!(await switches.setPaused({ destination, paused, actor, reason })))
      throw notFound('this destination', 'GET /ops/status lists them')
    request.logged['destination'] = destination
    return { destination, state: paused ? 'paused' : 'active' }
  }
  const write = { config: { access: 'ops/write' } } as const
  app.post('/ops/destinations/:name/pause', write, (request) => setPaused(request, true))
  app.post('/ops/destinations/:name/resume', write, (request) => setPaused(request, false))
}
