// The frame that every command hangs in: common options, the client, the terminal, the exit code.
import type { Command } from 'commander'
import type { CliDeps } from './cli-deps.js'
import { EXIT, type ExitCode } from './exit-code.js'
import { createOpsClient, type OpsClient } from './ops-client.js'
import { createTerminal, type Terminal } from './terminal.js'

export interface Session {
  client: OpsClient
  terminal: Terminal
  json: boolean
  deps: CliDeps
}

export type Work<Options> = (session: Session, options: Options, operands: string[]) => Promise<ExitCode>

export interface CommandLine {
  /** Adds the options every command has, and what it does. */
  define<Options>(command: Command, work: Work<Options>): void
  exitCode(): ExitCode
}

interface CommonOptions {
  json?: true
  url?: string
}

export function createCommandLine(deps: CliDeps): CommandLine {
  let exitCode: ExitCode = EXIT.ok
  return {
    define<Options>(command: Command, work: Work<Options>) {
      command
        .option('--json', 'print the answer as JSON')
        .option('--url <url>', 'base URL of the service (else IMMS_URL, else the one running here)')
        .action(async () => {
          const options = command.opts<CommonOptions & Options>()
          const session: Session = {
            client: createOpsClient(options.url ?? deps.settings.url, deps.settings.token),
            terminal: createTerminal(deps.stdout, deps.settings.colour),
            json: options.json === true,
            deps
          }
          exitCode = await work(session, options, command.args)
        })
    },
    exitCode: () => exitCode
  }
}

/** For an option that may be given several times, or as a comma list. */
export function collect(value: string, earlier: string[] | undefined): string[] {
  return [...(earlier ?? []), ...value.split(',').map((word) => word.trim())]
}
