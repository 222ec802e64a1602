#!/usr/bin/env node
// The command line tool: wires the commands to the service they talk to.
import { setTimeout as delay } from 'node:timers/promises'
import { createCli } from './cli/create-cli.js'
import { readCliConfig } from './config.js'
import { ALL_PERMISSIONS, findServiceNote, openIssuer } from './development.js'
import { ALL_SCOPES } from './fhir/caller.js'
import { FhirError } from './fhir/operation-outcome.js'
import { parseJson } from './fhir/parse-json.js'
import { findIssues } from './ingest/judge.js'
import { createProgrammeFiles } from './programme-files.js'
import { loadRules, ruleSourcesOf, type Rules } from './rules.js'

const TOKEN_SECONDS = 24 * 3600
const config = readCliConfig()
const note = await findServiceNote(config.dataDir)
const token = config.token ?? note?.token

// Compiled when first asked for, once for all files of a call.
let rules: Promise<Rules> | undefined
const readRules = (): Promise<Rules> => (rules ??= loadRules(ruleSourcesOf(config)))

// The first Ctrl-C ends what watches, in the middle of its wait; a second one ends whatever it is.
const stopped = new AbortController()
let isWatching = false
const watch = async (ms: number): Promise<boolean> => {
  if (!isWatching)
    process.once('SIGINT', () => {
      stopped.abort()
    })
  isWatching = true
  await delay(ms, undefined, { signal: stopped.signal }).catch(() => undefined)
  return !stopped.signal.aborted
}

process.exitCode = await createCli({
  settings: {
    url: config.url ?? note?.url ?? 'http://127.0.0.1:8080',
    colour: config.colour,
    ...(token === undefined ? {} : { token })
  },
  async validate(text) {
    try {
      const payload = parseJson(Buffer.from(text))
      return findIssues(payload.value, await readRules(), new Date()).issues
    } catch (error) {
      if (error instanceof FhirError) return [...error.issues]
      throw error
    }
  },
  readProfiles: async () => (await readRules()).validator,
  programmes: createProgrammeFiles(ruleSourcesOf(config), readRules),
  async issueToken({ client, scope, permissions, tolerant, existingRecords }) {
    const issuer = await openIssuer(config.dataDir)
    return issuer.issueToken({
      client,
      scopes: scope?.split(' ') ?? ALL_SCOPES,
      permissions: permissions ?? ALL_PERMISSIONS,
      ttlSeconds: TOKEN_SECONDS,
      ...(tolerant === undefined ? {} : { tolerant }),
      ...(existingRecords === undefined ? {} : { existingRecords })
    })
  },
  stdout: process.stdout,
  stderr: process.stderr,
  stdin: process.stdin,
  now: () => new Date(),
  wait: (ms) => delay(ms),
  watch
}).run(process.argv.slice(2))
