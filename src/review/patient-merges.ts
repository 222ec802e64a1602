// NHS numbers that were replaced: what is known of a number, and merging, undoing, and planning either. Every answer
// names patients by their keys; a number goes in and never comes out.
import { isOvertaken, type Database, type Stores } from '../storage/database.js'
import type { PatientMerge } from '../storage/patient-merge-store.js'
import { mergePatients, type MergeEffect, type MergeRequest, type MoveDeps } from './merge-patients.js'
import { MergeRefused, type MergeRefusal } from './merge-refusal.js'
import { unmergePatients, type UnmergeRequest } from './unmerge-patients.js'

export interface RefusedMerge {
  kind: 'refused'
  why: MergeRefusal
  message: string
}

/** Where the records of a number are. */
export interface PatientStanding {
  /** Of the number itself. */
  numberKey: string
  /** What its records are kept under: the same, unless the number is merged into another. */
  patientKey: string
  /** Of the whole patient, deleted ones too. */
  records: number
  groups: number
  /** In which the patient or a number merged into it stands on either side, oldest first, undone ones too. */
  merges: PatientMerge[]
}

export interface PatientMerges {
  /** Undefined for a number that is not known here. */
  show(nhsNumber: string): Promise<PatientStanding | undefined>
  /** What {@link merge} would do now: it is done and rolled back. */
  planMerge(numbers: Pick<MergeRequest, 'superseded' | 'successor'>): Promise<MergeEffect | RefusedMerge>
  merge(
    request: MergeRequest & { confirmCount: number }
  ): Promise<{ mergeId: string; effect: MergeEffect } | RefusedMerge>
  planUndo(mergeId: string): Promise<MergeEffect | RefusedMerge>
  undo(request: UnmergeRequest & { confirmCount: number }): Promise<MergeEffect | RefusedMerge>
}

export interface PatientMergesDeps extends MoveDeps {
  database: Database
  /** Called after a commit that may have made deliveries. */
  onCommitted: () => void
}

const BUSY = 'records of these patients are being written to all the time; nothing was changed, try again'

const PLAN = { actor: 'plan', reason: 'plan' }

export function createPatientMerges(deps: PatientMergesDeps): PatientMerges {
  const { database } = deps
  const commit = async <Result>(work: (stores: Stores) => Promise<Result>): Promise<Result | RefusedMerge> => {
    const done = await refusable(() => database.transaction(work))
    deps.onCommitted()
    return done
  }
  return {
    show: (nhsNumber) => show(nhsNumber, database.stores),
    planMerge: (numbers) =>
      refusable(() =>
        database.rehearse(async (stores) => (await mergePatients({ ...numbers, ...PLAN }, stores, deps)).effect)
      ),
    merge: (request) => commit((stores) => mergePatients(request, stores, deps)),
    planUndo: (mergeId) =>
      refusable(() => database.rehearse((stores) => unmergePatients({ mergeId, ...PLAN }, stores, deps))),
    undo: (request) => commit((stores) => unmergePatients(request, stores, deps))
  }
}

async function refusable<Result>(work: () => Promise<Result>): Promise<Result | RefusedMerge> {
  try {
    return await work()
  } catch (error) {
    if (error instanceof MergeRefused) return { kind: 'refused', why: error.why, message: error.message }
    if (isOvertaken(error)) return { kind: 'refused', why: 'patients-busy', message: BUSY }
    throw error
  }
}

async function show(nhsNumber: string, stores: Stores): Promise<PatientStanding | undefined> {
  const keys = (await stores.patients.findNumbers([nhsNumber])).get(nhsNumber)
  if (keys === undefined) return undefined
  const family = await stores.patients.findFamily(keys.patientKey)
  const recordIds = await stores.patients.listRecordIds([keys.patientKey])
  const events = await stores.events.findEvents([keys.patientKey])
  return {
    ...keys,
    records: recordIds.length,
    groups: new Set(events.map(({ groupId }) => groupId)).size,
    merges: await stores.patientMerges.list(family)
  }
}
