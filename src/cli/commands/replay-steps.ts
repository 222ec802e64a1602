// imms replay approve, pause, resume, cancel: what people do to a plan, or to a replay that runs.
import type { Command } from 'commander'
import type { ApproveAnswer, CancelAnswer, PauseAnswer, ResumeAnswer, Wire } from '../../http/ops-answers.js'
import type { CommandLine } from '../command-line.js'
import { EXIT } from '../exit-code.js'
import { addPace, readPace, REASON, type PaceOptions } from '../replay-options.js'
import { countWords, momentWords, rateWords } from '../words.js'
import { replayPath } from './replay-reads.js'

interface Why {
  reason: string
}

export function addReplaySteps(replay: Command, line: CommandLine): void {
  const approve = replay
    .command('approve')
    .argument('<replay>')
    .description('a second person lets a large or a stale replay start')
    .requiredOption('--reason <text>', REASON)
  line.define<Why>(approve, async ({ client, terminal, json }, { reason }, [id = '']) => {
    const answer = await client.post<Wire<ApproveAnswer>>(`${replayPath(id)}/approve`, { reason })
    if (json) terminal.printJson(answer)
    else {
      terminal.print(
        `Replay ${answer.replayId} is approved; it can be started until ${momentWords(answer.expiresAt)} UTC.`
      )
      terminal.print('Next: ', { text: `imms replay start ${answer.replayId}`, style: 'cyan' })
    }
    return EXIT.ok
  })

  const pause = replay
    .command('pause')
    .argument('<replay>')
    .description('release nothing more for now; what is released goes on')
    .requiredOption('--reason <text>', REASON)
  line.define<Why>(pause, async ({ client, terminal, json }, { reason }, [id = '']) => {
    const answer = await client.post<Wire<PauseAnswer>>(`${replayPath(id)}/pause`, { reason })
    if (json) terminal.printJson(answer)
    else terminal.print(`Replay ${answer.replayId} is paused.`)
    return EXIT.ok
  })

  const resume = addPace(replay.command('resume').argument('<replay>'))
    .description('go on, at the rate it had unless another is given')
    .requiredOption('--reason <text>', REASON)
  line.define<Why & PaceOptions>(resume, async ({ client, terminal, json }, { reason, ...pace }, [id = '']) => {
    const answer = await client.post<Wire<ResumeAnswer>>(`${replayPath(id)}/resume`, { reason, ...readPace(pace) })
    if (json) terminal.printJson(answer)
    else {
      terminal.print(`Replay ${answer.replayId} goes on at ${rateWords(answer.ratePerSecond)}.`)
      terminal.print('Next: ', { text: `imms replay watch ${answer.replayId}`, style: 'cyan' })
    }
    return EXIT.ok
  })

  const cancel = replay
    .command('cancel')
    .argument('<replay>')
    .description('give up a plan, or the rest of a replay: what is left stays as it was')
    .option('--reason <text>', 'why; needed once it has started')
  line.define<Partial<Why>>(cancel, async ({ client, terminal, json }, { reason }, [id = '']) => {
    const body = reason === undefined ? {} : { reason }
    const answer = await client.post<Wire<CancelAnswer>>(`${replayPath(id)}/cancel`, body)
    if (json) terminal.printJson(answer)
    else terminal.print(`Replay ${answer.replayId} is cancelled; ${countWords(answer.left)} stay as they were.`)
    return EXIT.ok
  })
}
