# The product as one image; what it does is said by the command: serve, work, migrate.
FROM python:3.12-slim-bookworm

ENV PYTHONDONTWRITEBYTECODE=1 PYTHONUNBUFFERED=1
WORKDIR /opt/vinculo

# Dependencies change seldom: they make a layer of their own, checked by their hashes.
COPY requirements.txt ./
RUN pip install --no-cache-dir --require-hashes --requirement requirements.txt

COPY pyproject.toml LICENSE ./
COPY domain domain
COPY journal journal
COPY projections projections
COPY consumers consumers
COPY api api
COPY vinculo vinculo
COPY schemas schemas
RUN pip install --no-cache-dir --no-deps --no-build-isolation --editable . \
    && useradd --system --no-create-home --shell /usr/sbin/nologin vinculo

USER vinculo
ENTRYPOINT ["vinculo"]
CMD ["--help"]
