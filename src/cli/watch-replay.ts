// imms replay watch: a bar on a terminal, a line per change elsewhere.
import { Presets, SingleBar } from 'cli-progress'
import type { ReplayAnswer, Wire } from '../http/ops-answers.js'
import type { Session } from './command-line.js'
import { EXIT, type ExitCode } from './exit-code.js'
import { leftWords, progressWords } from './print-replay.js'
import type { Output } from './terminal.js'
import { durationWords, rateWords } from './words.js'

type Replay = Wire<ReplayAnswer>

const POLL_MS = 1_000

/** Ends once it does not run any more: 1 when not all of it is delivered (or was skipped, and says why). */
export async function watchReplay({ client, terminal, json, deps }: Session, path: string): Promise<ExitCode> {
  const read = (): Promise<Replay> => client.get<Replay>(path, { limit: 1 })
  let replay = await read()
  const display = json ? undefined : openDisplay(deps.stdout, replay)
  while (replay.state === 'running') {
    display?.show(replay)
    await deps.wait(POLL_MS)
    replay = await read()
  }
  display?.end(replay)
  if (json) terminal.printJson(replay)
  else terminal.print(summary(replay))
  const { failed, retrying, left, blocked } = replay.progress
  if (replay.state === 'planned') return EXIT.ok
  return failed + retrying + left + blocked === 0 ? EXIT.ok : EXIT.trouble
}

function summary({ replayId, state, destination, progress, pausedBecause }: Replay): string {
  const counts = progressWords(progress)
  switch (state) {
    case 'planned':
      return `Replay ${replayId} has not started. Next: imms replay start ${replayId}`
    case 'paused':
      return (
        `Replay ${replayId} is paused (${pausedBecause ?? ''}): ${counts}. ` +
        `Next: imms errors top --destination ${destination}, then imms replay resume or cancel ${replayId} --reason "<why>"`
      )
    case 'cancelled':
      return `Replay ${replayId} was cancelled: ${counts} as they were.`
    case 'running':
    case 'done': {
      const next = progress.failed === 0 ? '' : ` Next: imms replay show ${replayId} --result failed`
      return `Replay ${replayId}: ${counts}.${next}`
    }
  }
}

interface Display {
  show(replay: Replay): void
  end(replay: Replay): void
}

function openDisplay(output: Output, first: Replay): Display | undefined {
  if (first.state !== 'running') return undefined
  return output.isTTY === true ? openBar(output, first) : openLines(output)
}

function openBar(output: Output, first: Replay): Display {
  const bar = new SingleBar(
    {
      stream: output,
      format: 'sending again [{bar}] {value}/{total}  delivered {delivered}  failed {failed}  {rate}  {time}',
      hideCursor: true,
      gracefulExit: true
    },
    Presets.legacy
  )
  bar.start(first.planned, triedOf(first), wordsOf(first))
  return {
    show: (replay) => {
      bar.update(triedOf(replay), wordsOf(replay))
    },
    end(replay) {
      bar.update(triedOf(replay), wordsOf(replay))
      bar.stop()
    }
  }
}

function wordsOf({ progress, secondsLeft }: Replay): object {
  const time = secondsLeft === null ? '' : `${durationWords(secondsLeft)} to go`
  return { ...progress, rate: rateWords(progress.endedPerSecond), time }
}

function openLines(output: Output): Display {
  let last = ''
  return {
    show(replay) {
      const line = `${triedOf(replay)}/${replay.planned}: ${progressWords(replay.progress)}`
      if (line !== last) output.write(`${line}${leftWords(replay.secondsLeft)}\n`)
      last = line
    },
    end: () => undefined
  }
}

function triedOf({ planned, progress }: Replay): number {
  return planned - progress.left - progress.waiting
}
