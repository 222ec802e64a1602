// The variables of the environment, by name: the README's table is checked against them, and so is what config.ts reads.

/** Variables of the service, with what each means: the README's table is checked against this one. */
export const VARIABLES = {
  DATABASE_URL: 'PostgreSQL 15 or later, postgres://…; without it the service starts its own',
  REDIS_URL: 'Redis 7 or Valkey, redis://…; without it BullMQ runs on PostgreSQL',
  DATA_DIR: 'folder of the embedded PostgreSQL and the development key',
  HOST: 'address to listen on; in development only loopback',
  PORT: 'port to listen on, 0 for any free one; 8080 unless set',
  BASE_URL: 'where callers reach the service, https://…, for the links it gives; the address it listens on unless set',
  ROLES: 'comma list of api, relay, worker; all of them unless set',
  DESTINATIONS_FILE: 'YAML file that names the destinations',
  PROFILE_PACKAGES: 'comma list of official FHIR packages (.tgz) whose definitions take the place of ours',
  PROGRAMMES_DIR: 'folder of programme files, watched; those that come with the service unless set',
  AUTH_ISSUER: 'issuer (iss) whose tokens are accepted',
  AUTH_AUDIENCE: 'audience (aud) that tokens must name',
  AUTH_JWKS_FILE: "file with the issuer's public keys (JWKS)",
  AUTH_JWKS_URL: "address of the issuer's public keys (JWKS), instead of a file",
  AUTH_TOKEN_URL: 'where clients get tokens of the issuer: told in smart-configuration',
  TERMINOLOGY_URL:
    'base URL of a FHIR R4 terminology server, https://…, or in development the word sandbox; without it none is asked',
  TERMINOLOGY_TOKEN: 'bearer token for the terminology server',
  TERMINOLOGY_TIMEOUT_MS: 'how long one question to the terminology server may take; 5000 unless set',
  LOG_LEVEL: 'trace, debug, info, warn, error, fatal or silent; info unless set',
  BODY_LIMIT_BYTES: 'largest request body; 1048576 unless set',
  BUNDLE_LIMIT_BYTES: 'largest batch or transaction Bundle; 10485760 unless set',
  DATABASE_CONNECTIONS: 'connections to PostgreSQL per process; 16 unless set',
  SHUTDOWN_TIMEOUT_MS: 'how long a stop waits for work in flight; 10000 unless set'
} as const

/** Variables of the command line tool only. */
export const CLI_VARIABLES = {
  IMMS_URL: 'base URL of the service',
  IMMS_TOKEN: 'bearer token with an ops scope',
  NO_COLOR: 'no colours, whatever the terminal'
} as const
