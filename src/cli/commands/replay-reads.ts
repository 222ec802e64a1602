// imms replay list, show, watch: where replays stand.
import type { Command } from 'commander'
import type { ReplayAnswer, ReplaysAnswer, Wire } from '../../http/ops-answers.js'
import type { CommandLine } from '../command-line.js'
import { EXIT } from '../exit-code.js'
import { printReplay, printReplays } from '../print-replay.js'
import { watchReplay } from '../watch-replay.js'

export function addReplayReads(replay: Command, line: CommandLine): void {
  const list = replay.command('list').description('replays, newest first').option('--limit <count>', 'how many (50)')
  line.define<{ limit?: string }>(list, async ({ client, terminal, json }, { limit }) => {
    const answer = await client.get<Wire<ReplaysAnswer>>('/ops/replays', { limit })
    if (json) terminal.printJson(answer)
    else printReplays(answer.replays, terminal)
    return EXIT.ok
  })

  const show = replay
    .command('show')
    .argument('<replay>')
    .description('a replay, and what became of its deliveries')
    .option('--result <result>', 'only deliveries with this result: delivered, failed, skipped or requeued')
    .option('--limit <count>', 'how many of them (1000)')
  line.define<{ result?: string; limit?: string }>(show, async ({ client, terminal, json }, options, [id = '']) => {
    const { result, limit } = options
    const answer = await client.get<Wire<ReplayAnswer>>(replayPath(id), { result, limit })
    if (json) terminal.printJson(answer)
    else printReplay(answer, terminal)
    return EXIT.ok
  })

  const watch = replay.command('watch').argument('<replay>').description('follow a replay until it is done or stops')
  line.define(watch, (session, _options, [id = '']) => watchReplay(session, replayPath(id)))
}

export function replayPath(replayId: string): string {
  return `/ops/replays/${encodeURIComponent(replayId)}`
}
