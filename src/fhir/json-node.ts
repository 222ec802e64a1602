// JSON text as a tree: what is changed is written anew, everything else keeps the text it was sent with, so that a
// decimal keeps its digits.
import { endOfString, isSpace } from './parse-json.js'

/** `text` is the value as it is written; `depth` counts the containers on the longest way down, 0 for a scalar. */
export type JsonNode = ObjectNode | ArrayNode | ScalarNode

export interface ObjectNode {
  kind: 'object'
  text: string
  depth: number
  members: readonly JsonMember[]
}

export interface ArrayNode {
  kind: 'array'
  text: string
  depth: number
  items: readonly JsonNode[]
}

export interface ScalarNode {
  kind: 'scalar'
  text: string
  depth: 0
}

/** `key` is the name as it is written, quotes and all. */
export interface JsonMember {
  name: string
  key: string
  value: JsonNode
}

/** `text` must have passed parseJson, which bounds its depth. */
export function parseJsonNode(text: string): JsonNode {
  return readValue(text, skipSpace(text, 0)).node
}

/** An object put together anew; its members keep their text. */
export function objectOf(members: readonly JsonMember[]): ObjectNode {
  let text = '{'
  // Added to, not joined: strings that are added share their parts, so that a change costs the members, not the text.
  for (const { key, value } of members) text += `${text === '{' ? '' : ','}${key}:${value.text}`
  return { kind: 'object', text: `${text}}`, depth: depthOver(members.map(({ value }) => value)), members }
}

/** An array put together anew; its items keep their text. */
export function arrayOf(items: readonly JsonNode[]): ArrayNode {
  let text = '['
  for (const item of items) text += `${text === '[' ? '' : ','}${item.text}`
  return { kind: 'array', text: `${text}]`, depth: depthOver(items), items }
}

interface Read {
  node: JsonNode
  end: number
}

function readValue(text: string, start: number): Read {
  switch (text.charAt(start)) {
    case '{':
      return readObject(text, start)
    case '[':
      return readArray(text, start)
    case '"':
      return scalar(text, start, endOfString(text, start))
    default: {
      let end = start
      while (end < text.length && !isSpace(text.charCodeAt(end)) && !',]}'.includes(text.charAt(end))) end++
      return scalar(text, start, end)
    }
  }
}

function scalar(text: string, start: number, end: number): Read {
  return { node: { kind: 'scalar', text: text.slice(start, end), depth: 0 }, end }
}

function readObject(text: string, start: number): Read {
  const members: JsonMember[] = []
  let index = skipSpace(text, start + 1)
  while (text[index] !== '}') {
    const endOfKey = endOfString(text, index)
    const key = text.slice(index, endOfKey)
    const { node, end } = readValue(text, skipSpace(text, skipSpace(text, endOfKey) + 1))
    members.push({ name: JSON.parse(key) as string, key, value: node })
    index = skipComma(text, end)
  }
  const end = index + 1
  const depth = depthOver(members.map(({ value }) => value))
  return { node: { kind: 'object', text: text.slice(start, end), depth, members }, end }
}

function readArray(text: string, start: number): Read {
  const items: JsonNode[] = []
  let index = skipSpace(text, start + 1)
  while (text[index] !== ']') {
    const { node, end } = readValue(text, index)
    items.push(node)
    index = skipComma(text, end)
  }
  const end = index + 1
  return { node: { kind: 'array', text: text.slice(start, end), depth: depthOver(items), items }, end }
}

function depthOver(nodes: readonly JsonNode[]): number {
  let depth = 0
  for (const node of nodes) depth = Math.max(depth, node.depth)
  return depth + 1
}

function skipComma(text: string, start: number): number {
  const index = skipSpace(text, start)
  return text[index] === ',' ? skipSpace(text, index + 1) : index
}

function skipSpace(text: string, start: number): number {
  let index = start
  while (isSpace(text.charCodeAt(index))) index++
  return index
}
