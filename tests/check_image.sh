#!/usr/bin/env bash
# The image and docker-compose.yml, tried for real: size, rights, the demo, a real service from start to stop.
# Needs a running Docker engine with Compose v2; leaves nothing behind but the builder's cache.
set -euo pipefail
cd "$(dirname "$0")/.."

base=python:3.13-slim
image=tunewatch-check
most_bytes=130000000  # above the base
most_explore_bytes=25000000
most_stop_seconds=5
work=$(mktemp -d)
# No .env: the demo must work without one, and the service takes its variables from here.
export OPENAI_API_KEY=sim-key OPENAI_BASE_URL=http://simulator:8000/v1 NOTIFY_URL=json://sink:8080 POLL_INTERVAL=1s
compose=(docker compose --env-file /dev/null --project-name "tunewatch-check-$$" --project-directory .
         --profile demo --profile explore --file docker-compose.yml --file "$work/check.yml")

cleanup() {
    local code=$?
    if [ "$code" -ne 0 ]; then
        "${compose[@]}" ps --all || true
        "${compose[@]}" logs --no-color --tail 40 || true
    fi
    "${compose[@]}" down --volumes --remove-orphans --timeout 1 >/dev/null 2>&1 || true
    docker image rm "$image" "$image-explore" >/dev/null 2>&1 || true
    rm -rf "$work"
}
trap cleanup EXIT

say() { echo "image: $*"; }
fail() { say "FAILED: $*" >&2; exit 1; }

wait_for() {  # seconds, what, command…
    local seconds=$1 what=$2 end=$((SECONDS + $1))
    shift 2
    until "$@" >/dev/null 2>&1; do
        [ "$SECONDS" -lt "$end" ] || fail "$what: not within $seconds s"
        sleep 1
    done
    say "$what"
}
inspect() { docker inspect --format "$2" "$("${compose[@]}" ps --all --quiet "$1")"; }
healthy() { [ "$(inspect "$1" '{{.State.Health.Status}}')" = healthy ]; }
has_sent() { "${compose[@]}" exec -T "$1" tunewatch deliveries --json | grep '"state": "sent"'; }
ask() {  # path: the status and the body that explore answers
    "${compose[@]}" exec -T explore python -c '
import sys, urllib.error, urllib.request
try:
    answer = urllib.request.urlopen("http://127.0.0.1:8001/tunewatch" + sys.argv[1], timeout=10)
except urllib.error.HTTPError as refused:
    answer = refused
print(answer.status, answer.read().decode())' "$1"
}
answers() {  # path, what is to be in the answer
    local said
    said=$(ask "$1")
    [[ $said = *"$2"* ]] || fail "explore answers $1 with: ${said:0:500}"
}
stops() {  # service
    local begin=$EPOCHREALTIME seconds
    "${compose[@]}" stop "$1" >/dev/null 2>&1
    seconds=$(((${EPOCHREALTIME/[.,]/} - ${begin/[.,]/}) / 1000000))
    [ "$(inspect "$1" '{{.State.ExitCode}}')" = 0 ] || fail "$1 did not end with 0 after SIGTERM"
    [ "$seconds" -lt "$most_stop_seconds" ] || fail "$1 took $seconds s to stop"
    say "$1 ends with 0 after SIGTERM, in less than $((seconds + 1)) s"
}

# A provider and a place for notices to arrive at, for the real service.
cat >"$work/check.yml" <<'YAML'
services:
  tunewatch: {image: tunewatch-check}
  demo: {image: tunewatch-check}
  explore:
    image: tunewatch-check-explore
    ports: !override ["127.0.0.1::8001"]  # whatever is free
    healthcheck: {interval: 2s}
  simulator:
    image: tunewatch-check
    command: [simulator, --host, 0.0.0.0, --speed, "600"]
    healthcheck: {disable: true}
  sink:
    image: tunewatch-check
    entrypoint: [python, -c]
    command:
      - |
        import http.server
        class Sink(http.server.BaseHTTPRequestHandler):
            def do_POST(self):
                self.rfile.read(int(self.headers["Content-Length"]))
                self.send_response(204)
                self.end_headers()
        http.server.HTTPServer(("", 8080), Sink).serve_forever()
    healthcheck: {disable: true}
