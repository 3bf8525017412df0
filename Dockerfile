# syntax=docker/dockerfile:1
# halfopen on the current LTS line of Node: as a sidecar, as the init container that writes the redirect rules, as the injection
# webhook. The last stage holds Node, iptables, their libraries and the program: no shell, no package manager. It writes nothing, so it
# runs with a read-only root:
#
#   docker run --read-only -v ./bootstrap.yaml:/etc/halfopen/bootstrap.yaml:ro -p 10000:10000 halfopen
#
# /app/sbom.cdx.json lists what is in it.

ARG NODE=26

FROM node:${NODE}-bookworm-slim AS build
WORKDIR /app
COPY package.json package-lock.json ./
RUN npm ci --no-audit --no-fund
COPY tsconfig.json ./
COPY src src
RUN npm run build && find dist \( -name '*.test.js' -o -name '.tsbuildinfo' \) -delete

FROM node:${NODE}-bookworm-slim AS root
RUN apt-get update && apt-get install -y --no-install-recommends iptables binutils && rm -rf /var/lib/apt/lists/*
WORKDIR /app
COPY package.json package-lock.json ./
# A pod has a service account; only a kubeconfig needs the Kubernetes client, 72 MB.
RUN npm ci --omit=dev --no-audit --no-fund && npm uninstall --no-save --omit=dev @kubernetes/client-node
COPY --from=build /app/dist dist
COPY LICENSE ./
COPY bin bin
COPY config config
COPY deploy/image/assemble.mjs /assemble.mjs
RUN node /assemble.mjs /root-of-image

FROM scratch
COPY --from=root /root-of-image /
WORKDIR /app

# The user of Istio's proxy, which the redirect rules leave alone.
USER 1337:1337
ENV PATH=/usr/local/bin:/usr/sbin NODE_ENV=production MALLOC_ARENA_MAX=1 NODE_COMPILE_CACHE=/app/.compile-cache HALFOPEN_ADMIN=127.0.0.1:15000
STOPSIGNAL SIGTERM

# The admin port of the bootstrap; set HALFOPEN_ADMIN when it is another. Kubernetes has probes of its own.
HEALTHCHECK --interval=10s --timeout=2s --start-period=5s --retries=3 CMD ["/usr/local/bin/node", "-e", "fetch('http://' + process.env.HALFOPEN_ADMIN + '/ready', { signal: AbortSignal.timeout(1500) }).then((answer) => process.exit(answer.ok ? 0 : 1), () => process.exit(1))"]

ENTRYPOINT ["halfopen"]
CMD ["run", "-c", "/etc/halfopen/bootstrap.yaml"]
