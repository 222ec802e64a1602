// imms board: an address that opens the queues in a browser.
import type { Command } from 'commander'
import type { BoardTicketAnswer, Wire } from '../../http/ops-answers.js'
import type { CommandLine } from '../command-line.js'
import { EXIT } from '../exit-code.js'

export function addBoard(program: Command, line: CommandLine): void {
  const command = program
    .command('board')
    .description('an address that shows the queues in a browser (Bull Board, read only)')
  line.define(command, async ({ client, terminal, json }) => {
    const answer = await client.post<Wire<BoardTicketAnswer>>('/ops/board/tickets', {})
    if (json) terminal.printJson(answer)
    else {
      terminal.print('Open this address within a minute. It works once, and the board stays open for half an hour:')
      terminal.print(answer.url)
    }
    return EXIT.ok
  })
}
