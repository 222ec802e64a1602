// A moment as a sentence of operations says it.

/** `2026-11-22 02:14:05 UTC` */
export function moment(date: Date): string {
  return `${date.toISOString().slice(0, 19).replace('T', ' ')} UTC`
}
