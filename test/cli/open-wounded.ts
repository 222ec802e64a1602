// The command line on a Hub in trouble.
import type { Test } from 'tap'
import { createRunner, openOps } from './open-ops.js'
import { woundHub } from './wounded-hub.js'

/** A Hub in trouble, and command lines of people with different rights. */
export async function openWounded(t: Test) {
  const ops = await openOps(t)
  await woundHub(ops.pool)
  const url = await ops.server.listen({ host: '127.0.0.1', port: 0 })
  const tokenWith = async (scopes: string[], client = 'night-desk') =>
    (await ops.bearer({ client, scopes, permissions: [] })).replace('Bearer ', '')
  return {
    ...ops,
    url,
    imms: createRunner({ url, token: await tokenWith(['ops/read', 'ops/write']) }),
    second: createRunner({ url, token: await tokenWith(['ops/read', 'ops/write'], 'day-desk') }),
    reader: createRunner({ url, token: await tokenWith(['ops/read']) }),
    supplier: createRunner({ url, token: await tokenWith(['system/Immunization.cruds']) }),
    nobody: createRunner({ url })
  }
}
