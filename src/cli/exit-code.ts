// How a command ends: the numbers a shell script can rely on, and the fault that carries one of them.

/** 0 all well, 1 trouble was found, 2 the command was typed wrongly, 3 refused (rights, state or confirmation). */
export const EXIT = { ok: 0, trouble: 1, usage: 2, refused: 3 } as const
export type ExitCode = (typeof EXIT)[keyof typeof EXIT]

/** Stops a command: what went wrong, what to do, and the exit code. */
export class CommandFault extends Error {
  constructor(
    readonly exitCode: ExitCode,
    message: string,
    /** The service's answer, printed instead of the message with --json. */
    readonly answer?: unknown,
    options?: ErrorOptions
  ) {
    super(message, options)
    this.name = 'CommandFault'
  }
}

/** What work finds wrong with files is trouble found. @throws CommandFault with the message of the error */
export async function orTrouble<Result>(work: Promise<Result>): Promise<Result> {
  try {
    return await work
  } catch (cause) {
    if (cause instanceof CommandFault) throw cause
    throw new CommandFault(EXIT.trouble, cause instanceof Error ? cause.message : String(cause), undefined, { cause })
  }
}
