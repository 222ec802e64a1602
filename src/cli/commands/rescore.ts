// imms duplicates rescore: what other weights would change in stored event groups. Nothing is written.
import { readFile } from 'node:fs/promises'
import { basename } from 'node:path'
import { Presets, SingleBar } from 'cli-progress'
import type { Command } from 'commander'
import type { WeightsAnswer, Wire } from '../../http/ops-answers.js'
import type { CommandLine } from '../command-line.js'
import { CommandFault, EXIT } from '../exit-code.js'
import type { Output, Terminal } from '../terminal.js'
import { parseTimeArgument } from '../time-argument.js'
import { plural } from '../words.js'

type Compared = Wire<WeightsAnswer>

const MAX_EXAMPLES = 10

interface RescoreOptions {
  weights: string
  since: string
}

export function addRescore(duplicates: Command, line: CommandLine): void {
  const rescore = duplicates
    .command('rescore')
    .description('how event groups would change under other weights; nothing is written')
    .requiredOption('--weights <file>', 'a file as those in profiles/dedup/')
    .requiredOption('--since <time>', 'patients with a record received since: 30d, or ISO 8601')
  line.define<RescoreOptions>(rescore, async ({ client, terminal, json, deps }, options) => {
    const body = {
      file: basename(options.weights),
      text: await readText(options.weights),
      since: parseTimeArgument(options.since, deps.now())
    }
    let sum: Compared | undefined
    let bar: SingleBar | undefined
    try {
      do {
        const after = sum?.next ?? undefined
        const page = await client.post<Compared>('/ops/duplicates/rehearse', { ...body, after })
        sum = sum === undefined ? page : add(sum, page)
        bar ??= json ? undefined : openBar(deps.stdout, sum.total)
        bar?.update(sum.patients)
      } while (sum.next !== null)
    } finally {
      bar?.stop()
    }
    if (json) terminal.printJson(sum)
    else printCompared(sum, terminal)
    return EXIT.ok
  })
}

async function readText(file: string): Promise<string> {
  try {
    return await readFile(file, 'utf8')
  } catch (cause) {
    throw new CommandFault(EXIT.usage, `${file}: cannot be read; give the path of a file of weights`, undefined, {
      cause
    })
  }
}

function openBar(output: Output, total: number): SingleBar | undefined {
  if (output.isTTY !== true) return undefined
  const bar = new SingleBar(
    {
      stream: output,
      format: 'patients [{bar}] {value}/{total}  {eta_formatted}',
      hideCursor: true,
      gracefulExit: true
    },
    Presets.legacy
  )
  bar.start(total, 0)
  return bar
}

function add(sum: Compared, page: Compared): Compared {
  return {
    ...page,
    patients: sum.patients + page.patients,
    records: sum.records + page.records,
    changed: sum.changed + page.changed,
    groupsBefore: sum.groupsBefore + page.groupsBefore,
    groupsAfter: sum.groupsAfter + page.groupsAfter,
    merged: sum.merged + page.merged,
    split: sum.split + page.split,
    newSurvivors: sum.newSurvivors + page.newSurvivors,
    reviewsOpened: sum.reviewsOpened + page.reviewsOpened,
    reviewsClosed: sum.reviewsClosed + page.reviewsClosed,
    decisions: sum.decisions + page.decisions,
    againstReviewers: sum.againstReviewers + page.againstReviewers,
    examples: [...sum.examples, ...page.examples].slice(0, MAX_EXAMPLES)
  }
}

function printCompared(sum: Compared, terminal: Terminal): void {
  const { currentVersion, nextVersion, examples } = sum
  terminal.print(
    { text: `${nextVersion} beside ${currentVersion}: `, style: 'bold' },
    `${plural(sum.patients, 'patient')}, ${plural(sum.records, 'record')}; ${plural(sum.changed, 'patient')} would change.`
  )
  terminal.print(
    `Vaccinations: ${sum.groupsBefore} now, ${sum.groupsAfter} then; ${sum.merged} put together, ${sum.split} fallen apart.`
  )
  terminal.print(
    `Counted by another record: ${sum.newSurvivors}. Reviews: ${sum.reviewsOpened} opened, ${sum.reviewsClosed} closed.`
  )
  terminal.print(
    `Decisions of reviewers, all kept: ${sum.decisions}; the weights alone would decide ${sum.againstReviewers} the other way.`
  )
  for (const { change, recordIds } of examples) terminal.print(`  ${change.padEnd(13)} ${recordIds.join(' ')}`)
  terminal.print({
    text: 'Nothing was written. To apply them, put the file into profiles/dedup/ and start the service again: the highest version is in force. A stored group is computed again when one of its records is touched.',
    style: 'dim'
  })
}
