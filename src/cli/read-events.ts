// Server-sent events as they come in, https://html.spec.whatwg.org/multipage/server-sent-events.html#parsing-an-event-stream.

export interface ServerEvent {
  id?: string
  /** Undefined where it only says where the stream is. */
  data?: string
}

/** Ends with the stream. An event that is cut off is left out. Comments are none. */
export async function* readEvents(body: AsyncIterable<Uint8Array>): AsyncGenerator<ServerEvent> {
  const decoder = new TextDecoder()
  let rest = ''
  for await (const bytes of body) {
    const blocks = (rest + decoder.decode(bytes, { stream: true })).split('\n\n')
    rest = blocks.pop() ?? ''
    for (const block of blocks) {
      const event = parseEvent(block)
      if (event !== undefined) yield event
    }
  }
}

function parseEvent(block: string): ServerEvent | undefined {
  const data: string[] = []
  let id: string | undefined
  for (const line of block.split('\n')) {
    const [, name, value = ''] = /^([^:]+): ?(.*)$/.exec(line) ?? []
    if (name === 'data') data.push(value)
    if (name === 'id') id = value
  }
  if (id === undefined && data.length === 0) return undefined
  return { ...(id === undefined ? {} : { id }), ...(data.length === 0 ? {} : { data: data.join('\n') }) }
}
