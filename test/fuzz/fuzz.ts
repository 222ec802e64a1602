// Sends requests at random and says which answer a FHIR server must never give.
import fc from 'fast-check'
import { outcomeFaults } from '../conformance/outcome-faults.js'
import { send, type Request } from '../conformance/send.js'
import { requestsTo, type FuzzTarget } from './requests.js'

const AT_ONCE = 10

/**
 * Sends `requests` of them, some at a time; undefined when all were answered as they should be.
 * The words of a failure name the seed and the smallest request that was found.
 */
export async function fuzz(
  target: FuzzTarget,
  { requests, seed }: { requests: number; seed: number }
): Promise<string | undefined> {
  const { origin } = new URL(target.base)
  const several = fc.array(requestsTo(target), { minLength: AT_ONCE, maxLength: AT_ONCE })
  const property = fc.asyncProperty(several, async (batch) => {
    const faults = (await Promise.all(batch.map((request) => faultsOf(origin, request)))).flat()
    if (faults.length > 0) throw new Error(faults.join('\n'))
  })
  const result = await fc.check(property, { seed, numRuns: Math.ceil(requests / AT_ONCE), endOnFailure: true })
  if (!result.failed) return undefined
  return `seed ${seed}: ${result.errorInstance instanceof Error ? result.errorInstance.message : 'it failed'}`
}

async function faultsOf(origin: string, request: Request): Promise<string[]> {
  const answer = await send(origin, request).catch((error: unknown) => String(error))
  if (typeof answer === 'string') return [`${tell(request)}\n-> ${answer}`]
  const { status } = answer
  const faults: string[] = []
  if (status >= 500) faults.push(`status ${status}`)
  const isSilent = request.method === 'HEAD' || status < 400 || status === 417
  if (!isSilent) faults.push(...outcomeFaults(answer, true))
  if (faults.length === 0) return []
  return [`${tell(request)}\n-> ${status} ${faults.join('; ')}`, answer.bytes.toString('utf8').slice(0, 500)]
}

function tell({ method, target, headers, body }: Request): string {
  const { authorization, ...others } = headers
  const token = authorization?.startsWith('Bearer ey') === true ? 'with a token' : 'without a token'
  return `${method} ${target} ${JSON.stringify(others)} ${token}\n${body?.toString('latin1').slice(0, 2000) ?? ''}`
}
