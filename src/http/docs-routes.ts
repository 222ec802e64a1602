// The pages below /docs: Swagger UI over /openapi.yaml. Everything comes from this service; the files of Swagger UI are
// those that @fastify/swagger-ui carries, which is installed without scripts (swagger-ui-dist brings one that phones home).
import { readFileSync } from 'node:fs'
import { createRequire } from 'node:module'
import type { Route } from './route.js'
import { sendTagged, tagPage, type TaggedPage } from './tagged-answer.js'
import { notThere } from './unmatched.js'

/** Nothing inline and nothing from elsewhere; Swagger UI draws its arrows as data: images. */
const CONTENT_SECURITY_POLICY = [
  "default-src 'none'",
  "script-src 'self'",
  "style-src 'self'",
  "img-src 'self' data:",
  "connect-src 'self'",
  "base-uri 'none'",
  "form-action 'none'",
  "frame-ancestors 'none'"
].join('; ')

// Addresses are relative to /docs, so that the page works below any path that a proxy gives it.
const INDEX = `<!doctype html>
<html lang="en-GB">
  <head>
    <meta charset="utf-8" />
    <meta name="viewport" content="width=device-width, initial-scale=1" />
    <title>Immunisation Hub: the API</title>
    <link rel="stylesheet" href="docs/swagger-ui.css" />
    <link rel="icon" type="image/png" href="docs/favicon-32x32.png" />
  </head>
  <body>
    <main id="swagger-ui"></main>
    <noscript>This page needs JavaScript. The description itself is at <a href="openapi.yaml">openapi.yaml</a>.</noscript>
    <script src="docs/swagger-ui-bundle.js"></script>
    <script src="docs/show-api.js"></script>
  </body>
</html>
`

// validatorUrl null: Swagger UI would send the description to a service of its makers to have it judged.
const SHOW_API = `window.ui = window.SwaggerUIBundle({
  url: 'openapi.yaml',
  dom_id: '#swagger-ui',
  deepLinking: true,
  docExpansion: 'list',
  defaultModelsExpandDepth: 0,
  displayRequestDuration: true,
  filter: true,
  persistAuthorization: false,
  validatorUrl: null
})
`

const JAVASCRIPT = 'text/javascript; charset=utf-8'

/** @throws Error at start when Swagger UI is not installed */
export function docsRoutes(): Route[] {
  const index = tagPage('text/html; charset=utf-8', INDEX)
  const files = readFiles()
  return [
    {
      method: 'GET',
      path: '/docs',
      access: 'open',
      surface: 'plain',
      handle: (request, reply) =>
        sendTagged(request, reply.header('content-security-policy', CONTENT_SECURITY_POLICY), index)
    },
    {
      method: 'GET',
      path: '/docs/:file',
      access: 'open',
      surface: 'plain',
      handle(request, reply) {
        const { file } = request.params as { file: string }
        if (file === '') return reply.redirect('../docs', 308)
        const page = files.get(file)
        if (page === undefined) throw notThere(request.url)
        return sendTagged(request, reply, page)
      }
    }
  ]
}

function readFiles(): Map<string, TaggedPage> {
  const require = createRequire(import.meta.url)
  const read = (name: string): Buffer => readFileSync(require.resolve(`@fastify/swagger-ui/static/${name}`))
  return new Map([
    ['swagger-ui.css', tagPage('text/css; charset=utf-8', read('swagger-ui.css'))],
    ['swagger-ui-bundle.js', tagPage(JAVASCRIPT, read('swagger-ui-bundle.js'))],
    ['show-api.js', tagPage(JAVASCRIPT, SHOW_API)],
    ['favicon-32x32.png', tagPage('image/png', read('favicon-32x32.png'))]
  ])
}
