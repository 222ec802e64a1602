// imms token: a token of the development issuer, for trying the service.
import type { Command } from 'commander'
import { collect, type CommandLine } from '../command-line.js'
import { CommandFault, EXIT } from '../exit-code.js'

interface TokenOptions {
  client: string
  scope?: string
  permissions?: string[]
  tolerant?: boolean
  existingRecords?: boolean
}

export function addToken(program: Command, line: CommandLine): void {
  const command = program
    .command('token')
    .description('print a token for a client (development only)')
    .requiredOption('--client <name>', 'supplier, service or person the token names')
    .option('--scope <scopes>', 'scopes, space separated: "system/Immunization.cruds ops/read ops/write"')
    .option('--permissions <list>', 'permissions per vaccine type: FLU.CRUDS,COVID.CRUDS', collect)
    .option('--tolerant', 'cut empty objects, arrays and nulls out of what the client sends, with a warning each')
    .option('--existing-records', 'look up what the NHS API holds of its patients from others')
  line.define<TokenOptions>(command, async ({ terminal, json, deps }, options) => {
    const { client, scope, permissions, tolerant, existingRecords } = options
    const token = await deps
      .issueToken({
        client,
        ...(scope === undefined ? {} : { scope }),
        ...(permissions === undefined ? {} : { permissions }),
        ...(tolerant === undefined ? {} : { tolerant }),
        ...(existingRecords === undefined ? {} : { existingRecords })
      })
      .catch((cause: unknown) => {
        throw new CommandFault(EXIT.refused, cause instanceof Error ? cause.message : String(cause), undefined, {
          cause
        })
      })
    if (json) terminal.printJson({ token })
    else terminal.print(token)
    return EXIT.ok
  })
}
