// imms: the command line tool of operations staff, and of suppliers who want a verdict before they send.
import { Command, CommanderError } from 'commander'
import type { CliDeps } from './cli-deps.js'
import { createCommandLine } from './command-line.js'
import { addAudit } from './commands/audit.js'
import { addBoard } from './commands/board.js'
import { addDeliveries } from './commands/deliveries.js'
import { addDestination } from './commands/destination.js'
import { addDoctor } from './commands/doctor.js'
import { addDuplicates } from './commands/duplicates.js'
import { addErrors } from './commands/errors.js'
import { addExplain } from './commands/explain.js'
import { addInbox } from './commands/inbox.js'
import { addPatients } from './commands/patients.js'
import { addProfiles } from './commands/profiles.js'
import { addProgrammes } from './commands/programmes.js'
import { addRefusals } from './commands/refusals.js'
import { addReplay } from './commands/replay.js'
import { addStatus } from './commands/status.js'
import { addTail } from './commands/tail.js'
import { addToken } from './commands/token.js'
import { addValidate } from './commands/validate.js'
import { addVerify } from './commands/verify.js'
import { CommandFault, EXIT, type ExitCode } from './exit-code.js'

export interface Cli {
  /** Resolves with the exit code; rejects only for a bug of our own. `argv` without node and script. */
  run(argv: readonly string[]): Promise<ExitCode>
}

export function createCli(deps: CliDeps): Cli {
  for (const output of [deps.stdout, deps.stderr]) output.on('error', forgetClosedPipe)
  return {
    async run(argv) {
      const line = createCommandLine(deps)
      const program = createProgram(deps)
      const commands = [
        addStatus,
        addExplain,
        addDeliveries,
        addErrors,
        addTail,
        addVerify,
        addDoctor,
        addBoard,
        addDestination,
        addReplay,
        addInbox,
        addPatients,
        addDuplicates,
        addRefusals,
        addAudit,
        addToken,
        addValidate,
        addProfiles,
        addProgrammes
      ]
      for (const add of commands) add(program, line)
      try {
        await program.parseAsync(argv, { from: 'user' })
        return line.exitCode()
      } catch (error) {
        // Commander has printed its own message by then; help that was asked for ends with 0.
        if (error instanceof CommanderError) return error.exitCode === 0 ? EXIT.ok : EXIT.usage
        if (!(error instanceof CommandFault)) throw error
        printFault(error, argv.includes('--json'), deps)
        return error.exitCode
      }
    }
  }
}

/** `imms deliveries list | head`: whoever read the answer has seen enough. */
function forgetClosedPipe(error: Error): void {
  if (!('code' in error) || error.code !== 'EPIPE') throw error
}

function createProgram({ stdout, stderr }: CliDeps): Command {
  return new Command('imms')
    .description('looks after a running Immunisation Hub')
    .addHelpText('after', '\nExit codes: 0 ok, 1 trouble found, 2 typed wrongly, 3 refused.')
    .exitOverride()
    .enablePositionalOptions()
    .showHelpAfterError('(--help tells more)')
    .configureOutput({
      writeOut: (text) => stdout.write(text),
      writeErr: (text) => stderr.write(text),
      getOutHelpWidth: () => (stdout.isTTY === true ? (stdout.columns ?? 80) : 100),
      getErrHelpWidth: () => (stderr.isTTY === true ? (stderr.columns ?? 80) : 100),
      getOutHasColors: () => false,
      getErrHasColors: () => false
    })
}

function printFault(fault: CommandFault, asJson: boolean, { stderr }: CliDeps): void {
  const answer = fault.answer ?? { error: fault.message }
  stderr.write(asJson ? `${JSON.stringify(answer, undefined, 2)}\n` : `imms: ${fault.message}\n`)
}
