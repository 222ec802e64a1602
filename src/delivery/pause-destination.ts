// A person holds a destination back, or lets it go on: said why, and audited in the same transaction.
import type { Database } from '../storage/database.js'

export interface DestinationSwitch {
  /**
   * Gives false, and changes nothing, for a destination that this database has never seen. Pausing what is paused is
   * no fault: it is audited again, with the new reason. Resuming closes the breaker and forgets a limit.
   */
  setPaused(change: { destination: string; paused: boolean; actor: string; reason: string }): Promise<boolean>
}

export function createDestinationSwitch(deps: {
  database: Database
  auditChainId: string
  now: () => Date
}): DestinationSwitch {
  return {
    setPaused: ({ destination, paused, actor, reason }) =>
      deps.database.transaction(async ({ ops, destinations, audit }) => {
        const before = await ops.findDestinationState(destination)
        if (before === undefined) return false
        await destinations.setPaused(destination, paused)
        await audit.append(deps.auditChainId, [
          {
            at: deps.now(),
            actor,
            action: paused ? 'destination.pause' : 'destination.resume',
            detail: { destination, before, reason }
          }
        ])
        return true
      })
  }
}
