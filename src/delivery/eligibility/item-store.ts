// The DynamoDB table of an eligibility store: two requests, and what their errors mean for a delivery.
import http from 'node:http'
import https from 'node:https'
import {
  DynamoDBClient,
  DynamoDBServiceException,
  GetItemCommand,
  UpdateItemCommand,
  type AttributeValue,
  type GetItemCommandOutput
} from '@aws-sdk/client-dynamodb'
import type { DeliveryOutcome } from '../destination.js'
import { outcomeOfAnswer } from '../transport/answer-outcome.js'
import type { Redact } from '../transport/receiver-text.js'
import type { TargetFields } from './target-item.js'

export interface ItemStoreSettings {
  tableName: string
  region: string
  endpoint?: string
  accessKeyId: string
  secretAccessKey: string
  maxSockets: number
}

export interface ItemStore {
  /** True when the store knows the person. @throws what {@link outcomeOfError} reads */
  hasPerson(patientItem: string, requestId: string, signal: AbortSignal): Promise<boolean>
  /** Sets our fields, unless the item holds a newer version of them: then false. @throws as above */
  setTarget(
    key: { patientItem: string; target: string },
    fields: TargetFields,
    requestId: string,
    signal: AbortSignal
  ): Promise<boolean>
  /** Our fields; undefined without the item. @throws as above */
  findTarget(
    key: { patientItem: string; target: string },
    requestId: string,
    signal: AbortSignal
  ): Promise<TargetFields | undefined>
  close(): void
}

export function createItemStore(settings: ItemStoreSettings): ItemStore {
  const { tableName: TableName, region, endpoint, accessKeyId, secretAccessKey, maxSockets } = settings
  const httpAgent = new http.Agent({ keepAlive: true, maxSockets })
  const httpsAgent = new https.Agent({ keepAlive: true, maxSockets })
  const client = new DynamoDBClient({
    region,
    credentials: { accessKeyId, secretAccessKey },
    // The ledger decides when to try again, for every destination alike.
    maxAttempts: 1,
    requestHandler: { httpAgent, httpsAgent },
    ...(endpoint === undefined ? {} : { endpoint })
  })

  return {
    async hasPerson(patientItem, requestId, signal) {
      const command = new GetItemCommand({
        TableName,
        Key: itemKey(patientItem, 'PERSON'),
        ProjectionExpression: 'ATTRIBUTE_TYPE',
        ReturnConsumedCapacity: 'TOTAL'
      })
      command.middlewareStack.add(sendRequestId(requestId), { step: 'build' })
      const output: GetItemCommandOutput = await client.send(command, { abortSignal: signal })
      // Not there must come from the store: a gateway's own page under a 200 has no item either.
      if (output.Item === undefined && output.ConsumedCapacity === undefined) throw new UnreadableAnswer()
      return output.Item !== undefined
    },
    async findTarget({ patientItem, target }, requestId, signal) {
      const command = new GetItemCommand({
        TableName,
        Key: itemKey(patientItem, target),
        ProjectionExpression: 'LAST_SUCCESSFUL_DATE, SUCCESSFUL_PROCEDURE_COUNT, SOURCE_VERSION',
        ConsistentRead: true
      })
      command.middlewareStack.add(sendRequestId(requestId), { step: 'build' })
      const { Item }: GetItemCommandOutput = await client.send(command, { abortSignal: signal })
      if (Item === undefined) return undefined
      return {
        lastSuccessfulDate: Item['LAST_SUCCESSFUL_DATE']?.S ?? null,
        successfulProcedureCount: Item['SUCCESSFUL_PROCEDURE_COUNT']?.S ?? '0',
        sourceVersion: Number(Item['SOURCE_VERSION']?.N ?? 0)
      }
    },
    async setTarget({ patientItem, target }, fields, requestId, signal) {
      const values = fieldValues(fields)
      const command = new UpdateItemCommand({
        TableName,
        Key: itemKey(patientItem, target),
        // Only our fields: bookings and invitations in the same item belong to others.
        UpdateExpression: `SET ${Object.entries(values)
          .map(([placeholder, { field }]) => `${field} = ${placeholder}`)
          .join(', ')}`,
        ConditionExpression: 'attribute_not_exists(SOURCE_VERSION) OR SOURCE_VERSION < :version',
        ExpressionAttributeValues: Object.fromEntries(
          Object.entries(values).map(([placeholder, { value }]) => [placeholder, value])
        )
      })
      command.middlewareStack.add(sendRequestId(requestId), { step: 'build' })
      try {
        await client.send(command, { abortSignal: signal })
        return true
      } catch (error) {
        if (error instanceof DynamoDBServiceException && error.name === 'ConditionalCheckFailedException') return false
        throw error
      }
    },
    close() {
      client.destroy()
      httpAgent.destroy()
      httpsAgent.destroy()
    }
  }
}

