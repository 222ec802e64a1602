// Secrets of a destination: named by a file in production, given literally in the sandbox.
import { readFileSync } from 'node:fs'

/** The two properties by which options give one secret: the name of a file, or the secret itself. */
export interface SecretSource {
  file: string
  literal: string
}

/**
 * Reads a secret at start, so that a wrong path stops the start and not the first delivery.
 * One newline at the end of a file is not part of the secret: editors and `echo` put it there.
 * @throws Error naming the destination and the property, when none or both are given or the file cannot be read
 */
export function readSecretOption(destination: string, options: Record<string, unknown>, source: SecretSource): string {
  const file = options[source.file]
  const literal = options[source.literal]
  if ((file === undefined) === (literal === undefined)) {
    throw new Error(`destination "${destination}": options need exactly one of ${source.file} and ${source.literal}`)
  }
  if (typeof literal === 'string') return literal
  try {
    return readFileSync(String(file), 'utf8').replace(/\r?\n$/, '')
  } catch (error) {
    const code = error instanceof Error && 'code' in error ? String(error.code) : 'unknown fault'
    throw new Error(`destination "${destination}": the file of options.${source.file} cannot be read (${code})`, {
      cause: error
    })
  }
}

/** A file named by an option, read whole; undefined when the option is not given. @throws Error as {@link readSecretOption} */
export function findFileOption(
  destination: string,
  options: Record<string, unknown>,
  file: string
): string | undefined {
  if (options[file] === undefined) return undefined
  return readSecretOption(destination, { [file]: options[file] }, { file, literal: '' })
}
