# The server in a container: built in Debian with nothing but this folder, run in a smaller one as a user without rights.
#
#     docker build -t reaktor .
#     docker run -d --name reaktor -p 127.0.0.1:4200:4200 -v reaktor-data:/data reaktor
#     docker exec reaktor reaktor init && docker exec reaktor reaktor token owner
#
# The packages of both stages stand in tools/deps.sh; test/docker_test.sh checks this file.

FROM debian:bookworm AS build
COPY . /src
WORKDIR /src
RUN sh tools/deps.sh build
RUN make DEPS=build all

FROM debian:bookworm-slim
COPY tools/deps.sh /tmp/deps.sh
RUN sh /tmp/deps.sh runtime && rm -rf /tmp/deps.sh /var/lib/apt/lists/*
RUN groupadd --gid 4200 reaktor && useradd --uid 4200 --gid 4200 --no-create-home --shell /usr/sbin/nologin reaktor
RUN install -d -o reaktor -g reaktor -m 0700 /data
COPY --from=build /src/build/reaktor /usr/local/bin/reaktor
ENV REAKTOR_DATA=/data REAKTOR_LISTEN=0.0.0.0 REAKTOR_PORT=4200
USER 4200:4200
VOLUME /data
EXPOSE 4200
STOPSIGNAL SIGTERM
HEALTHCHECK --interval=10s --timeout=6s --start-period=5s CMD reaktor health || exit 1
ENTRYPOINT ["reaktor"]
CMD ["serve"]
