# The gateway as a container: two stages, so that the one that runs has no pip, no compiler, no sources.
#   docker build -t ani-gateway .
FROM python:3.11-slim-bookworm AS build
WORKDIR /src
COPY pyproject.toml constraints.txt README.md LICENSE ./
COPY gateway gateway
# Every version is the one the tests ran with.
RUN python -m venv --without-pip /opt/ani-gateway \
 && pip --python /opt/ani-gateway/bin/python install --no-cache-dir --no-compile -c constraints.txt ".[mysql,redis]"

FROM python:3.11-slim-bookworm
# A number, so that Kubernetes can see that it is not root; the name is for people.
RUN useradd --system --uid 10001 --user-group --no-create-home --home-dir /var/lib/ani-gateway ani-gateway \
 && install -d -o ani-gateway -g ani-gateway -m 0750 /var/lib/ani-gateway /etc/ani-gateway
COPY --from=build /opt/ani-gateway /opt/ani-gateway
ENV PATH=/opt/ani-gateway/bin:$PATH \
    PYTHONDONTWRITEBYTECODE=1 \
    ANI_GATEWAY_AGI_LISTEN=0.0.0.0:4573 \
    ANI_GATEWAY_ADMIN_LISTEN=127.0.0.1:4580 \
    ANI_GATEWAY_ENGINE_CACHE_DIR=/var/lib/ani-gateway
USER 10001:10001
WORKDIR /var/lib/ani-gateway
VOLUME /var/lib/ani-gateway
EXPOSE 4573 4580
STOPSIGNAL SIGTERM
# The first start may build the geography; after that it is ready within two seconds.
HEALTHCHECK --interval=10s --timeout=4s --start-period=60s --retries=3 \
    CMD ["python", "-c", "import urllib.request as u; u.urlopen('http://127.0.0.1:4580/healthz', timeout=3)"]
ENTRYPOINT ["ani-gateway"]
CMD ["serve"]
