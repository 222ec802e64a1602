// Text that stays as it is while the service runs: an entity tag, and 304 for who has it already.
import { createHash } from 'node:crypto'
import type { FastifyReply, FastifyRequest } from 'fastify'
import { namesTag } from './version-condition.js'

export interface TaggedPage {
  /** Content-Type */
  type: string
  body: string | Buffer
  tag: string
}

export function tagPage(type: string, body: string | Buffer): TaggedPage {
  return { type, body, tag: tagOf(body) }
}

/** A weak entity tag: the same text in another content coding has the same one. */
export function tagOf(text: string | Buffer): string {
  return `W/"${createHash('sha256').update(text).digest('base64url').slice(0, 16)}"`
}

/** Caches keep it and ask before they use it: after an upgrade nobody sees a mixture. */
export function sendTagged(
  request: FastifyRequest,
  reply: FastifyReply,
  { type, body, tag }: TaggedPage
): FastifyReply {
  if (hasTag(request, reply, tag)) return reply.code(304).send()
  return reply.header('content-type', type).send(body)
}

/** Puts the tag on the answer. Whether the caller has it already. */
export function hasTag(request: FastifyRequest, reply: FastifyReply, tag: string): boolean {
  reply.headers({ etag: tag, 'cache-control': 'no-cache' })
  return namesTag(request.headers['if-none-match'] ?? '', tag)
}
