FROM python:3.11-slim-trixie AS build

RUN python -m venv /opt/venv
COPY requirements/base.txt /tmp/
# Wheels only, so that no compiler is needed. Nothing will be installed later, so pip does not go along.
RUN /opt/venv/bin/pip install --no-cache-dir --disable-pip-version-check --require-hashes --only-binary=:all: \
      -r /tmp/base.txt \
 && /opt/venv/bin/pip uninstall --yes --quiet setuptools pip


FROM python:3.11-slim-trixie

# Fixed numbers, so that volumes and policies can name them. It owns nothing here: the code is root's and read-only.
RUN useradd --system --uid 10001 --user-group --no-create-home --home-dir /nonexistent --shell /usr/sbin/nologin \
      latchkey
COPY --from=build /opt/venv /opt/venv
ENV PATH=/opt/venv/bin:$PATH \
    PYTHONUNBUFFERED=1 \
    PYTHONDONTWRITEBYTECODE=1 \
    HOST=0.0.0.0 \
    PORT=8000 \
    LOG_FORMAT=json

WORKDIR /srv/latchkey
COPY . .
RUN python -m compileall -q config apps && rm -r requirements

USER 10001:10001
EXPOSE 8000
# The web process's; docker-compose.yml switches it off for the others, which answer nobody.
HEALTHCHECK --interval=10s --timeout=3s --start-period=20s \
  CMD python -c "import urllib.request; urllib.request.urlopen('http://127.0.0.1:$PORT/healthz', timeout=2)"
# `run web`, `run worker` and `run beat` become that process by exec, so it gets the container's signals itself.
ENTRYPOINT ["python", "manage.py"]
CMD ["run", "web"]
