#!/usr/bin/env bash
# Installs what Duet needs on Debian 12, by apt and by name. Called by `make deps`.
#
#   tools/deps.sh          what the program and its tests need, FAISS included
#   tools/deps.sh --demo   that and the picture library of `make demo`
#   tools/deps.sh --lint   the tools of `make lint`, `make format` and `make sizes`
#   tools/deps.sh --list   only prints the package names of the first form
#   tools/deps.sh --faiss-dir, --faiss-libs
#                          only prints FAISS's folder, and what a linker needs of it
#
# What is there already is left alone: a second run asks dpkg, finds nothing missing
# and ends within a second, without root and without a network.
# FAISS=system takes Debian's own libfaiss-dev (see tools/faiss.sh).
set -euo pipefail
export LC_ALL=C
tools=$(dirname "$0")

# The compiler (with dpkg-dev, patch and xz, which unpack FAISS's source) and the seams.
BUILD=(build-essential pkg-config cmake)
# Store, server, JSON, TLS; ca-certificates so that `duet model pull` can check a server.
SYSTEM=(liblmdb-dev libevent-dev libssl-dev libcurl4-openssl-dev ca-certificates curl libjson-c-dev)
# Decoders: one maintained library a format, stb_image for what is left; EXIF's turn.
PICTURES=(libjpeg62-turbo-dev libpng-dev libwebp-dev libheif-dev libavif-dev libstb-dev libexif-dev)
# Unicode, regexes, CSV, hashing, matrix products (the OpenMP flavour: one thread budget), tests.
REST=(libutf8proc-dev libonig-dev libcsv-dev libxxhash-dev libopenblas-openmp-dev libcmocka-dev)

DEMO=(tuxpaint-stamps-default)
LINT=(clang-format clang-tidy cppcheck pmccabe shellcheck)

say() { printf 'deps: %s\n' "$*"; }
fail() {
    printf 'deps: %s\n' "$@" >&2
    exit 1
}

# The names among the arguments that dpkg does not know as installed, one a line.
missing_of() {
    local installed
    installed=$(dpkg-query -W -f='${db:Status-Status} ${Package}\n' "$@" 2>/dev/null |
        sed -n 's/^installed //p' | sort -u) || true
    printf '%s\n' "$@" | sort -u | comm -23 - <(printf '%s\n' "$installed")
}

# Runs its arguments as root.
as_root() {
    if [ "$(id -u)" = 0 ]; then
        env DEBIAN_FRONTEND=noninteractive "$@"
    else
        sudo env DEBIAN_FRONTEND=noninteractive "$@"
    fi
}

install_packages() {
    local missing
    mapfile -t missing < <(missing_of "$@")
    if [ "${#missing[@]}" = 0 ]; then
        return
    fi
    local command="apt-get install --no-install-recommends ${missing[*]}"
    if [ "$(id -u)" != 0 ] && ! command -v sudo >/dev/null; then
        fail "these packages are missing, and there is no sudo to install them with." \
            "As root, run:  apt-get update && $command"
    fi
    say "installing ${#missing[@]} packages: ${missing[*]}"
    as_root apt-get update -qq -o DPkg::Lock::Timeout=300 ||
        say "apt-get update failed; going on with the package lists that are here"
    as_root apt-get install -y -qq --no-install-recommends -o DPkg::Lock::Timeout=300 \
        -o Dpkg::Use-Pty=0 "${missing[@]}" >/dev/null ||
        fail "apt-get could not install the packages (its own words stand above)." \
            "Mend the network or the apt sources, try  $command  by hand, then run make deps again."
}

if ! [ -e /etc/debian_version ] || ! command -v apt-get >/dev/null; then
    fail "this is no Debian: install these packages' counterparts by hand, then run make:" \
        "${BUILD[*]} ${SYSTEM[*]} ${PICTURES[*]} ${REST[*]}"
fi

all=("${BUILD[@]}" "${SYSTEM[@]}" "${PICTURES[@]}" "${REST[@]}")
[ "${FAISS:-}" = system ] && all+=(libfaiss-dev)

build_set_up() {
    install_packages "${all[@]}" "$@"
    "$tools/faiss.sh"
    say "everything is in place"
}

case "${1:-}" in
'') build_set_up ;;
--demo) build_set_up "${DEMO[@]}" ;;
--lint) install_packages "${LINT[@]}" ;;
--list) printf '%s\n' "${all[@]}" ;;
--faiss-dir) "$tools/faiss.sh" --dir ;;
--faiss-libs) "$tools/faiss.sh" --libs ;;
*)
    sed -n '2,15p' "$0" | cut -c3- >&2
    exit 2
    ;;
esac
