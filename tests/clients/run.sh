#!/usr/bin/env bash
# Called by `make clients`: installs clients of other makers into build/clients, and runs
# their tests and the README's snippets against a server on a free port. BUILD names the
# folder of the program, DUET_MODELS that of the models.
set -euo pipefail
cd "$(dirname "$0")/../.."
build=${BUILD:-build} here=tests/clients home=$PWD/build/clients
mkdir -p "$home/js"
scratch=$(mktemp -d)
server=
stop() {
  [ -z "$server" ] || kill "$server" 2>/dev/null || true
  rm -rf "$scratch"
}
trap stop EXIT

# What is there already at these versions is left alone.
if ! cmp -s "$here/python/requirements.txt" "$home/requirements.txt"; then
  echo "  installing $(tr '\n' ' ' <"$here/python/requirements.txt")"
  python3 -m venv "$home/venv"
  "$home/venv/bin/pip" install -q --disable-pip-version-check -r "$here/python/requirements.txt"
  cp "$here/python/requirements.txt" "$home/requirements.txt"
fi
if ! cmp -s "$here/js/package.json" "$home/js/package.json" || [ ! -d "$home/js/node_modules" ]; then
  echo "  installing $(grep '@' "$here/js/package.json")"
  cp "$here/js/package.json" "$home/js/package.json"
  (cd "$home/js" && npm install --silent --no-audit --no-fund --omit=peer)
fi

"$build/duet" serve --listen 127.0.0.1:0 --db "$scratch/db" >"$scratch/log" 2>&1 &
server=$!
for _ in $(seq 100); do
  DUET_URL=$(grep -o 'http://[0-9.:]*' "$scratch/log" | head -n 1) && break
  sleep 0.1
done
export DUET_URL
[ -n "$DUET_URL" ] || { cat "$scratch/log"; exit 1; }

"$home/venv/bin/python" "$here/python/qdrant.py"
"$home/venv/bin/python" "$here/python/langchain.py"
cp "$here/js/qdrant.mjs" "$home/js/"
(cd "$home/js" && node qdrant.mjs)

# The README's snippets, word for word but for the port.
snippet() { tools/snippets.sh "$1" | sed "s|http://127.0.0.1:6333|$DUET_URL|"; }
snippet python >"$scratch/readme.py"
snippet js >"$home/js/readme.mjs"
[ "$("$home/venv/bin/python" "$scratch/readme.py")" = "{'price': 120}" ]
echo "  ok      README's Python"
[ "$(cd "$home/js" && node readme.mjs)" = "{ price: 120 }" ]
echo "  ok      README's JavaScript"
