// The loop that looks up what a register holds of patients, after their records were accepted.
import { createLookLoop, type LookLoop } from '../delivery/look-loop.js'
import { lookUp, type LookUpDeps } from './look-up.js'

export interface ElsewhereLoop extends Omit<LookLoop, 'start'> {
  start(): Promise<void>
}

export function createElsewhereLoop(deps: LookUpDeps): ElsewhereLoop {
  const loop = createLookLoop(deps.policy, async (stop) => {
    try {
      return (await lookUp(deps, stop)) > 0
    } catch (error) {
      deps.log.warn({ err: error }, 'elsewhere.look_failed')
      return false
    }
  })
  return {
    ...loop,
    async start() {
      await deps.database.stores.destinations.ensure([deps.register.name])
      loop.start()
    }
  }
}
