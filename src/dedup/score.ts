// The additive score of the deduplication reference, section 2.4. An absent field adds nothing either way.
import type { FieldComparison } from './compare-fields.js'
import type { DateBand, DedupPoints } from './dedup-rules.js'

/** Points by feature, zero ones left out; the score is their sum. */
export type Features = Record<string, number>

export function scoreFields(fields: FieldComparison, points: DedupPoints): { score: number; features: Features } {
  const { product, dose } = fields
  const features: Features = {}
  const score =
    add(features, 'date', fields.exactDays ? pointsForDays(fields.days, points.date) : 0) +
    add(features, 'antigen', points.antigens[fields.antigens]) +
    add(features, 'product', product === 'absent' || product === 'unresolved' ? 0 : points.product[product]) +
    add(features, 'lot', pointsForLot(fields, points)) +
    add(features, 'dose', dose === 'absent' ? 0 : points.dose[dose]) +
    add(features, 'organisation', pointsForOrganisation(fields, points)) +
    add(features, 'source', pointsForSource(fields, points)) +
    add(features, 'interval', pointsForInterval(fields, points))
  return { score, features }
}

function add(features: Features, feature: string, points: number): number {
  if (points !== 0) features[feature] = points
  return points
}

function pointsForDays(days: number, bands: readonly DateBand[]): number {
  return bands.find((band) => band.upToDays === undefined || days <= band.upToDays)?.points ?? 0
}

function pointsForLot(fields: FieldComparison, points: DedupPoints): number {
  switch (fields.lot) {
    case 'absent':
      return 0
    case 'near':
    case 'typo':
      return points.lot.near
    case 'same':
    case 'different':
      return points.lot[fields.lot]
  }
}

function pointsForOrganisation(fields: FieldComparison, points: DedupPoints): number {
  switch (fields.organisation) {
    case 'absent':
      return 0
    case 'same':
      return points.organisation.same
    case 'different':
      return fields.source === 'bothPrimary'
        ? points.organisation.different
        : points.organisation.differentWithHistorical
  }
}

function pointsForSource(fields: FieldComparison, points: DedupPoints): number {
  if (fields.source !== 'bothPrimary') return points.source[fields.source]
  switch (fields.organisation) {
    case 'absent':
      return 0
    case 'same':
      return points.source.bothPrimarySameOrganisation
    case 'different':
      return points.source.bothPrimaryOtherOrganisation
  }
}

// The window ends the day before a next dose is valid, so inside it every later day is too early for one.
function pointsForInterval(fields: FieldComparison, points: DedupPoints): number {
  if (!fields.exactDays || fields.days <= 1 || fields.days > fields.window.windowDays) return 0
  const likelyRepeat = fields.window.oncePerSeason && fields.lot !== 'different' && fields.source !== 'bothPrimary'
  return likelyRepeat ? points.interval.tooEarlyOncePerSeason : points.interval.tooEarly
}
