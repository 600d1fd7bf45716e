# The runner alone: Postgres is a server of its own, named by DATABASE_URL. What it can do besides is said by
# the extras of pyproject.toml: `docker build --build-arg EXTRAS="api http otel" .`
FROM python:3.12-slim AS build
RUN pip install --no-cache-dir "uv>=0.8,<1"
ENV UV_COMPILE_BYTECODE=1 UV_LINK_MODE=copy UV_PYTHON_DOWNLOADS=never \
    UV_PROJECT_ENVIRONMENT=/opt/oppspot-runner
ARG EXTRAS="api http email llm"
WORKDIR /src
# Dependencies first: their layer stays while only our code changes.
COPY pyproject.toml uv.lock README.md LICENSE ./
RUN uv sync --locked --no-dev --no-install-project $(printf -- "--extra %s " $EXTRAS)
COPY oppspot_runner ./oppspot_runner
COPY sql ./sql
RUN uv sync --locked --no-dev --no-editable $(printf -- "--extra %s " $EXTRAS)

FROM python:3.12-slim
RUN useradd --system --uid 10001 --create-home --home-dir /home/runner runner
COPY --from=build /opt/oppspot-runner /opt/oppspot-runner
ENV PATH=/opt/oppspot-runner/bin:$PATH PYTHONUNBUFFERED=1 OPPSPOT_LOG=json
USER runner
WORKDIR /home/runner
# TERM lets running tasks end (OPPSPOT_GRACE); give the container longer than that to stop.
STOPSIGNAL SIGTERM
HEALTHCHECK --interval=30s --timeout=10s --start-period=30s --retries=3 \
    CMD ["oppspot-runner", "status"]
ENTRYPOINT ["oppspot-runner"]
CMD ["start"]
