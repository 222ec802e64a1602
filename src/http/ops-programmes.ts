// Programme files of the running service: which are in force, read the folder again, and what a file would change.
import type { FastifyInstance, FastifyRequest } from 'fastify'
import { FhirError } from '../fhir/operation-outcome.js'
import type { VerdictComparison } from '../ingest/compare-verdicts.js'
import type { Programme } from '../programmes/programme.js'
import type { ProgrammesAnswer, RehearsalAnswer } from './ops-answers.js'
import { readBody, refuseQuery } from './ops-request.js'
import { checkRehearsalBody, checkReloadBody } from './ops-schemas.js'
import { rangeOf } from './ops-time-range.js'
import { callerOf } from './route.js'

/** What the roof knows of the rules in force. */
export interface ProgrammeDesk {
  status(): ProgrammesStatus
  /** Reads the folder again. What cannot be loaded is told as `fault`, and the last good set stays in force. */
  reload(by: { actor: string; reason: string; force: boolean }): Promise<ProgrammesStatus>
  /**
   * Compares the set in force with one in which the file stands in the place of its earlier version.
   * @throws Error whose message says, a line each, what is wrong with the file
   */
  rehearse(
    file: { name: string; text: string },
    scan: { since?: Date; before?: string; limit: number }
  ): Promise<VerdictComparison & { total: number }>
}

export interface ProgrammesStatus {
  version: string
  loadedAt: Date
  programmes: readonly Programme[]
  fault?: { at: Date; message: string }
}

const PAGE = 1000

export function registerOpsProgrammes(app: FastifyInstance, { programmes }: { programmes: ProgrammeDesk }): void {
  const read = { config: { access: 'ops/read' } } as const
  app.get('/ops/programmes', read, (request): ProgrammesAnswer => {
    refuseQuery(request)
    return answerOf(programmes.status())
  })
  app.post(
    '/ops/programmes/reload',
    { config: { access: 'ops/write' } },
    async (request): Promise<ProgrammesAnswer> => {
      const { reason, force = false } = readBody(request, checkReloadBody)
      const status = await programmes.reload({ actor: callerOf(request).client, reason, force })
      if (status.fault !== undefined) throw refusalOf(status.fault.message, 'programmes-not-loaded')
      return answerOf(status)
    }
  )
  // A question with a body: it writes nothing.
  app.post('/ops/programmes/rehearse', read, (request) => rehearse(request, programmes))
}

async function rehearse(request: FastifyRequest, programmes: ProgrammeDesk): Promise<RehearsalAnswer> {
  const { file, text, before, limit = PAGE, ...range } = readBody(request, checkRehearsalBody)
  try {
    const { next, ...compared } = await programmes.rehearse(
      { name: file, text },
      { limit, ...rangeOf(range), ...(before === undefined ? {} : { before }) }
    )
    return { ...compared, next: next ?? null }
  } catch (error) {
    if (error instanceof Error && error.name === 'ProgrammeFileError')
      throw refusalOf(error.message, 'programme-file', error)
    throw error
  }
}

function answerOf({ version, loadedAt, programmes, fault }: ProgrammesStatus): ProgrammesAnswer {
  return {
    version,
    loadedAt,
    fault: fault ?? null,
    programmes: programmes.map(({ id, version: file, status, title, vaccineType, effective, file: name }) => ({
      id,
      version: file,
      status,
      title,
      vaccineType,
      from: effective.from,
      to: effective.to ?? null,
      file: name
    }))
  }
}

function refusalOf(message: string, rule: string, cause?: unknown): FhirError {
  return new FhirError(
    422,
    message
      .split('\n')
      .map((text) => ({ severity: 'error', code: 'business-rule', layer: 'service', rule, text }) as const),
    {},
    { cause }
  )
}
