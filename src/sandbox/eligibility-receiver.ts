// A DynamoDB with the one table of an eligibility store: GetItem, PutItem and UpdateItem in the JSON 1.0 protocol.
// Source: Amazon DynamoDB API reference, checked 2026-11-22. The signature is not recomputed, its access key is checked.
import { patientItemKey } from '../delivery/eligibility/target-item.js'
import { applyUpdate, ExpressionFault, isConditionMet, type AttributeValue, type Item } from './dynamodb-expression.js'
import type { SandboxKeys } from './keys.js'
import { jsonAnswer, type Receiver, type SandboxAnswer, type SandboxRequest } from './receiver.js'

interface Operation {
  TableName?: string
  Key?: Item
  Item?: Item
  UpdateExpression?: string
  ConditionExpression?: string
  ExpressionAttributeNames?: Record<string, string>
  ExpressionAttributeValues?: Record<string, AttributeValue>
  ReturnConsumedCapacity?: string
}

export interface EligibilityReceiver extends Receiver {
  /** Makes the store know these people, as its own data platform would. */
  addPersons(nhsNumbers: readonly string[]): void
}

export function createEligibilityReceiver(keys: SandboxKeys['eligibility']): EligibilityReceiver {
  const items = new Map<string, Item>()

  function update(operation: Operation): SandboxAnswer {
    const key = keyOf(operation.Key)
    const held = items.get(key)
    const placeholders = {
      names: operation.ExpressionAttributeNames ?? {},
      values: operation.ExpressionAttributeValues ?? {}
    }
    const condition = operation.ConditionExpression
    if (condition !== undefined && !isConditionMet(condition, held, placeholders)) {
      return {
        ...failure('ConditionalCheckFailedException', 'The conditional request failed'),
        effect: effect(key, held, false)
      }
    }
    const changed = applyUpdate(operation.UpdateExpression ?? '', held ?? { ...operation.Key }, placeholders)
    items.set(key, changed)
    return { ...dynamoAnswer(200, {}), effect: effect(key, changed, true) }
  }

  function perform(name: string, operation: Operation): SandboxAnswer {
    if (operation.TableName !== keys.tableName) {
      return failure('ResourceNotFoundException', 'Requested resource not found')
    }
    switch (name) {
      case 'GetItem': {
        const held = items.get(keyOf(operation.Key))
        const capacity = { ConsumedCapacity: { TableName: operation.TableName, CapacityUnits: 0.5 } }
        const asked = operation.ReturnConsumedCapacity === 'TOTAL' ? capacity : {}
        return dynamoAnswer(200, { ...(held === undefined ? {} : { Item: held }), ...asked })
      }
      case 'PutItem':
        items.set(keyOf(operation.Item), operation.Item ?? {})
        return dynamoAnswer(200, {})
      case 'UpdateItem':
        return update(operation)
      default:
        return failure('UnknownOperationException', 'the sandbox knows GetItem, PutItem and UpdateItem')
    }
  }

  return {
    isWrite: (request) => operationName(request) !== 'GetItem',
    journalPath: (request) => `/${operationName(request)}`,
    holdings: () => [...items.values()],
    fail: (fault) => FAULTS[fault],
    answer(request) {
      const { authorization = '' } = request.headers
      if (!authorization.includes(`Credential=${keys.accessKeyId}/`)) return FAULTS.credentials
      try {
        return perform(operationName(request), JSON.parse(request.body) as Operation)
      } catch (error) {
        if (error instanceof ExpressionFault || error instanceof SyntaxError)
          return failure('ValidationException', error.message)
        throw error
      }
    },
    addPersons(nhsNumbers) {
      for (const nhsNumber of nhsNumbers) {
        const item = {
          NHS_NUMBER: { S: patientItemKey(nhsNumber, keys.hashSecret) },
          ATTRIBUTE_TYPE: { S: 'PERSON' }
        }
        items.set(keyOf(item), item)
      }
    }
  }
}

const FAULTS = {
  down: { ...failure('ServiceUnavailable', 'Service unavailable'), status: 503 },
  limited: failure('ThrottlingException', 'Rate of requests exceeds the allowed throughput.'),
  refuse: failure('ValidationException', 'refused because the sandbox was told to refuse'),
  credentials: failure('UnrecognizedClientException', 'The security token included in the request is invalid.')
}

function operationName(request: SandboxRequest): string {
  return String(request.headers['x-amz-target'] ?? '').replace('DynamoDB_20120810.', '')
}

function keyOf(key: Item | undefined): string {
  return `${String(key?.['NHS_NUMBER']?.['S'])}/${String(key?.['ATTRIBUTE_TYPE']?.['S'])}`
}

/** The front of the hash is enough to tell people apart in a journal. */
function effect(key: string, item: Item | undefined, applied: boolean): NonNullable<SandboxAnswer['effect']> {
  const version = item?.['SOURCE_VERSION']?.['N']
  const [hash = '', target = ''] = key.split('/')
  const recordKey = `${hash.slice(0, 16)}/${target}`
  return { recordKey, applied, ...(typeof version === 'string' ? { version } : {}) }
}

function failure(name: string, message: string): SandboxAnswer {
  return dynamoAnswer(400, { __type: `com.amazonaws.dynamodb.v20120810#${name}`, message })
}

function dynamoAnswer(status: number, body: unknown): SandboxAnswer {
  return jsonAnswer(status, body, 'application/x-amz-json-1.0')
}
