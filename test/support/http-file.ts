// Files of ready requests, in the syntax of the REST Client of VS Code: `@name = value`, `###` between requests,
// `# @name` before a request whose answer later ones use, `# expect 201` with the statuses it may be answered with.
export interface HttpFile {
  /** As they stand in the file: base, token. */
  variables: Record<string, string>
  requests: HttpRequest[]
}

export interface HttpRequest {
  title: string
  name?: string
  expect: number[]
  method: string
  /** With {{…}} still in it; so are the headers and the body. */
  url: string
  headers: Record<string, string>
  body?: string
}

export interface Exchange {
  request: HttpRequest
  /** As it was sent. */
  url: string
  answer: Response
  text: string
}

/** @throws Error that names what is wrong */
export function parseHttpFile(text: string): HttpFile {
  const [head = '', ...blocks] = text.split(/^###/m)
  const variables = Object.fromEntries(
    [...head.matchAll(/^@(\w+) = (.+)$/gm)].map(([, name = '', value = '']) => [name, value])
  )
  return { variables, requests: blocks.map(parseRequest) }
}

function parseRequest(block: string): HttpRequest {
  const lines = block.split('\n')
  const title = (lines[0] ?? '').trim()
  const start = lines.findIndex((line, index) => index > 0 && !line.startsWith('#'))
  const comments = lines.slice(1, start).join('\n')
  const [, method, url] = /^(GET|HEAD|POST|PUT|PATCH|DELETE) (\S+)$/.exec(lines[start] ?? '') ?? []
  const [, statuses] = /^# expect (\d{3}(?: or \d{3})*)$/m.exec(comments) ?? []
  if (method === undefined || url === undefined) throw new Error(`${title}: there is no request line`)
  if (statuses === undefined) throw new Error(`${title}: say "# expect" and the status`)
  const blank = lines.indexOf('', start)
  const headers = lines.slice(start + 1, blank).map((line) => /^([\w-]+): (.+)$/.exec(line)?.slice(1) ?? [line, ''])
  const name = /^# @name (\w+)$/m.exec(comments)?.[1]
  const body = lines.slice(blank).join('\n').trim()
  return {
    title,
    ...(name === undefined ? {} : { name }),
    expect: statuses.split(' or ').map(Number),
    method,
    url,
    headers: Object.fromEntries(headers) as Record<string, string>,
    ...(body === '' ? {} : { body })
  }
}

/** Sends the requests of a file in their order. `variables` win over those of the file. */
export async function sendRequests(file: HttpFile, variables: Record<string, string>): Promise<Exchange[]> {
  const known = { ...file.variables, ...variables }
  const named = new Map<string, Exchange>()
  const exchanges: Exchange[] = []
  for (const request of file.requests) {
    const fill = (text: string): string =>
      text.replace(/\{\{(.+?)\}\}/g, (_all, expression: string) => valueOf(expression, known, named))
    const url = fill(request.url)
    const answer = await fetch(url, {
      method: request.method,
      headers: Object.fromEntries(Object.entries(request.headers).map(([key, value]) => [key, fill(value)])),
      ...(request.body === undefined ? {} : { body: fill(request.body) })
    })
    const exchange = { request, url, answer, text: await answer.text() }
    if (request.name !== undefined) named.set(request.name, exchange)
    exchanges.push(exchange)
  }
  return exchanges
}

// {{token}}, {{created.response.headers.Location}}, {{created.response.body.$.entry[0].id}}
function valueOf(expression: string, variables: Record<string, string>, named: Map<string, Exchange>): string {
  const [, name = '', part, path = ''] = /^(\w+)\.response\.(headers|body)\.(.+)$/.exec(expression) ?? []
  const exchange = named.get(name)
  const value =
    part === undefined
      ? variables[expression]
      : part === 'headers'
        ? exchange?.answer.headers.get(path)
        : valueAt(JSON.parse(exchange?.text ?? 'null'), path)
  if (value === undefined || value === null) throw new Error(`{{${expression}}} has no value`)
  return value
}

function valueAt(body: unknown, path: string): string | undefined {
  const value = path
    .split(/[.[\]]+/)
    .filter((key) => key !== '$' && key !== '')
    .reduce<unknown>((place, key) => (place as Record<string, unknown> | null | undefined)?.[key], body)
  return typeof value === 'string' || typeof value === 'number' ? String(value) : undefined
}
