// The page of Bull Board and its files. The page is ours: the one that @bull-board/ui carries asks Google for its letters,
// and has styles inline.
import { readdirSync, readFileSync } from 'node:fs'
import { createRequire } from 'node:module'
import path from 'node:path'
import { tagPage, type TaggedPage } from './tagged-answer.js'

export const BOARD_PATH = '/ops/board'

/**
 * Nothing inline that runs, and nothing from elsewhere. The hash is that of the one style which the page's scripts put in
 * (that scroll bars are not seen twice); the test in a browser tells when it changes.
 */
export const BOARD_SECURITY_POLICY = [
  "default-src 'none'",
  "script-src 'self'",
  "style-src 'self' 'sha256-r2N1TB/gHbBtBZFKg7ejmq1acVSREzucTAEw6ga4hoU='",
  "img-src 'self' data:",
  "connect-src 'self'",
  "base-uri 'self'",
  "form-action 'none'",
  "frame-ancestors 'none'"
].join('; ')

export interface BoardPage {
  /** `settings`: those of the board, which the page reads. */
  page(settings: object): TaggedPage
  /** By its path below /ops/board: `static/js/main.js`. */
  file(name: string): TaggedPage | undefined
}

const TYPES: Readonly<Record<string, string>> = {
  '.js': 'text/javascript; charset=utf-8',
  '.css': 'text/css; charset=utf-8',
  '.json': 'application/json; charset=utf-8',
  '.svg': 'image/svg+xml',
  '.png': 'image/png',
  '.ico': 'image/x-icon'
}

/** @throws Error when @bull-board/ui is not installed, or has no such files any more */
export function readBoardPage(): BoardPage {
  const folder = path.join(path.dirname(createRequire(import.meta.url).resolve('@bull-board/ui/package.json')), 'dist')
  const files = readFiles(folder)
  const template = readFileSync(path.join(folder, 'index.ejs'), 'utf8')
  const named = [...template.matchAll(/(?:src|href)="(static\/[^"]+)"/g)].map(([, name = '']) => name)
  const scripts = named.filter((name) => name.endsWith('.js'))
  const styles = named.filter((name) => name.endsWith('.css'))
  if (scripts.length === 0 || styles.length === 0) throw new Error('the page of @bull-board/ui names no files')
  return {
    page: (settings) => tagPage('text/html; charset=utf-8', writePage(settings, scripts, styles)),
    file: (name) => files.get(name)
  }
}

function readFiles(folder: string): Map<string, TaggedPage> {
  const names = readdirSync(path.join(folder, 'static'), { recursive: true, encoding: 'utf8' })
  return new Map(
    names.flatMap((name) => {
      const type = TYPES[path.extname(name)]
      if (type === undefined) return []
      const place = `static/${name.split(path.sep).join('/')}`
      return [[place, tagPage(type, readFileSync(path.join(folder, place)))] as const]
    })
  )
}

function writePage(settings: object, scripts: readonly string[], styles: readonly string[]): string {
  return `<!doctype html>
<html lang="en-GB" dir="ltr">
  <head>
    <meta charset="utf-8" />
    <meta name="viewport" content="width=device-width, initial-scale=1" />
    <base href="${BOARD_PATH}/" />
    <title>Immunisation Hub: queues</title>
    <link rel="icon" type="image/svg+xml" id="fav-logo" href="static/images/logo.svg" />
    ${styles.map((name) => `<link rel="stylesheet" href="${name}" />`).join('\n    ')}
  </head>
  <body class="preload">
    <script id="__UI_CONFIG__" type="application/json">${JSON.stringify(settings).replaceAll('<', '\\u003c')}</script>
    <div id="root"></div>
    ${scripts.map((name) => `<script defer src="${name}"></script>`).join('\n    ')}
  </body>
</html>
`
}
