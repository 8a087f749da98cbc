#!/usr/bin/env bash
# Prints the code of README.md in one language, so that tests can run it:
#
#   tools/snippets.sh python          all fenced blocks marked ```python
#   tools/snippets.sh sh '^curl'      of those marked ```sh, the commands that match,
#                                     lines that end in \ with the ones they go on in
set -euo pipefail
cd "$(dirname "$0")/.."
language=$1 only=${2:-}
block() { awk -v mark="\`\`\`$language" '$0 == mark {on=1; next} /^```$/ {on=0} on' README.md; }
if [ -z "$only" ]; then
  block
else
  block | awk -v only="$only" '
    !going && $0 ~ only {take=1}
    take {print}
    {going = /\\$/; if (!going) take=0}'
fi
