// Runs in the child process of forkSandbox, and only there.
import type { SandboxReport, SandboxStart } from './process.js'
import { startSandbox } from './server.js'

process.once('disconnect', () => {
  process.exit(0)
})
process.once('message', (message) => {
  const { port, keys, seed } = message as SandboxStart
  startSandbox({ port, keys, seed }).then(
    ({ url }) => {
      report({ url })
    },
    (error: unknown) => {
      report({ error: error instanceof Error ? error.message : String(error) })
      process.disconnect()
    }
  )
})

function report(message: SandboxReport): void {
  process.send?.(message)
}
