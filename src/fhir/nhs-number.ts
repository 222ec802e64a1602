// NHS number: ten digits, the last a Modulus 11 check digit.
// Source: NHS Data Dictionary, NHS NUMBER, checked 2026-11-22.

/** True for ten ASCII digits whose check digit is right and which are not one digit ten times over. */
export function isNhsNumber(text: string): boolean {
  if (!/^[0-9]{10}$/.test(text) || /^(.)\1{9}$/.test(text)) return false
  return checkDigit(text) === Number(text[9])
}

/** The check digit for the first nine digits; undefined where the number cannot be issued (remainder 10). */
export function checkDigit(digits: string): number | undefined {
  let sum = 0
  for (let index = 0; index < 9; index++) sum += Number(digits[index]) * (10 - index)
  const remainder = (11 - (sum % 11)) % 11
  return remainder === 10 ? undefined : remainder
}
