import t from 'tap'
import { openOwnRedis, redisLeftOut } from '../support/redis.js'
import { checkShortCampaign } from './short-campaign.js'

t.test('processes die, receivers, PostgreSQL and Redis fail, and everything arrives once and in order', async (t) => {
  const redis = await openOwnRedis()
  await redis?.close()
  if (redis === undefined) t.pass(redisLeftOut, { skip: redisLeftOut })
  else await checkShortCampaign(t, 'redis')
})
