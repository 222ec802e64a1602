// SNOMED CT identifiers: 6 to 18 digits, no leading zero, a Verhoeff check digit last and two partition digits before it.
// SNOMED International, Release File Specification, SCTID; NHS England checks vaccine and procedure codes the same way.

// Multiplication in the dihedral group D5, and the permutation by position, as Verhoeff defined them.
const PRODUCT = [
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
].flat()
const PERMUTATION = [
  [0, 1, 2, 3, 4, 5, 6, 7, 8, 9],
  [1, 5, 7, 6, 2, 8, 3, 0, 9, 4],
  [5, 8, 0, 3, 7, 9, 6, 1, 4, 2],
  [8, 9, 1, 6, 0, 4, 3, 5, 2, 7],
  [9, 4, 5, 3, 1, 2, 6, 8, 7, 0],
  [4, 2, 8, 6, 5, 7, 3, 9, 0, 1],
  [2, 7, 9, 3, 8, 0, 6, 4, 1, 5],
  [7, 0, 4, 6, 9, 1, 3, 2, 5, 8]
].flat()

/** True for the identifier of a concept: digits, check digit and partition (00 core, 10 with a namespace) are right. */
export function isSnomedConceptId(code: string): boolean {
  const length = code.length
  if (length < 6 || length > 18 || code.charCodeAt(0) === 48) return false
  if (code.charCodeAt(length - 2) !== 48) return false
  const partition = code.charCodeAt(length - 3)
  if (partition !== 48 && partition !== 49) return false
  // A namespace takes seven digits, so the long form has at least one digit before it.
  if (partition === 49 && length < 11) return false
  return hasVerhoeffCheckDigit(code)
}

/** True when the last digit is the Verhoeff check digit of those before it. */
export function hasVerhoeffCheckDigit(digits: string): boolean {
  let check = 0
  for (let position = 0; position < digits.length; position++) {
    const digit = digits.charCodeAt(digits.length - 1 - position) - 48
    if (digit < 0 || digit > 9) return false
    check = PRODUCT[check * 10 + (PERMUTATION[(position % 8) * 10 + digit] ?? 0)] ?? 0
  }
  return check === 0
}
