import t from 'tap'
import { createSendSlots } from '../../src/delivery/send-slots.js'

const LIMITS = { concurrency: 2, timeoutMs: 1_000, aheadMs: 100 }

t.test('nothing is taken ahead of a receiver that nothing is known of', (t) => {
  t.equal(createSendSlots(LIMITS).room(), 2)
  t.end()
})

t.test('as many are taken ahead as will be sent within the time, and three times what is sent at once at most', (t) => {
  const slots = createSendSlots(LIMITS)
  for (let n = 0; n < 100; n++) slots.answered(80)
  t.equal(slots.room(), 4)
  for (let n = 0; n < 100; n++) slots.answered(1)
  t.equal(slots.room(), 8)
  for (let n = 0; n < 100; n++) slots.answered(900)
  t.equal(slots.room(), 2)
  t.end()
})

t.test('a destination with a rate takes nothing ahead', (t) => {
  const slots = createSendSlots({ ...LIMITS, aheadMs: 0 })
  for (let n = 0; n < 100; n++) slots.answered(0)
  t.equal(slots.room(), 2)
  t.end()
})

t.test('they enter in the order of their calls, never more at once than the destination takes', async (t) => {
  const slots = createSendSlots(LIMITS)
  const entered: number[] = []
  let sending = 0
  let busiest = 0
  const send = async (n: number): Promise<void> => {
    t.equal(await slots.enter(), true)
    entered.push(n)
    busiest = Math.max(busiest, ++sending)
    await new Promise(setImmediate)
    sending--
    slots.leave()
  }
  await Promise.all([0, 1, 2, 3, 4, 5, 6].map(send))
  t.same(entered, [0, 1, 2, 3, 4, 5, 6])
  t.equal(busiest, 2)
  t.equal(await slots.enter(), true, 'every slot is free again')
  t.equal(await slots.enter(), true)
})

t.test('a failure gives back what waits, and ends taking ahead until answers are quick again', async (t) => {
  const slots = createSendSlots(LIMITS)
  for (let n = 0; n < 100; n++) slots.answered(1)
  await Promise.all([slots.enter(), slots.enter()])
  const waiting = [slots.enter(), slots.enter()]

  slots.giveBack()

  t.same(await Promise.all(waiting), [false, false])
  t.equal(slots.room(), 2)
  for (let n = 0; n < 60; n++) slots.answered(1)
  t.equal(slots.room(), 8)
  slots.leave()
  t.equal(await slots.enter(), true, 'nobody was left a slot that he did not take')
})
