// Reasons with which a supplier turns an error of the programme rules into a warning: real life goes against them, and
// the record must not be lost. Operators grant them per client; each record names the one that holds for it.

/** Every reason with what the supplier says by it. */
export const OVERRIDE_REASONS = {
  offLabelPGD: 'The product was given outside its licensed ages on purpose, by a direction or prescription.',
  routeReason: 'Route and site are as sent, although they do not suit the product or one another.',
  doseReason: 'The dose number is as sent, although it is above the highest of the programme.',
  deathDateDisputed: 'The vaccination took place; the date of death is wrong or under question.',
  lenientProduct:
    "The client's products are not to be held against the target diseases (test data): once granted, for every record."
} as const satisfies Record<string, string>

export type OverrideReason = keyof typeof OVERRIDE_REASONS

/** A setting of the client, not of a record: no record has to name it. */
export const CLIENT_WIDE_REASON = 'lenientProduct' satisfies OverrideReason

export function isOverrideReason(text: string): text is OverrideReason {
  return Object.hasOwn(OVERRIDE_REASONS, text)
}
