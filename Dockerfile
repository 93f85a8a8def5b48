# One image for the API (the default command), the worker and the migrations: docs/deployment.md.
#   docker build --tag countersign:0.1.0 .
# The host of releases on Kubernetes needs kubectl besides:
#   docker build --target releases --tag countersign-releases:0.1.0 .
# Another base needs Node 20.19 or newer, npm in the build, and glibc: Temporal's SDK has no build for musl.
ARG BASE=node:24.21.0-bookworm-slim
# An image with /bin/kubectl, of a version at most one minor version away from the cluster's.
ARG KUBECTL=rancher/kubectl:v1.34.1

FROM ${BASE} AS build
WORKDIR /app
COPY package.json package-lock.json .npmrc ./
RUN npm ci
COPY . .
# Which commit it is, for the registry of releases: --build-arg SOURCE_COMMIT="$(git rev-parse HEAD)"
ARG SOURCE_COMMIT
RUN npm run build && npm prune --omit=dev
# The SDK brings its binary for five platforms; an image has one.
RUN find node_modules/@temporalio/core-bridge/releases -mindepth 1 -maxdepth 1 ! -name "$(uname -m)-unknown-linux-gnu" -exec rm -r {} +

FROM ${BASE} AS service
ENV NODE_ENV=production
# Loopback is the container's own: nobody else reaches it.
ENV HOST=0.0.0.0 METRICS_HOST=0.0.0.0
WORKDIR /app
# Owned by root, so that the service can't change its own code.
COPY --from=build /app/node_modules ./node_modules/
COPY --from=build /app/LICENSE /app/package.json /app/prisma.config.ts ./
COPY --from=build /app/prisma ./prisma/
COPY --from=build /app/ops ./ops/
COPY --from=build /app/dist ./dist/
# By number: Kubernetes can then see that it is not root.
USER 1000:1000
EXPOSE 8000 8001 9464 9465
HEALTHCHECK --interval=30s --timeout=5s --start-period=30s CMD ["node", "dist/ops/health-check.js"]
# Node itself is process 1, so it gets the signals: no shell and no npm in between.
CMD ["node", "dist/api/main.js"]

FROM ${KUBECTL} AS kubectl

FROM service AS releases
COPY --from=kubectl /bin/kubectl /usr/local/bin/kubectl
# It listens on no port.
HEALTHCHECK NONE
CMD ["node", "dist/worker/releases.js"]

# The last one is what a build makes without --target.
FROM service
