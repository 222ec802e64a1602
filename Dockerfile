# One image for every role: docker run … --roles api | relay | worker (all of them unless said).
FROM node:20-slim AS build
WORKDIR /app
COPY package.json package-lock.json ./
RUN npm ci --ignore-scripts
COPY tsconfig.json tsconfig.build.json ./
COPY src src
RUN npm run build

FROM node:20-slim AS packages
WORKDIR /app
COPY package.json package-lock.json ./
# Without the embedded PostgreSQL (an optional package): a container is given DATABASE_URL.
RUN npm ci --ignore-scripts --omit=dev --omit=optional

FROM node:20-slim
ENV NODE_ENV=production HOST=0.0.0.0 PORT=8080 DATA_DIR=/var/lib/immunisation-hub
WORKDIR /app
RUN install --directory --owner=node --group=node --mode=0700 "$DATA_DIR"
COPY --from=packages /app/node_modules node_modules
COPY --from=build /app/dist dist
COPY package.json LICENSE openapi.yaml ./
COPY profiles profiles
COPY src/storage/migrations src/storage/migrations
USER node
EXPOSE 8080
# Relay and worker have no HTTP door: compose.yaml turns this off for them.
HEALTHCHECK --interval=10s --timeout=3s --start-period=30s --retries=3 \
  CMD ["node", "-e", "fetch(`http://127.0.0.1:${process.env.PORT}/health/ready`).then((answer) => process.exit(answer.ok ? 0 : 1), () => process.exit(1))"]
ENTRYPOINT ["node", "dist/main.js"]
