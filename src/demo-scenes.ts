// The scenes of the demo, in order: what happens, and whether it is what was promised.
import {
  control,
  count,
  countDeliveries,
  heldAt,
  listFixtures,
  post,
  postAll,
  readHistory,
  topRules,
  waitForDestinations,
  waitingAt,
  type Answer,
  type Stage
} from './demo-actors.js'

interface Promises {
  expect(what: string, isKept: boolean): void
  /** Says what was missed. Gives how many. */
  finish(): number
}

interface Play extends Stage {
  promises: Promises
}

/** Plays all scenes. Gives how many promises were missed; 0 is a good demo. */
export async function runScenes(stage: Stage): Promise<number> {
  const play: Play = { ...stage, promises: createPromises(stage) }
  const valid = await listFixtures('valid/')
  const kept = valid.filter((name) => /^(covid|rsv|mmr)/.test(name))
  const first = valid.filter((name) => !kept.includes(name))

  const accepted = await acceptScene(play, first)
  const refused = await refuseScene(play)
  await duplicateScene(play, accepted)
  const { later, held } = await troubleScene(play, kept)
  await replayScene(play, held)
  await historyScene(play)
  await summarise(play, [...accepted, ...later], refused, held)
  return play.promises.finish()
}

async function acceptScene(play: Play, names: readonly string[]): Promise<Answer[]> {
  play.say('\n1. Suppliers post Immunizations')
  const accepted = await postAll(play, 'valid/', names)
  play.promises.expect(
    'every sound record is accepted',
    accepted.every(({ status }) => status === 201)
  )
  return accepted
}

async function refuseScene(play: Play): Promise<Answer[]> {
  play.say('\n2. Faulty ones are refused, every fault at once')
  const refused = await postAll(play, 'invalid/', await listFixtures('invalid/'))
  for (const answer of refused) play.say(`  ${answer.status} ${answer.name}: ${answer.rules.join(', ')}`)
  const several = refused.find(({ name }) => name.startsWith('several-faults'))
  play.say(`  In full, for ${several?.name ?? ''}:`)
  for (const text of several?.texts ?? []) play.say(`    - ${text}`)
  play.promises.expect(
    'every faulty record is refused',
    refused.every(({ status }) => status === 400 || status === 422)
  )
  return refused
}

async function duplicateScene(play: Play, accepted: readonly Answer[]): Promise<void> {
  play.say('\n3. The same jab reported twice is kept twice and counted once')
  const linked = accepted.filter(({ rules }) => rules.includes('same-event-linked'))
  for (const { name } of linked) play.say(`  ${name} was linked to a vaccination already held`)
  play.promises.expect('a second report of the same jab is linked', linked.length > 0)
  const resent = await post(play, 'valid/', accepted[0]?.name ?? '')
  play.say(`  ${resent.name} sent once more: ${resent.status}, ${resent.rules.join(', ')}`)
  play.promises.expect('a resend makes nothing new', resent.status === 200)
  await waitForDestinations(play, (counts) => counts.every(({ waiting }) => waiting === 0), 'the first deliveries')
  await play.imms('status')
}

async function troubleScene(play: Play, names: readonly string[]): Promise<{ later: Answer[]; held: number }> {
  play.say('\n4. Trouble: the NHS API is down and the GP system refuses')
  await control(play, 'nhs-immunisation-api', { mode: 'down' })
  await control(play, 'gp-record', { mode: 'refuse' })
  const later = await postAll(play, 'valid/', names)
  play.promises.expect(
    'accepting goes on',
    later.every(({ status }) => status === 201)
  )
  await waitForDestinations(
    play,
    (counts) => heldAt(counts, 'gp-record') > 0 && waitingAt(counts, 'gp-record') === 0,
    'the refusals of the GP system'
  )
  play.promises.expect('imms status says that there is trouble', (await play.imms('status')) === 1)
  return { later, held: heldAt(await countDeliveries(play), 'gp-record') }
}

async function replayScene(play: Play, held: number): Promise<void> {
  play.say('\n5. Both are well again: what waited goes by itself, what was held is replayed')
  await control(play, 'nhs-immunisation-api', { mode: 'up' })
  await control(play, 'gp-record', { mode: 'up' })
  await play.imms('destination', 'resume', 'nhs-immunisation-api', '--reason', 'the NHS API is up again')
  const replay = ['replay', '--destination', 'gp-record', '--since', '1h']
  const dryRun = await play.imms(...replay)
  const stillHeld = heldAt(await countDeliveries(play), 'gp-record')
  play.promises.expect('a dry run comes first and changes nothing', dryRun === 0 && stillHeld === held)
  const reason = 'the GP system takes records again'
  const started = await play.imms(...replay, '--start', '--confirm', String(held), '--reason', reason)
  play.promises.expect('the replay starts', started === 0)
  await waitForDestinations(play, (counts) => counts.every((row) => row.waiting + row.held === 0), 'everything')
  play.promises.expect('imms status says that all is well', (await play.imms('status')) === 0)
}

async function historyScene(play: Play): Promise<void> {
  play.say('\n6. An NHS service asks for a patient’s history')
  const history = await readHistory(play)
  for (const line of history) play.say(`  ${line}`)
  const days = history.map((line) => line.slice(0, 10))
  play.promises.expect('the flu jab that two systems reported stands there once', new Set(days).size === days.length)
  play.promises.expect('and it does stand there', days.includes('2026-10-10'))
}

async function summarise(
  play: Play,
  accepted: readonly Answer[],
  refused: readonly Answer[],
  held: number
): Promise<void> {
  play.say('\nSummary')
  const counts = await countDeliveries(play)
  const delivered = counts.map((row) => `${row.delivered} to ${row.destination}`)
  const linked = count(accepted, ({ rules }) => rules.includes('same-event-linked'))
  play.say(`  accepted   ${accepted.length}, of which ${count(accepted, ({ isWarned }) => isWarned)} with warnings`)
  play.say(`  refused    ${refused.length}: ${topRules(refused)}`)
  play.say(`  linked     ${linked} second reports of the same jab`)
  play.say(`  delivered  ${delivered.join(', ')}`)
  play.say(`  held       ${held} by gp-record, all of them replayed`)
}

function createPromises(stage: Stage): Promises {
  const missed: string[] = []
  let made = 0
  return {
    expect(what, isKept) {
      made++
      if (!isKept) missed.push(what)
    },
    finish() {
      for (const what of missed) stage.say(`  NOT AS PROMISED: ${what}`)
      stage.say(`  promises   ${made - missed.length} of ${made} kept`)
      return missed.length
    }
  }
}
