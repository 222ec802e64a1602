// A mailbox of more than one page: what waits for a person stays in it, and never stands before what is new.
import t from 'tap'
import type { FetchedMessage, Inbox } from '../../src/delivery/inbox/inbox.js'
import { createMeshInbox } from '../../src/delivery/mesh/mailbox-inbox.js'
import type { CallMailbox } from '../../src/delivery/mesh/mesh-answer.js'
import { openAnswerRig } from '../support/answer-rig.js'

const SIGNAL = new AbortController().signal

/** What a mailbox answers to a list, page by page; `asked` holds the URLs. */
function listing(...pages: object[]): { asked: string[]; call: CallMailbox } {
  const asked: string[] = []
  const call: CallMailbox = ({ url }) => {
    asked.push(url)
    const text = JSON.stringify(pages[asked.length - 1])
    return Promise.resolve({ kind: 'answer', answer: { status: 200, headers: {}, text, isComplete: true } })
  }
  return { asked, call }
}

const ids = (first: number, count: number): string[] =>
  Array.from({ length: count }, (_, place) => `m-${first + place}`)

t.test('a full page is followed by the one after its last message, a short one is the last', async (t) => {
  const { asked, call } = listing({ messages: ids(1, 500) }, { messages: ids(501, 3) })
  const inbox = createMeshInbox('https://mesh.test/messageexchange/X26', call)

  const first = await inbox.list(SIGNAL)
  t.match(first, { kind: 'listed', next: 'm-500' })
  const last = await inbox.list(SIGNAL, 'm-500')

  t.same(last, { kind: 'listed', messageIds: ids(501, 3) })
  t.equal(asked[1], 'https://mesh.test/messageexchange/X26/inbox?continue_from=m-500')
})

t.test('of a link to the next page the place is taken, and nothing of its address', async (t) => {
  const next = 'https://elsewhere.test/messageexchange/OTHER/inbox?max_results=100&continue_from=a%2Bb%3D'
  const { asked, call } = listing({ messages: ids(1, 100), links: { self: '/x', next } }, { messages: [], links: {} })
  const inbox = createMeshInbox('https://mesh.test/messageexchange/X26', call)

  t.match(await inbox.list(SIGNAL), { next: 'a+b=' })
  t.same(await inbox.list(SIGNAL, 'a+b='), { kind: 'listed', messageIds: [] })

  t.equal(asked[1], 'https://mesh.test/messageexchange/X26/inbox?continue_from=a%2Bb%3D')
  const circle = listing({ messages: ids(1, 1), links: { next: '/inbox?continue_from=here' } })
  const same = await createMeshInbox('https://mesh.test/m', circle.call).list(SIGNAL, 'here')
  t.same(same, { kind: 'listed', messageIds: ['m-1'] }, 'a page that leads to itself is the last')
})

/** A mailbox with pages of two. Whatever begins with `u` nobody understands. */
function pagedInbox(like: Inbox, waiting: string[]): Inbox & { fetched: string[] } {
  const fetched: string[] = []
  return {
    ...like,
    fetched,
    validate: () => Promise.resolve(undefined),
    list(_signal, after) {
      const start = after === undefined ? 0 : waiting.indexOf(after) + 1
      const messageIds = waiting.slice(start, start + 2)
      const next = start + 2 < waiting.length ? messageIds.at(-1) : undefined
      return Promise.resolve({ kind: 'listed', messageIds, ...(next === undefined ? {} : { next }) })
    },
    fetch(messageId) {
      fetched.push(messageId)
      const message: FetchedMessage = {
        kind: 'message',
        workflowId: 'WORKFLOW',
        sender: 'SENDER',
        content: '',
        says: messageId.startsWith('u')
          ? { kind: 'not-understood', because: 'of the test' }
          : {
              kind: 'answer',
              about: { deliveryId: messageId.slice(2) },
              level: 'business',
              isPositive: true,
              code: '1',
              text: ''
            }
      }
      return Promise.resolve(message)
    },
    acknowledge(messageId) {
      waiting.splice(waiting.indexOf(messageId), 1)
      return Promise.resolve(undefined)
    }
  }
}

t.test('pages of messages that nobody understands keep nothing back', async (t) => {
  const rig = await openAnswerRig(t)
  const [deliveryId = ''] = (await rig.seed()).deliveryIds
  await rig.send(deliveryId)
  const waiting = ['u-1', 'u-2', 'u-3', 'u-4', 'u-5']
  const inbox = pagedInbox(rig.destination.inbox, waiting)
  const lookToTheEnd = async (): Promise<void> => {
    while (await rig.look('a', inbox)) continue
  }
  await lookToTheEnd()
  t.same(inbox.fetched, ['u-1', 'u-2', 'u-3', 'u-4', 'u-5'], 'each is looked at once')

  waiting.push(`a-${deliveryId}`, 'u-6')
  await lookToTheEnd()

  t.match(await rig.acknowledgementOf(deliveryId), { state: 'positive' })
  t.same(waiting, ['u-1', 'u-2', 'u-3', 'u-4', 'u-5', 'u-6'], 'what waits for a person stays')
  t.equal(inbox.fetched.length, 7, 'and is not fetched again')
})
