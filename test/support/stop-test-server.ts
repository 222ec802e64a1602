// A script that tap runs after the last test file (.taprc): ends the server of the run, if one was started.
import { existsSync } from 'node:fs'
import { runOf } from './test-run.js'
import { readServerFile } from './test-server.js'
import { waitFor } from './wait-for.js'

const run = runOf(process.ppid)
const file = readServerFile(run)
if (file && 'keeperPid' in file) {
  process.kill(file.keeperPid, 'SIGTERM')
  await waitFor(() => !existsSync(run.dir), 'the test server to end', { withinMs: 20_000 })
}
