#!/usr/bin/env bash
# Runs the bench programs given as arguments, each a path and perhaps words behind it, one
# after the other, below a head that says on what machine. Called by `make bench`; docs/SPEED.md explains the numbers.
set -u
processor=$(sed -n 's/^model name[^:]*: //p' /proc/cpuinfo | head -n 1)
printf '%s\n' "$(date -u +%F)  ${processor:-$(uname -m)}, $(nproc) cores, load $(cut -d' ' -f1 /proc/loadavg)"
failed=0
for program in "$@"; do
    printf '\n'
    read -ra words <<<"$program"
    if ! "${words[@]}"; then
        printf 'bench: %s failed\n' "$program" >&2
        failed=1
    fi
done
exit "$failed"
