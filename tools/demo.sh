#!/usr/bin/env bash
# Shows Duet at work. Called by `make demo`.
#
#   tools/demo.sh DUET          on Tux Paint's stamps (Debian's tuxpaint-stamps-default)
#   tools/demo.sh DUET FOLDER   on a folder of pictures of your own
#
# The database is build/demo.db, or one a folder beside it, and is kept: a second run
# adds only what is new.
set -euo pipefail

STAMPS=/usr/share/tuxpaint/stamps

fail() {
    printf 'demo: %s\n' "$@" >&2
    exit 1
}

if [ $# -lt 1 ] || [ $# -gt 2 ]; then
    sed -n '2,8p' "$0" | cut -c3-
    exit 2
fi
[ -x "$1" ] || fail "$1 is not there; 'make' builds it"
duet=$(realpath "$1")
shown=$1
folder=$(realpath -e -- "${2:-$STAMPS}" 2>/dev/null) || fail \
    "${2:-$STAMPS} is not there; 'tools/deps.sh --demo' installs the stamps," \
    "'make demo DIR=FOLDER' takes pictures of your own"
name=demo.db
if [ "$folder" != "$STAMPS" ]; then
    name=demo-$(printf '%s' "$folder" | cksum | cut -d' ' -f1).db
fi
database=$(dirname "$duet")/$name
export DUET_DB=$database

bold='' dim='' plain=''
if [ -t 1 ] && [ -z "${NO_COLOR:-}" ]; then
    bold=$'\e[1m' dim=$'\e[2m' plain=$'\e[0m'
fi

title() { printf '\n%s%s%s\n' "$bold" "$1" "$plain"; }

# Prints a command as it would be typed.
show() {
    local word line='$ duet'
    for word in "$@"; do
        case $word in
        *[!A-Za-z0-9_./:~-]*) line+=" \"$word\"" ;;
        *) line+=" $word" ;;
        esac
    done
    printf '%s%s%s\n' "$dim" "$line" "$plain"
}

# Shows a command and runs it. Nothing found (1) and some bad pictures (4) do not end
# the demo.
run() {
    show "$@"
    local status=0
    "$duet" "$@" || status=$?
    case $status in
    0 | 1 | 4) ;;
    *) fail "duet ended with status $status ('$shown help exit-codes' tells what that is)" ;;
    esac
}

# A demo database of another version or model is of no use any more.
drop_unfit() {
    local status=0
    [ -d "$database" ] || return 0
    "$duet" -q search picture -k 1 >/dev/null 2>&1 || status=$?
    case $status in
    6 | 7) rm -rf "$database" ;;
    esac
}

# Pictures that the folder has, to be searched by.
any_picture() {
    "$duet" ls -k 1 --json | sed -n 's/.*"source":"\([^"\\]*\)".*/\1/p'
}

ask_stamps() {
    title 'Words find pictures (the captions are not looked at)'
    run search 'a musical instrument' -k 3
    run search 'a red car' -k 3
    run search 'a bird flying' -k 3

    title 'Chinese words, too'
    run search 水果 -k 3
    run search 一只鸟 -k 3

    title 'A picture finds texts'
    run search --image vehicles/auto/sedan.png --in text -k 3

    title 'A picture finds pictures'
    run search --image plants/flowers/flower10.png -k 4
}

ask_folder() {
    title 'Words find pictures'
    run search 'people together' -k 3
    run search 'a building in a city' -k 3
    run search 'food on a table' -k 3
    run search 'an animal' -k 3

    title 'Chinese words, too'
    run search 大自然的风景 -k 3
    run search 夜晚 -k 3

    local picture
    picture=$(any_picture)
    if [ ! -r "$picture" ]; then
        return
    fi
    title 'A picture finds pictures'
    run search --image "${picture#"$folder"/}" -k 4
    if ! "$duet" stats | grep -q '^text *0 vectors'; then
        title 'A picture finds texts'
        run search --image "${picture#"$folder"/}" --in text -k 3
    fi
}

printf 'Duet takes the pictures of %s\ninto the database %s.\n' "$folder" "$(dirname "$shown")/$name"
cd "$folder"
drop_unfit
title 'Take a folder of pictures in'
run add .
title 'Again: only what is new or changed is done'
run add .
if [ "$folder" = "$STAMPS" ]; then
    ask_stamps
else
    ask_folder
fi

title 'Next'
cat <<END
  $shown --db $(dirname "$shown")/$name serve
      then open http://127.0.0.1:6333/dashboard
  make demo DIR=~/Pictures
      the same with pictures of your own
  $shown help
      all commands
END
