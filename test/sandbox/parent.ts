// A process that starts a sandbox, tells where it is, and waits to be killed.
import { forkSandbox } from '../../src/sandbox/process.js'

const { url } = await forkSandbox()
process.send?.(url)
