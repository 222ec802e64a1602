// The calls of one delivery at the rate of the whole fleet. The claim has promised one moment to each delivery; what asks or
// writes more than once (a duplicate, a doubt, a conflict) waits for further moments, so that no burst of doubts breaks
// the limit of the application: 20 a second on average, 40 at most.
import type { ImmunizationApi } from './immunization-api.js'

/** Resolves when the next free moment has come, or the signal fires. Never rejects. */
export type AwaitMoment = (signal: AbortSignal) => Promise<void>

/** For one delivery. */
export function paceCalls(api: ImmunizationApi, awaitMoment: AwaitMoment): ImmunizationApi {
  let isFirst = true
  const turn = async (signal: AbortSignal): Promise<void> => {
    if (isFirst) isFirst = false
    else await awaitMoment(signal)
  }
  return {
    async create(resource, trace) {
      await turn(trace.signal)
      return api.create(resource, trace)
    },
    async update(id, version, resource, trace) {
      await turn(trace.signal)
      return api.update(id, version, resource, trace)
    },
    async remove(id, trace) {
      await turn(trace.signal)
      return api.remove(id, trace)
    },
    async read(id, trace) {
      await turn(trace.signal)
      return api.read(id, trace)
    },
    async find(identifier, trace) {
      await turn(trace.signal)
      return api.find(identifier, trace)
    },
    async findByPatient(nhsNumber, vaccineType, trace) {
      await turn(trace.signal)
      return api.findByPatient(nhsNumber, vaccineType, trace)
    }
  }
}
