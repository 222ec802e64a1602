// The Prefer header: which body a write answers with, how unknown parameters are handled, and whether the answer may come
// later. RFC 7240; unknown preferences are ignored, of a repeated one the first counts.

export interface Preferences {
  return?: 'minimal' | 'representation' | 'OperationOutcome'
  handling?: 'strict' | 'lenient'
  respondAsync?: true
}

const RETURNS = new Map([
  ['minimal', 'minimal'],
  ['representation', 'representation'],
  ['operationoutcome', 'OperationOutcome']
] as const)

export function parsePrefer(header: string | string[] | undefined): Preferences {
  const preferences: Preferences = {}
  if (header === undefined) return preferences
  for (const preference of String(header).split(/[,;]/)) {
    const [name = '', value = ''] = preference.split('=', 2).map((part) => part.trim().toLowerCase())
    const bare = value.replace(/^"(.*)"$/, '$1')
    const wanted = RETURNS.get(bare as 'minimal')
    if (name === 'return' && wanted !== undefined) preferences.return ??= wanted
    if (name === 'respond-async') preferences.respondAsync = true
    if (name === 'handling' && (bare === 'strict' || bare === 'lenient')) preferences.handling ??= bare
  }
  return preferences
}