/** Our fields of an item, by the placeholder that stands for their value. */
function fieldValues({
  lastSuccessfulDate,
  successfulProcedureCount,
  sourceVersion,
  doses
}: TargetFields): Record<string, { field: string; value: AttributeValue }> {
  const date = (day: string | null): AttributeValue => (day === null ? { NULL: true } : { S: day })
  return {
    ':day': { field: 'LAST_SUCCESSFUL_DATE', value: date(lastSuccessfulDate) },
    ':count': { field: 'SUCCESSFUL_PROCEDURE_COUNT', value: { S: successfulProcedureCount } },
    ':version': { field: 'SOURCE_VERSION', value: { N: String(sourceVersion) } },
    ...(doses === undefined
      ? {}
      : {
          ':valid': { field: 'VALID_DOSES_COUNT', value: { S: doses.validDosesCount } },
          ':invalid': { field: 'INVALID_DOSES_COUNT', value: { S: doses.invalidDosesCount } },
          ':validDay': { field: 'LAST_VALID_DOSE_DATE', value: date(doses.lastValidDoseDate) }
        })
  }
}

/** A 200 that is not an answer of a DynamoDB. */
class UnreadableAnswer extends Error {}

function itemKey(patientItem: string, attributeType: string): Record<string, { S: string }> {
  return { NHS_NUMBER: { S: patientItem }, ATTRIBUTE_TYPE: { S: attributeType } }
}

/** DynamoDB has no idempotency key; the header lets an attempt be found in a proxy's or a sandbox's log. */
function sendRequestId(requestId: string) {
  return <Args extends { request: unknown }, Result>(next: (args: Args) => Result) =>
    (args: Args): Result => {
      const request = args.request as { headers: Record<string, string> }
      request.headers['x-request-id'] = requestId
      return next(args)
    }
}

const CREDENTIALS =
  /AccessDenied|UnrecognizedClient|InvalidSignature|ExpiredToken|MissingAuthentication|IncompleteSignature/
const THROTTLED = /ProvisionedThroughputExceeded|Throttling|RequestLimitExceeded|TooManyRequests/
// A missing table is a wrong setting: nothing of the delivery is at fault, so it waits and the destination alarms.
const NOT_READY = /ResourceNotFound|InternalServer|ServiceUnavailable|TransactionInProgress/

/** What an error of either request means. Anything that is not the network's or the service's is our own fault: thrown on. */
export function outcomeOfError(error: unknown, isWrite: boolean, redact: Redact, now: Date): DeliveryOutcome {
  if (!(error instanceof DynamoDBServiceException)) return outcomeOfBrokenRequest(error, isWrite)
  const status = statusOf(error.name, error.$metadata.httpStatusCode ?? 500)
  const headers = error.$response?.headers ?? {}
  const said = redact(`${error.name} ${error.message}`)
  return outcomeOfAnswer({ status, retryAfter: headers['retry-after'], said }, isWrite, now)
}

// DynamoDB says nearly everything with 400; its names are mapped to the status other receivers use.
function statusOf(name: string, status: number): number {
  if (THROTTLED.test(name)) return 429
  if (CREDENTIALS.test(name)) return 403
  if (NOT_READY.test(name)) return 503
  return status
}

function outcomeOfBrokenRequest(error: unknown, isWrite: boolean): DeliveryOutcome {
  if (error instanceof UnreadableAnswer || error instanceof SyntaxError)
    return { kind: 'unavailable', ambiguous: isWrite, message: 'answered with a body that cannot be read' }
  const { name, code } = error as { name?: string; code?: string }
  const isAborted = name === 'AbortError' || name === 'TimeoutError'
  if (!isAborted && code === undefined) throw error
  const neverArrived = /^(ECONNREFUSED|ENOTFOUND|EAI_AGAIN|EHOSTUNREACH|ENETUNREACH)$/.test(code ?? '')
  const message = isAborted ? 'aborted' : `connection failed (${code ?? ''})`
  return { kind: 'unavailable', ambiguous: isWrite && !neverArrived, message }
}
