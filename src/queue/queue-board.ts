// What Bull Board's page asks of the queues, to read only: its routes that change something are not taken over at all.
import type { AppControllerRoute, BullBoardQueues, IServerAdapter, UIConfig } from '@bull-board/api/typings/app'
import type { RingJob, RingQueue } from './engine.js'
import { within } from './within.js'

export interface QueueBoard {
  /** What the page shows and offers, for the page itself. */
  settings(): Promise<object>
  /**
   * Answers a GET of the page: `path` as its own routes have it (`/api/queues`). Undefined where there is no such route.
   * Rejects soon when the engine does not answer.
   */
  ask(path: string, query: Readonly<Record<string, string>>): Promise<BoardAnswer | undefined>
}

export interface BoardAnswer {
  status: number
  body: object | string
}

const ANSWER_WITHIN_MS = 5_000

/** Nothing to press, nothing that leads elsewhere; Redis is asked for its workers only while somebody looks. */
const SETTINGS: UIConfig = {
  boardTitle: 'Immunisation Hub: queues (read only)',
  hideDocsLink: true,
  miscLinks: [],
  locale: { lng: 'en-GB' },
  sortQueues: true,
  showMetrics: false,
  pollingInterval: { showSetting: false, forceInterval: 5 }
}

interface OpenBoard {
  routes: { path: RegExp; names: string[]; handler: AppControllerRoute['handler'] }[]
  queues: BullBoardQueues
  settings: UIConfig
}

/** Nothing is loaded before the first question: most processes are never asked. */
export function createQueueBoard(queues: Iterable<RingQueue>): QueueBoard {
  let opened: Promise<OpenBoard> | undefined
  const open = (): Promise<OpenBoard> => (opened ??= openBoard([...queues]))
  return {
    settings: async () => (await open()).settings,
    async ask(path, query) {
      const board = await open()
      for (const route of board.routes) {
        const found = route.path.exec(path)
        if (found === null) continue
        const params = Object.fromEntries(route.names.map((name, index) => [name, found[index + 1]]))
        const request = { queues: board.queues, uiConfig: board.settings, query, params, body: {}, headers: {} }
        const answer = Promise.resolve(route.handler(request))
        const { status = 200, body } = await within(ANSWER_WITHIN_MS, 'asking the queues for the board', answer)
        return { status, body }
      }
      return undefined
    }
  }
}

async function openBoard(queues: readonly RingQueue[]): Promise<OpenBoard> {
  const [{ createBullBoard }, { BullMQAdapter }] = await Promise.all([
    import('@bull-board/api'),
    import('@bull-board/api/bullMQAdapter')
  ])
  const board: OpenBoard = { routes: [], queues: new Map(), settings: SETTINGS }
  const serverAdapter: IServerAdapter = {
    setQueues: (shown) => set({ queues: shown }),
    setUIConfig: (settings) => set({ settings }),
    setApiRoutes: (routes) => set({ routes: routes.filter(({ method }) => method === 'get').flatMap(toRoutes) }),
    // The page and its files are those of src/http/ops-board.ts, and so is what becomes of a fault.
    setViewsPath: () => serverAdapter,
    setStaticPath: () => serverAdapter,
    setEntryRoute: () => serverAdapter,
    setErrorHandler: () => serverAdapter
  }
  const set = (change: Partial<OpenBoard>): IServerAdapter => {
    Object.assign(board, change)
    return serverAdapter
  }
  const adapters = queues.map((queue) => {
    // A whole Queue in all but its declared type; the second copy of BullMQ's declarations (CommonJS) differs in name only.
    const adapter = new BullMQAdapter(queue as never, { readOnlyMode: true, allowRetries: false })
    adapter.setFormatter('data', ({ deliveryIds }: RingJob) => ({ deliveryIds }))
    return adapter
  })
  createBullBoard({ queues: adapters, serverAdapter, options: { uiConfig: SETTINGS } })
  return board
}

function toRoutes(route: AppControllerRoute): OpenBoard['routes'] {
  return [route.route].flat().map((path) => {
    const names = [...path.matchAll(/:(\w+)/g)].map(([, name = '']) => name)
    return {
      path: new RegExp(`^${path.replaceAll(/:\w+/g, '([^/]+)')}$`),
      names,
      handler: (request) => route.handler(request)
    }
  })
}
