import t from 'tap'
import { checkShortCampaign } from './short-campaign.js'

t.test('processes die, receivers and PostgreSQL fail, and everything arrives once and in order', (t) =>
  checkShortCampaign(t, 'postgres')
)
