// imms validate: the verdict of the API on files, without a service.
import { readFile } from 'node:fs/promises'
import { text as readAll } from 'node:stream/consumers'
import type { Command } from 'commander'
import { refuses, type Issue, type IssueSeverity } from '../../fhir/issue.js'
import { locateExpression } from '../../fhir/locate-expression.js'
import { toOperationOutcome } from '../../fhir/operation-outcome.js'
import type { CliDeps } from '../cli-deps.js'
import type { CommandLine } from '../command-line.js'
import { CommandFault, EXIT } from '../exit-code.js'
import type { Style, Terminal } from '../terminal.js'
import { plural } from '../words.js'

interface Judged {
  file: string
  text: string
  issues: Issue[]
}

export function addValidate(program: Command, line: CommandLine): void {
  const command = program
    .command('validate')
    .argument('<files...>', 'Immunizations as JSON; - for standard input')
    .description('the verdict of the API on files, without a service (identity and duplicates need one)')
  line.define(command, async ({ terminal, json, deps }, _options, files) => {
    const judged: Judged[] = []
    for (const file of files) {
      const text = await readText(file, deps)
      judged.push({ file, text, issues: await deps.validate(text) })
    }
    if (json) terminal.printJson(judged.map(toAnswer))
    else for (const one of judged) printJudged(one, terminal)
    return judged.some((one) => refuses(one.issues)) ? EXIT.trouble : EXIT.ok
  })
}

async function readText(file: string, deps: CliDeps): Promise<string> {
  try {
    return file === '-' ? await readAll(deps.stdin) : await readFile(file, 'utf8')
  } catch (cause) {
    throw new CommandFault(
      EXIT.usage,
      `${file}: cannot be read (${codeOf(cause)}); give the path of a JSON file`,
      undefined,
      {
        cause
      }
    )
  }
}

function codeOf(cause: unknown): string {
  return cause instanceof Error && 'code' in cause ? String(cause.code) : 'unknown reason'
}

function toAnswer({ file, issues }: Judged): object {
  return { file, valid: !refuses(issues), outcome: toOperationOutcome(issues) }
}

const SEVERITY_STYLES: Record<IssueSeverity, Style> = {
  fatal: 'red',
  error: 'red',
  warning: 'yellow',
  information: 'dim'
}

function printJudged({ file, text, issues }: Judged, terminal: Terminal): void {
  const isValid = !refuses(issues)
  const faults = issues.filter((issue) => issue.severity === 'error' || issue.severity === 'fatal').length
  const warnings = issues.filter((issue) => issue.severity === 'warning').length
  terminal.print(
    { text: isValid ? 'valid    ' : 'invalid  ', style: isValid ? 'green' : 'red' },
    { text: file, style: 'bold' },
    `  ${plural(faults, 'error')}, ${plural(warnings, 'warning')}`
  )
  for (const issue of issues) {
    terminal.print('  ', { text: issue.severity.padEnd(12), style: SEVERITY_STYLES[issue.severity] }, issue.text)
    terminal.print(
      ' '.repeat(14),
      { text: placeWords(file, text, issue), style: 'cyan' },
      {
        text: `  rule ${issue.rule}`,
        style: 'dim'
      }
    )
  }
}

// file:line:column, as editors and terminals open it. Faults of the JSON itself say their line in their text.
function placeWords(file: string, text: string, { layer, expression }: Issue): string {
  const [path] = expression ?? []
  const place = path === undefined || layer === 'json' ? undefined : locateExpression(text, path)
  const name = file === '-' ? 'line ' : `${file}:`
  return [place === undefined ? [] : `${name}${place.line}:${place.column}`, path ?? []].flat().join('  ')
}
