// What a terminology server said of a code, for every record that has it: asked by one process, kept until it expires.
import type { Question } from '../validation/terminology-questions.js'
import type { Sql } from './sql.js'

export interface TerminologyAnswer extends Question {
  result: 'member' | 'not-member' | 'unknown'
  inactive: boolean
  systemVersion: string | null
  asOf: Date
  /** Above 0, by the clock of the database. */
  expiresInMs: number
}

/** The epoch tells an answer of the present asker from one of an asker whose lease is over. */
export interface ClaimedQuestion extends Question {
  epoch: number
  /** In a row, before this time. */
  failures: number
}

export interface QuestionWait extends Question {
  /** Until somebody may ask; 0 for one that was answered meanwhile. */
  waitMs: number
  failures: number
}

export interface TerminologyAnswerStore {
  /** Those that have not expired. */
  find(questions: readonly Question[]): Promise<TerminologyAnswer[]>
  /** Those that the caller, and for the time of the lease nobody else, is to ask. */
  claim(questions: readonly Question[], leaseMs: number): Promise<ClaimedQuestion[]>
  /** How long those without an answer still have to wait. */
  readWaits(questions: readonly Question[]): Promise<QuestionWait[]>
  recordAnswers(
    answers: readonly (ClaimedQuestion &
      Pick<TerminologyAnswer, 'result' | 'inactive' | 'systemVersion'> & { keepMs: number })[]
  ): Promise<void>
  recordFailures(failures: readonly (ClaimedQuestion & { problem: string; retryInMs: number })[]): Promise<void>
  /** Claimed, but not asked. */
  giveBack(questions: readonly ClaimedQuestion[]): Promise<void>
}

export function createTerminologyAnswerStore(sql: Sql): TerminologyAnswerStore {
  return {
    async find(questions) {
      if (questions.length === 0) return []
      return (await sql.query<TerminologyAnswer>(FIND, [rowsOf(questions)])).rows
    },
    async claim(questions, leaseMs) {
      if (questions.length === 0) return []
      return (await sql.query<ClaimedQuestion>(CLAIM, [rowsOf(questions), leaseMs])).rows
    },
    async readWaits(questions) {
      if (questions.length === 0) return []
      return (await sql.query<QuestionWait>(READ_WAITS, [rowsOf(questions)])).rows
    },
    async recordAnswers(answers) {
      if (answers.length > 0) await sql.query(RECORD_ANSWERS, [JSON.stringify(answers)])
    },
    async recordFailures(failures) {
      if (failures.length > 0) await sql.query(RECORD_FAILURES, [JSON.stringify(failures)])
    },
    async giveBack(questions) {
      if (questions.length > 0) await sql.query(GIVE_BACK, [JSON.stringify(questions)])
    }
  }
}

function rowsOf(questions: readonly Question[]): string {
  return JSON.stringify(questions.map(({ valueSet, system, code }) => ({ valueSet, system, code })))
}

const WANTED = `json_to_recordset($1) as wanted ("valueSet" text, system text, code text)`
const COLUMNS = `answer.value_set as "valueSet", answer.system, answer.code`
const SAME = `answer.value_set = wanted."valueSet" and answer.system = wanted.system and answer.code = wanted.code`

const FIND = `
select ${COLUMNS}, answer.result, answer.inactive, answer.system_version as "systemVersion", answer.as_of as "asOf",
       extract(epoch from answer.expires_at - now())::double precision * 1000 as "expiresInMs"
  from ${WANTED}
  join terminology_answer answer on ${SAME}
 where answer.expires_at > now()`

// In key order, so that two askers cannot deadlock.
const CLAIM = `
insert into terminology_answer as answer (value_set, system, code, due_at)
select "valueSet", system, code, now() + $2 * interval '1 millisecond'
  from ${WANTED}
 order by "valueSet", system, code
    on conflict (value_set, system, code) do update
   set due_at = excluded.due_at, epoch = answer.epoch + 1
 where answer.due_at <= now()
   and (answer.expires_at is null or answer.expires_at <= now())
returning ${COLUMNS}, answer.epoch, answer.failures`

const READ_WAITS = `
select ${COLUMNS}, answer.failures,
       case when answer.expires_at > now() then 0
            else greatest(extract(epoch from answer.due_at - now()) * 1000, 0)
        end::double precision as "waitMs"
  from ${WANTED}
  join terminology_answer answer on ${SAME}`

const RECORD_ANSWERS = `
update terminology_answer answer
   set result = wanted.result, inactive = wanted.inactive, system_version = wanted."systemVersion", as_of = now(),
       expires_at = now() + wanted."keepMs" * interval '1 millisecond', due_at = now(), failures = 0, problem = null
  from json_to_recordset($1) as wanted (
         "valueSet" text, system text, code text, epoch integer, result text, inactive boolean, "systemVersion" text,
         "keepMs" double precision
       )
 where ${SAME}
   and answer.epoch = wanted.epoch`

const RECORD_FAILURES = `
update terminology_answer answer
   set due_at = now() + wanted."retryInMs" * interval '1 millisecond', failures = answer.failures + 1,
       problem = wanted.problem
  from json_to_recordset($1) as wanted (
         "valueSet" text, system text, code text, epoch integer, problem text, "retryInMs" double precision
       )
 where ${SAME}
   and answer.epoch = wanted.epoch`

const GIVE_BACK = `
update terminology_answer answer
   set due_at = now()
  from json_to_recordset($1) as wanted ("valueSet" text, system text, code text, epoch integer)
 where ${SAME}
   and answer.epoch = wanted.epoch`
