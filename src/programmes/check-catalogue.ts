// The closed list of checks. A new check: its name in programme.ts, one file in checks/, one line here.
import type { Check, CheckScope, NoParams } from './check.js'
import { batchNotExpired } from './checks/batch-not-expired.js'
import { batchPresent } from './checks/batch-present.js'
import { doseNumberInRange } from './checks/dose-number-in-range.js'
import { doseNumberMax } from './checks/dose-number-max.js'
import { doseQuantity } from './checks/dose-quantity.js'
import { gestation } from './checks/gestation.js'
import { inCohort } from './checks/in-cohort.js'
import { maxAge } from './checks/max-age.js'
import { minAge } from './checks/min-age.js'
import { minInterval } from './checks/min-interval.js'
import { nhsNumberValid } from './checks/nhs-number-valid.js'
import { notAfterDeath } from './checks/not-after-death.js'
import { notBeforeBirth } from './checks/not-before-birth.js'
import { notDoneIsEmpty } from './checks/not-done-is-empty.js'
import { notFuture } from './checks/not-future.js'
import { oncePerLifetime } from './checks/once-per-lifetime.js'
import { oncePerSeason } from './checks/once-per-season.js'
import { procedureMatchesDisease } from './checks/procedure-matches-disease.js'
import { productKnown } from './checks/product-known.js'
import { productLicensedForAge } from './checks/product-licensed-for-age.js'
import { productMatchesDisease } from './checks/product-matches-disease.js'
import { recommendedAge } from './checks/recommended-age.js'
import { routeSuitsProduct } from './checks/route-suits-product.js'
import { siteSuitsRoute } from './checks/site-suits-route.js'
import { spacingOtherLive } from './checks/spacing-other-live.js'
import { targetDiseasesKnown } from './checks/target-diseases-known.js'
import { withinSeason } from './checks/within-season.js'
import type { CheckName } from './programme.js'

/** Checks by the name that files use. A check's params have passed its own schema before it is compiled. */
export const CHECKS: Readonly<Record<CheckName, Check<never>>> = {
  notFuture,
  notBeforeBirth,
  notAfterDeath,
  nhsNumberValid,
  targetDiseasesKnown,
  doseNumberInRange,
  notDoneIsEmpty,
  batchPresent,
  batchNotExpired,
  productKnown,
  productMatchesDisease,
  procedureMatchesDisease,
  productLicensedForAge,
  routeSuitsProduct,
  siteSuitsRoute,
  doseQuantity,
  doseNumberMax,
  minAge,
  maxAge,
  recommendedAge,
  minInterval,
  spacingOtherLive,
  withinSeason,
  inCohort,
  oncePerSeason,
  oncePerLifetime,
  gestation
}

export interface CommonCheck {
  check: Check<NoParams, CheckScope>
  severity: 'error' | 'warning'
  overridableBy?: string
  source: string
}

/**
 * What holds whatever the vaccine, the programme and the season, so that a record no programme file covers is not
 * judged blind: what cannot have happened, and what contradicts itself. Files need not repeat them.
 * Severities: reference R01, R02, R03, R05, R06, R07, R10, R12 and R28 of the Hub's rule list.
 */
export const COMMON_CHECKS: readonly CommonCheck[] = [
  { check: notFuture, severity: 'error', source: 'R01' },
  { check: notBeforeBirth, severity: 'error', source: 'R02' },
  { check: notAfterDeath, severity: 'error', overridableBy: 'deathDateDisputed', source: 'R03' },
  { check: nhsNumberValid, severity: 'error', source: 'R05' },
  { check: targetDiseasesKnown, severity: 'error', source: 'R06' },
  { check: productMatchesDisease, severity: 'error', overridableBy: 'lenientProduct', source: 'R07' },
  { check: doseNumberInRange, severity: 'error', source: 'R10' },
  { check: batchNotExpired, severity: 'error', overridableBy: 'isSubpotent', source: 'R12' },
  { check: notDoneIsEmpty, severity: 'warning', source: 'R28' }
]
