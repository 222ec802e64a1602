// imms replay watch: a bar on a terminal, a line per change elsewhere.
import { Presets, SingleBar } from 'cli-progress'
import type { ReplayAnswer, Wire } from '../http/ops-answers.js'
import type { Session } from './command-line.js'
import { EXIT, type ExitCode } from './exit-code.js'
import type { Output } from './terminal.js'

type Replay = Wire<ReplayAnswer>

const POLL_MS = 500

/** Ends once every delivery was attempted again: 1 when some of them are not delivered. */
export async function watchReplay({ client, terminal, json, deps }: Session, path: string): Promise<ExitCode> {
  let replay = await client.get<Replay>(path)
  const display = json ? undefined : openDisplay(deps.stdout, replay)
  while (replay.state === 'running' && replay.progress.waiting > 0) {
    display?.show(replay)
    await deps.wait(POLL_MS)
    replay = await client.get<Replay>(path)
  }
  display?.end(replay)
  if (json) terminal.printJson(replay)
  else terminal.print(summary(replay))
  const { held, waiting } = replay.progress
  return held + waiting === 0 ? EXIT.ok : EXIT.trouble
}

function summary({ replayId, state, destination, progress }: Replay): string {
  if (state === 'planned') return `Replay ${replayId} has not started. Next: imms replay start ${replayId}`
  if (state === 'cancelled') return `Replay ${replayId} was cancelled; nothing was sent.`
  const { delivered, held, waiting, skipped } = progress
  const next = held === 0 ? '' : ` Next: imms errors top --destination ${destination}`
  return `Replay ${replayId}: ${delivered} delivered, ${held} held, ${waiting} waiting, ${skipped} skipped.${next}`
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
      format: 'sending again [{bar}] {value}/{total}  delivered {delivered}  held {held}  {eta_formatted}',
      hideCursor: true,
      gracefulExit: true
    },
    Presets.legacy
  )
  bar.start(first.progress.requeued, doneOf(first), first.progress)
  return {
    show: (replay) => {
      bar.update(doneOf(replay), replay.progress)
    },
    end(replay) {
      bar.update(doneOf(replay), replay.progress)
      bar.stop()
    }
  }
}

function openLines(output: Output): Display {
  let last = ''
  const show = (replay: Replay): void => {
    const { requeued, delivered, held } = replay.progress
    const line = `${doneOf(replay)}/${requeued} sent again, ${delivered} delivered, ${held} held\n`
    if (line !== last) output.write(line)
    last = line
  }
  return { show, end: show }
}

function doneOf({ progress }: Replay): number {
  return progress.requeued - progress.waiting
}
