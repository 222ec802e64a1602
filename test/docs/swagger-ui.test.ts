// /docs as a person sees it, in a real browser.
import { existsSync, mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import path from 'node:path'
import { chromium, type BrowserContext } from 'playwright-core'
import t, { type Test } from 'tap'
import { openDoor } from '../http/open-door.js'

const CHROMIUM = '/usr/bin/chromium'
const FLAGS = [
  '--no-sandbox',
  '--disable-gpu',
  '--disable-quic',
  '--no-first-run',
  '--disable-background-networking',
  '--disable-component-update',
  '--disable-sync'
]

async function openBrowser(t: Test): Promise<BrowserContext> {
  const folder = mkdtempSync(path.join(tmpdir(), 'imms-browser-'))
  const browser = await chromium.launchPersistentContext(folder, {
    executablePath: CHROMIUM,
    headless: true,
    args: FLAGS
  })
  t.teardown(async () => {
    await browser.close()
    rmSync(folder, { recursive: true, force: true })
  })
  return browser
}

t.test(
  'in a browser /docs lists the operations, opens one and tries it, and asks nobody but this service',
  { skip: existsSync(CHROMIUM) ? false : `left out: ${CHROMIUM} is not installed` },
  async (t) => {
    const door = await openDoor(t)
    const url = await door.server.listen({ host: '127.0.0.1', port: 0 })
    const page = await (await openBrowser(t)).newPage()
    const requested: string[] = []
    const faults: string[] = []
    page.on('request', (request) => requested.push(request.url()))
    page.on('requestfailed', (request) => faults.push(`failed: ${request.url()}`))
    page.on('response', (response) => {
      if (response.status() >= 400) faults.push(`${response.status()}: ${response.url()}`)
    })
    page.on('pageerror', (error) => faults.push(error.message))
    page.on('console', (message) => {
      if (message.type() === 'error' || message.type() === 'warning') faults.push(message.text())
    })

    await page.goto(`${url}/docs`)
    const create = page.locator('#operations-Immunization-createImmunization')
    await create.waitFor()
    t.equal(await page.title(), 'Immunisation Hub: the API')
    for (const tag of ['Immunization', 'Bundle', 'Other resources', 'Definitions', 'Service', 'Operations'])
      t.ok(await page.getByRole('heading', { name: new RegExp(`^${tag}`) }).count(), `${tag} is listed`)
    t.ok((await page.locator('.opblock').count()) > 60, 'with its operations')

    await create.locator('.opblock-summary-control').click()
    await create.locator('.opblock-body').waitFor()
    t.match(await create.locator('.opblock-body').innerText(), /Request body/)

    const live = page.locator('#operations-Service-readLiveness')
    await live.locator('.opblock-summary-control').click()
    await live.getByRole('button', { name: 'Try it out' }).click()
    await live.getByRole('button', { name: 'Execute' }).click()
    const answer = live.locator('.live-responses-table')
    await answer.waitFor()
    t.match(await answer.innerText(), /"status": "live"/)

    t.same(faults, [])
    t.same([...new Set(requested.filter((one) => !one.startsWith('data:')).map((one) => new URL(one).origin))], [url])
    t.ok(requested.includes(`${url}/openapi.yaml`))
  }
)

t.test('the page and its files are cached with a tag, and nothing but this service may run in it', async (t) => {
  const { server } = await openDoor(t)
  const page = await server.inject('/docs')
  t.equal(page.statusCode, 200)
  t.equal(page.headers['content-type'], 'text/html; charset=utf-8')
  t.equal(
    page.headers['content-security-policy'],
    "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self' data:; connect-src 'self'; " +
      "base-uri 'none'; form-action 'none'; frame-ancestors 'none'"
  )
  t.notMatch(page.body, /<script>|<style|style=|https?:/)

  const files = [...page.body.matchAll(/(?:src|href)="(docs\/[^"]+)"/g)].map(([, file = '']) => file)
  t.equal(files.length, 4)
  for (const url of ['/docs', ...files.map((file) => `/${file}`)]) {
    const first = await server.inject(url)
    t.equal(first.statusCode, 200, url)
    t.equal(first.headers['cache-control'], 'no-cache')
    const tag = String(first.headers.etag)
    const again = await server.inject({ url, headers: { 'if-none-match': tag } })
    t.equal(again.statusCode, 304, `${url} is sent once`)
    t.equal(again.body, '')
    const head = await server.inject({ method: 'HEAD', url })
    t.equal(head.headers.etag, tag)
    t.equal(head.body, '')
  }
})

t.test('what is not a file of the page is not there', async (t) => {
  const { server } = await openDoor(t)
  for (const file of ['swagger-ui.js', 'index.html', 'package.json', '..%2Fpackage.json', '%2e%2e', '__proto__']) {
    const answer = await server.inject(`/docs/${file}`)
    t.equal(answer.statusCode, 404, `/docs/${file}`)
    t.match(answer.json<object>(), { issue: [{ details: { coding: [{ code: 'unknown-url' }] } }] })
  }
  t.equal((await server.inject({ method: 'POST', url: '/docs' })).statusCode, 405)
  t.match(await server.inject('/docs/'), { statusCode: 308, headers: { location: '../docs' } })
})
