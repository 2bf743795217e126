# What builds stays behind in the first stage; the image is the base, one venv and one configuration file.
FROM python:3.13-slim AS build

WORKDIR /build
COPY requirements requirements
# What makes the wheel could put anything into it, so the build's own tools are checked by hash as well.
RUN python -m venv tools \
 && tools/bin/pip install --quiet --no-cache-dir --require-hashes -r requirements/build.txt
# The base's pip fills the venv from outside, so that the venv has none. Wheels only: to build anything else, pip
# would fetch tools that no hash covers. pip compiles what it installs, which nobody can do later: the file system
# is read-only then, and compiling anew at each start would take seconds.
RUN python -m venv --without-pip /opt/tunewatch \
 && python -m pip --python /opt/tunewatch/bin/python install --quiet --no-cache-dir --only-binary :all: \
        --require-hashes -r requirements/runtime.txt
# Our own files come last: they change most often, and what stands above is then taken from the cache.
COPY pyproject.toml README.md ./
COPY migrations migrations
COPY service service
RUN tools/bin/pip wheel --quiet --no-deps --no-build-isolation --wheel-dir dist . \
 && python -m pip --python /opt/tunewatch/bin/python install --quiet --no-cache-dir --no-deps dist/*.whl


# For `docker compose --profile explore`: pages about the database. Nothing of it is in the image of tunewatch, which
# comes last because the last one is built where none is named.
FROM python:3.13-slim AS explore

# Whichever container is the first to mount a new volume gives it its owner.
RUN install -d -o 10001 -g 10001 -m 0750 /data
WORKDIR /opt/explore
COPY requirements/explore.txt ./
# The list is complete but for what Datasette needs to install plugins: hence without what else it asks for.
RUN python -m venv --without-pip . \
 && python -m pip --python bin/python install --quiet --no-cache-dir --only-binary :all: --no-deps \
        --require-hashes -r explore.txt
COPY explore/settings.py docs/reading-the-database.md ./
RUN python settings.py reading-the-database.md > metadata.json

ENV PATH=/opt/explore/bin:$PATH \
    PYTHONUNBUFFERED=1 \
    PYTHONDONTWRITEBYTECODE=1
USER 10001:10001
EXPOSE 8001
HEALTHCHECK --interval=30s --timeout=15s --start-period=30s --retries=3 CMD ["python", "-c", \
    "from urllib.request import urlopen as o; o('http://127.0.0.1:8001/tunewatch/job_summary.json?_size=1&_nocount=1')"]
# With 100 000 jobs, suggesting facets would take 4 s for each page, and some queries take longer than the usual 1 s.
ENTRYPOINT ["datasette"]
CMD ["serve", "/data/tunewatch.db", "--metadata", "metadata.json", "--host", "0.0.0.0", "--port", "8001", \
     "--setting", "suggest_facets", "off", "--setting", "sql_time_limit_ms", "10000"]


FROM python:3.13-slim

# The numbers are fixed, so that whoever mounts a folder of the host knows to whom it must belong.
RUN groupadd --gid 10001 tunewatch \
 && useradd --uid 10001 --gid 10001 --home-dir /data --no-create-home --shell /usr/sbin/nologin tunewatch \
 && install -d -o tunewatch -g tunewatch -m 0750 /data
COPY --from=build /opt/tunewatch /opt/tunewatch
COPY config.toml /etc/tunewatch/config.toml

ENV PATH=/opt/tunewatch/bin:$PATH \
    PYTHONUNBUFFERED=1 \
    PYTHONDONTWRITEBYTECODE=1 \
    DATABASE_URL=sqlite:////data/tunewatch.db
# Declared after the folder has its owner: a new named volume takes the owner over, and nobody needs chown.
VOLUME /data
# A database with a relative path lands in the volume too; everything else may be read-only.
WORKDIR /data
USER 10001:10001

# `health` says unhealthy when an account or a channel does not work, too. It takes half a second, twice a minute
# is 2 % of one core; the timeout leaves it the 10 s for which a reader waits for a busy database. In the start
# period a failure does not count: a first look at an account with many jobs takes its time.
HEALTHCHECK --interval=30s --timeout=15s --start-period=30s --retries=3 CMD ["tunewatch", "health"]
STOPSIGNAL SIGTERM
# No shell in between: tunewatch is process 1 and hears SIGTERM itself.
ENTRYPOINT ["tunewatch"]
CMD ["run"]
