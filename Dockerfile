# syntax=docker/dockerfile:1
FROM node:20-bookworm-slim AS build
WORKDIR /src
COPY package.json package-lock.json .npmrc ./
COPY scripts/build.mjs scripts/
RUN npm ci --ignore-scripts
COPY src src
RUN npm run build

FROM node:20-bookworm-slim
RUN apt-get update \
  && apt-get install -y --no-install-recommends git ca-certificates \
  && rm -rf /var/lib/apt/lists/* \
  && groupadd --gid 10001 serin \
  && useradd --uid 10001 --gid serin --home-dir /var/lib/serin --create-home --shell /usr/sbin/nologin serin
WORKDIR /app
COPY --from=build /src/dist dist
COPY package.json LICENSE ./
# The root file system may be read-only: everything that is written goes here.
ENV SERIN_DATA_DIRECTORY=/var/lib/serin NODE_ENV=production NODE_OPTIONS=--enable-source-maps
VOLUME /var/lib/serin
USER 10001:10001
EXPOSE 8080
ENTRYPOINT ["node", "/app/dist/serin.mjs"]
CMD ["run"]
