#!/usr/bin/env bash
# What people install is a wheel, and it must work where there is no source tree: nothing forgotten in it (the
# migrations live outside the package), nothing used that only developers have.
set -euo pipefail
cd "$(dirname "$0")/.."
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
python=$PWD/.venv/bin/python config=$PWD/config.toml
pip=("$python" -m pip --disable-pip-version-check --quiet --quiet)

"${pip[@]}" wheel --no-deps --no-build-isolation --wheel-dir "$work/dist" .
# pip of the other venv fills this one: to give it its own would cost more time than all the rest.
"$python" -m venv --without-pip "$work/venv"
"${pip[@]}" --python "$work/venv/bin/python" install --no-compile --require-hashes -r requirements/runtime.txt
"${pip[@]}" --python "$work/venv/bin/python" install --no-compile --no-deps "$work"/dist/*.whl

mkdir "$work/empty" "$work/home"
cd "$work/empty"
# Nothing of this machine's settings: neither a key that happens to be set, nor a folder Python looks into.
clean=(timeout 120 env -i PATH="$PATH" HOME="$work/home" LANG=C.UTF-8)
"${clean[@]}" "$work/venv/bin/tunewatch" --version
"${clean[@]}" "$work/venv/bin/tunewatch" demo --for 5s >"$work/demo.log" 2>&1 || { cat "$work/demo.log" >&2; exit 1; }
tail -n 3 "$work/demo.log"
# The templates are in it, and the process that draws the curve finds what it needs.
"${clean[@]}" OPENAI_API_KEY=x NOTIFY_URL=json://127.0.0.1 TMPDIR="$work" "$work/venv/bin/tunewatch" preview succeeded \
    --config "$config" >/dev/null 2>"$work/preview.log" || { cat "$work/preview.log" >&2; exit 1; }
ls "$work"/tunewatch-preview-*/curve.png >/dev/null
left=$(ls -A)
[ -z "$left" ] || { echo "the demo left behind: $left" >&2; exit 1; }
echo "The wheel works in a clean venv, from an empty folder."
