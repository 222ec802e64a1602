// SNOMED CT identifiers (SCTID): dm+d codes are such identifiers too.
// Source: SNOMED CT Release File Specifications, chapters 6.1 to 6.5 (SCTID, partition, check digit); read 2026-11-22.

// Verhoeff: multiplication in the dihedral group D5, and the permutation applied once per position from the right.
const MULTIPLY = [
  [0, 1, 2, 3, 4, 5, 6, 7, 8, 9],
  [1, 2, 3, 4, 0, 6, 7, 8, 9, 5],
  [2, 3, 4, 0, 1, 7, 8, 9, 5, 6],
  [3, 4, 0, 1, 2, 8, 9, 5, 6, 7],
  [4, 0, 1, 2, 3, 9, 5, 6, 7, 8],
  [5, 9, 8, 7, 6, 0, 4, 3, 2, 1],
  [6, 5, 9, 8, 7, 1, 0, 4, 3, 2],
  [7, 6, 5, 9, 8, 2, 1, 0, 4, 3],
  [8, 7, 6, 5, 9, 3, 2, 1, 0, 4],
  [9, 8, 7, 6, 5, 4, 3, 2, 1, 0]
] as const
const PERMUTATION = [1, 5, 7, 6, 2, 8, 3, 0, 9, 4] as const
const PERMUTATIONS = Array.from({ length: 8 }, (_, times) =>
  Array.from({ length: 10 }, (_, digit) => {
    let permuted = digit
    for (let round = 0; round < times; round++) permuted = PERMUTATION[permuted] ?? 0
    return permuted
  })
)

/**
 * True for a text that can be a SNOMED CT concept id: 6 to 18 digits without a leading zero, partition 00 or 10
 * (third- and second-last digit; 01 and 11 are descriptions, 02 and 12 relationships) and a right check digit.
 * Says nothing about whether the concept exists or what it means.
 */
export function isSnomedConceptId(text: string): boolean {
  if (!/^[1-9][0-9]{5,17}$/.test(text)) return false
  const partition = text.slice(-3, -1)
  return (partition === '00' || partition === '10') && hasVerhoeffCheckDigit(text)
}

/** True for digits of which the last is the Verhoeff check digit of the others. */
export function hasVerhoeffCheckDigit(digits: string): boolean {
  let checksum = 0
  for (let position = 0; position < digits.length; position++) {
    const digit = Number(digits[digits.length - 1 - position])
    const permuted = PERMUTATIONS[position % 8]?.[digit] ?? 0
    checksum = MULTIPLY[checksum]?.[permuted] ?? 0
  }
  return checksum === 0
}