YAML

services=$(docker compose --env-file /dev/null --file docker-compose.yml config --services)
[ "$services" = tunewatch ] || fail "without a profile, compose would start: $services"

begin=$SECONDS
"${compose[@]}" build tunewatch explore >"$work/build.log" 2>&1 || { cat "$work/build.log" >&2; fail "it does not build"; }
say "built in $((SECONDS - begin)) s"

docker image inspect "$base" >/dev/null 2>&1 || docker pull --quiet "$base" >/dev/null
bytes() { docker image inspect --format '{{.Size}}' "$1"; }
size=$(($(bytes "$image") - $(bytes "$base")))
[ "$size" -le "$most_bytes" ] || fail "$size bytes above its base, more than $most_bytes"
say "$((size / 1000000)) MB above its base"

size=$(($(bytes "$image-explore") - $(bytes "$base")))
[ "$size" -le "$most_explore_bytes" ] || fail "explore: $size bytes above its base, more than $most_explore_bytes"
say "explore: $((size / 1000000)) MB above its base"

run=(docker run --rm --read-only --tmpfs /tmp --cap-drop ALL)
"${run[@]}" "$image" --version
[ "$("${run[@]}" --entrypoint id "$image" -u)" = 10001 ] || fail "it does not run as user 10001"
if "${run[@]}" --entrypoint python "$image" -c 'import pip' 2>/dev/null; then fail "pip is in it"; fi
code=0
said=$("${run[@]}" "$image" run 2>&1) || code=$?
[[ $code = 78 && $said = *OPENAI_API_KEY* && $said = *NOTIFY_URL* ]] || fail "without its variables: code $code, $said"
say "without a key and a place for notices it refuses to start, and says so"

"${compose[@]}" up --detach --no-build demo explore simulator sink tunewatch >"$work/up.log" 2>&1 ||
    { cat "$work/up.log" >&2; fail "compose up"; }
wait_for 60 "the demo is healthy" healthy demo
wait_for 60 "a notice of the demo has arrived" has_sent demo
wait_for 60 "a notice of the real service has arrived" has_sent tunewatch
wait_for 90 "the real service is healthy" healthy tunewatch
"${compose[@]}" exec -T tunewatch grep -q tunewatch /proc/1/cmdline || fail "tunewatch is not process 1"

wait_for 60 "explore is healthy" healthy explore
[ "$("${compose[@]}" exec -T explore id -u)" = 10001 ] || fail "explore does not run as user 10001"
[[ $("${compose[@]}" port explore 8001) = 127.0.0.1:* ]] || fail "explore can be reached from elsewhere"
title=$(sed -n '1s/^# //p' docs/reading-the-database.md)
answers "" "<h1>$title</h1>"
# The first query of the document, by the name that is made of its heading.
query=/$(sed -n '/^## Queries to start from/,/^### /s/^### //p' docs/reading-the-database.md |
    tr '[:upper:]' '[:lower:]' | tr -cs 'a-z0-9\n' -).json?_shape=array
answers "$query" '200 [{"month": '
answers /job.json "403 "
answers "/job/1.json" "403 "
answers ".json?sql=with+a+as+(select+1)+delete+from+job" "attempt to write a readonly database"
say "explore shows the views and the queries, refuses the tables and writes nothing"

stops explore
stops tunewatch
stops demo
# Now the files beside the database are gone that a reader needs.
"${compose[@]}" start explore >/dev/null 2>&1
wait_for 60 "explore is healthy without the service, too" healthy explore
answers "$query" '200 [{"month": '
# Not grep -q: it ends at the first line, and what is still being written would fail.
"${compose[@]}" run --rm --no-deps -T tunewatch jobs --json | grep ftjob- >/dev/null || fail "the volume lost the history"
say "the history is still in the volume"
