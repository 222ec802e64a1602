// The operations API: everything below /ops. Reads want the scope ops/read, writes ops/write.
import type { FastifyInstance } from 'fastify'
import type { DestinationSwitch } from '../delivery/pause-destination.js'
import type { InboxDesk } from '../delivery/inbox/inbox-desk.js'
import type { Replays } from '../delivery/replay.js'
import type { DuplicateReviews } from '../review/duplicate-reviews.js'
import type { PatientMerges } from '../review/patient-merges.js'
import { registerOpsBoard, type OpsBoardDeps } from './ops-board.js'
import { registerOpsDesk, type OpsDeskDeps } from './ops-desk.js'
import { registerOpsDuplicates, type WeightsDesk } from './ops-duplicates.js'
import { registerOpsInbox } from './ops-inbox.js'
import { registerOpsPatients } from './ops-patients.js'
import { type ProgrammeDesk, registerOpsProgrammes } from './ops-programmes.js'
import { registerOpsReads } from './ops-reads.js'
import { registerOpsReplays } from './ops-replays.js'
import { registerOpsTail, type OpsTailDeps } from './ops-tail.js'
import { registerOpsWrites } from './ops-writes.js'

export interface OpsRoutesDeps extends OpsDeskDeps, OpsBoardDeps, OpsTailDeps {
  replays: Replays
  switches: DestinationSwitch
  inboxes: InboxDesk
  patients: PatientMerges
  duplicates: DuplicateReviews
  weights: WeightsDesk
  programmes: ProgrammeDesk
}

export function opsRoutes(app: FastifyInstance, deps: OpsRoutesDeps): void {
  registerOpsReads(app, deps)
  registerOpsWrites(app, deps)
  registerOpsReplays(app, deps)
  registerOpsInbox(app, deps)
  registerOpsDesk(app, deps)
  registerOpsPatients(app, deps)
  registerOpsDuplicates(app, deps)
  registerOpsProgrammes(app, deps)
  registerOpsBoard(app, deps)
  registerOpsTail(app, deps)
}
