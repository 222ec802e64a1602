// Somebody who looks after the destinations while they recover: what is held is sent again.
export interface Operator {
  /** What is up again need not wait for a breaker to find out. */
  resumeAll(): Promise<void>
  /** Plans and starts a replay wherever something is held. Gives how many deliveries were requeued. */
  replayHeld(): Promise<number>
}

interface Status {
  destinations: { destination: string; held: number }[]
}

export function createOperator(apis: readonly string[], token: string): Operator {
  const ask = async <Answer>(method: string, path: string, body?: object): Promise<Answer | undefined> => {
    const answer = await fetch(`${apis[0]}${path}`, {
      method,
      headers: {
        authorization: `Bearer ${token}`,
        ...(body === undefined ? {} : { 'content-type': 'application/json' })
      },
      ...(body === undefined ? {} : { body: JSON.stringify(body) })
    }).catch(() => undefined)
    // Refused (another replay runs), or the service is busy: the next look comes soon.
    return answer?.ok === true ? ((await answer.json()) as Answer) : undefined
  }
  return {
    async resumeAll() {
      const status = await ask<Status>('GET', '/ops/status')
      for (const { destination } of status?.destinations ?? [])
        await ask('POST', `/ops/destinations/${destination}/resume`, { reason: 'it is up again' })
    },
    async replayHeld() {
      const status = await ask<Status>('GET', '/ops/status')
      let requeued = 0
      for (const { destination, held } of status?.destinations ?? []) {
        if (held === 0) continue
        const reason = 'held during the campaign'
        const plan = await ask<{ replayId: string; planned: number }>('POST', '/ops/replays', { destination, reason })
        if (plan === undefined || plan.planned === 0) continue
        const start = { confirm: plan.planned }
        const started = await ask<{ requeued: number }>('POST', `/ops/replays/${plan.replayId}/start`, start)
        requeued += started?.requeued ?? 0
      }
      return requeued
    }
  }
}
