# syntax=docker/dockerfile:1
# halfopen on the current LTS line of Node. The last stage holds Node, its C++ runtime and the program: no shell, no package
# manager. It writes nothing, so it can run with a read-only root:
#
#   docker run --read-only -v ./bootstrap.yaml:/etc/halfopen/bootstrap.yaml:ro -p 10000:10000 halfopen

ARG NODE=26

FROM node:${NODE}-bookworm-slim AS build
WORKDIR /app
COPY package.json package-lock.json ./
RUN npm ci --no-audit --no-fund
COPY tsconfig.json ./
COPY src src
RUN npm run build && find dist \( -name '*.test.js' -o -name '.tsbuildinfo' \) -delete

FROM node:${NODE}-bookworm-slim AS dependencies
WORKDIR /app
COPY package.json package-lock.json ./
# A pod has a service account; only a kubeconfig needs the Kubernetes client, 72 MB.
RUN npm ci --omit=dev --no-audit --no-fund && npm uninstall --no-save --omit=dev @kubernetes/client-node

FROM gcr.io/distroless/cc-debian12
COPY --from=dependencies /usr/local/bin/node /usr/local/bin/node
WORKDIR /app
COPY --from=dependencies /app/node_modules node_modules
COPY --from=build /app/dist dist
COPY package.json LICENSE ./
COPY bin bin
COPY config config

# The user of Istio's proxy, which the usual redirection rules leave alone.
USER 1337:1337
ENV NODE_ENV=production HALFOPEN_ADMIN=127.0.0.1:15000
STOPSIGNAL SIGTERM

# The admin port of the bootstrap; set HALFOPEN_ADMIN when it is another.
HEALTHCHECK --interval=10s --timeout=2s --start-period=5s --retries=3 CMD ["/usr/local/bin/node", "-e", "fetch('http://' + process.env.HALFOPEN_ADMIN + '/ready', { signal: AbortSignal.timeout(1500) }).then((answer) => process.exit(answer.ok ? 0 : 1), () => process.exit(1))"]

ENTRYPOINT ["/usr/local/bin/node", "/app/bin/halfopen"]
CMD ["run", "-c", "/etc/halfopen/bootstrap.yaml"]
