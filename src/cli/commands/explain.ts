// imms explain <record>: where each version is, and why, in sentences.
import type { Command } from 'commander'
import type { ExplainAnswer, Wire } from '../../http/ops-answers.js'
import type { CommandLine } from '../command-line.js'
import { EXIT } from '../exit-code.js'
import type { Style, Terminal } from '../terminal.js'
import { momentWords } from '../words.js'

type Explanation = Wire<ExplainAnswer>

export function addExplain(program: Command, line: CommandLine): void {
  const command = program
    .command('explain')
    .argument('<record>', 'id of a record (the last part of its Location)')
    .description('where each version of a record is, why, and what to do next')
  line.define(command, async ({ client, terminal, json }, _options, [record = '']) => {
    const explanation = await client.get<Explanation>(`/ops/records/${encodeURIComponent(record)}/explain`)
    if (json) terminal.printJson(explanation)
    else printExplanation(explanation, terminal)
    return explanation.verdict === 'ok' ? EXIT.ok : EXIT.trouble
  })
}

function printExplanation(told: Explanation, terminal: Terminal): void {
  const standing = told.deleted ? 'deleted' : told.status
  terminal.print({ text: `Record ${told.recordId}`, style: 'bold' })
  terminal.print(`${told.vaccineType}, ${standing}, from ${told.owner}, version ${told.currentVersion}`)
  for (const version of told.versions) {
    terminal.print()
    terminal.print(
      { text: `Version ${version.version}`, style: 'bold' },
      ` ${version.operation} by ${version.supplier}, ${momentWords(version.receivedAt)} UTC`
    )
    if (version.reason !== null) terminal.print(`  Reason given: ${version.reason}`)
    for (const remark of version.remarks) printRemark(remark, terminal)
    if (version.deliveries.length === 0) terminal.print('  No destination is known.')
    for (const delivery of version.deliveries) printDelivery(delivery, terminal)
  }
  printEvent(told.event, terminal)
}

const STATE_STYLES: Partial<Record<string, Style>> = {
  delivered: 'green',
  held: 'red',
  blocked: 'yellow',
  verify: 'yellow'
}

function printDelivery(delivery: Explanation['versions'][number]['deliveries'][number], terminal: Terminal): void {
  const style = STATE_STYLES[delivery.state ?? ''] ?? 'dim'
  terminal.print('  ', { text: (delivery.state ?? 'not planned').padEnd(12), style }, delivery.sentence)
  for (const step of delivery.next) terminal.print(' '.repeat(14), { text: step, style: 'cyan' })
}

type Remark = Explanation['versions'][number]['remarks'][number]

function printRemark({ said, severity, rule, text }: Remark, terminal: Terminal): void {
  const style = severity === 'warning' ? 'yellow' : 'dim'
  terminal.print('  ', { text: severity.padEnd(12), style }, `${rule}, said ${said}: ${text}`)
}

function printEvent(event: Explanation['event'], terminal: Terminal): void {
  terminal.print()
  terminal.print({ text: 'Same jab', style: 'bold' })
  terminal.print('  ', event.sentence)
  for (const alternate of event.alternates) terminal.print('  ', alternate.sentence)
  for (const possible of event.possibleDuplicates)
    terminal.print('  ', { text: 'possible duplicate ', style: 'yellow' }, possible.sentence)
  for (const held of event.elsewhere) terminal.print('  ', { text: 'elsewhere ', style: 'yellow' }, held.sentence)
}
