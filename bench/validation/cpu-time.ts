// Time of this process on the processor, so that neighbours on the machine weigh less.

export function cpuMs(): number {
  const { user, system } = process.cpuUsage()
  return (user + system) / 1000
}

/** Calls per CPU second. */
export function rateOf(job: () => unknown, cpuSeconds: number): number {
  const start = cpuMs()
  let count = 0
  let spent: number
  do {
    for (let index = 0; index < 20; index++) job()
    count += 20
    spent = cpuMs() - start
  } while (spent < cpuSeconds * 1000)
  return count / (spent / 1000)
}
