# The server with its demo endpoints: docker build -t tandem . && docker run --rm -p 8080:8080 tandem
# docs/docker.md tells how to put endpoints of your own in.

# The dashboard: npm makes a C++ source of it, which the next stage compiles. Where npm gets nothing, the image is without.
FROM debian:trixie-slim AS web
RUN apt-get update && apt-get install -y --no-install-recommends nodejs npm && rm -rf /var/lib/apt/lists/*
COPY web /src/web
RUN /src/web/make.sh /web/dashboard_files.cpp /src/web/none.cpp

FROM debian:trixie-slim AS build
WORKDIR /src
# The packages change seldom, the sources often: two layers.
COPY tandem-dev ./
RUN ./tandem-dev install build && rm -rf /var/lib/apt/lists/*
COPY . .
COPY --from=web /web/dashboard_files.cpp /web/
RUN ./tandem-dev build release tandem -DTANDEM_TESTS=OFF -DTANDEM_DASHBOARD=/web/dashboard_files.cpp \
 && cmake --install build/release --prefix /opt/tandem --strip

FROM debian:trixie-slim
# The interpreter is a library here (libpython), with its standard library; uvloop makes async endpoints quicker.
RUN apt-get update \
 && apt-get install -y --no-install-recommends libpython3.13 libspdlog1.15 libssl3t64 libncursesw6 python3-uvloop \
 && rm -rf /var/lib/apt/lists/* /var/cache/apt/* /var/log/apt /var/log/dpkg.log \
 && useradd --system --user-group --home-dir /nonexistent --shell /usr/sbin/nologin tandem \
 && install -d -o tandem -g tandem /var/lib/tandem
COPY --from=build /opt/tandem /opt/tandem
COPY config /srv/tandem/config
COPY python_handlers /srv/tandem/python_handlers
ENV PATH=/opt/tandem/bin:/usr/local/bin:/usr/bin:/bin TANDEM_STATE=/var/lib/tandem
WORKDIR /srv/tandem
USER tandem
EXPOSE 8080
STOPSIGNAL SIGTERM
HEALTHCHECK --interval=10s --timeout=3s --start-period=10s CMD ["tandem", "status", "--admin", "http://127.0.0.1:9090"]
ENTRYPOINT ["tandem"]
CMD ["serve", "config/tandem.json"]
