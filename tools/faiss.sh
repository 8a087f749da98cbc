#!/usr/bin/env bash
# Builds FAISS 1.7.3 once, from Debian's source package, into a cache that every
# checkout shares. Debian's libfaiss-dev is built without AVX2 (a query takes 3 to 5
# times as long) and has the C API's headers but not its objects.
#
#   tools/faiss.sh            builds what is not built yet; says nothing otherwise
#   tools/faiss.sh --dir      prints the folder of the result, built or not
#   tools/faiss.sh --libs     prints what the linker needs, in order
#   tools/faiss.sh --state    prints one line for `make doctor`
#
# Environment:
#   FAISS         avx2 (the default on x86-64), generic (elsewhere), or system: the
#                 fallback when that build is too much or fails. It links
#                 Debian's libfaiss-dev and compiles only the C API (15 s).
#   FAISS_SOURCE  an unpacked source tree of FAISS 1.7.3, for machines whose apt sources
#                 serve no source packages
#   DUET_CACHE    the cache; by default $XDG_CACHE_HOME/duet or ~/.cache/duet
#
# The folder's name holds the version, the flavour and a hash of this script, so a
# changed flag never meets an old library. It is filled elsewhere and renamed when
# whole: an interrupted build leaves nothing behind that looks finished.
set -euo pipefail
export LC_ALL=C
unset MAKEFLAGS MFLAGS MAKELEVEL # the job server of a make above us is not ours

VERSION=1.7.3
CXXFLAGS_COMMON='-O3 -DNDEBUG -fPIC -w'

machine=$(uname -m)
case "${FAISS:-$machine}" in
avx2 | x86_64) flavour=avx2 target=faiss_avx2 ;;
system) flavour=system target=faiss ;;
*) flavour=generic target=faiss ;;
esac
cache=${DUET_CACHE:-${XDG_CACHE_HOME:-${HOME:-/var/tmp}/.cache}/duet}
script_hash=$(sha256sum <"${BASH_SOURCE[0]}")
dir=$cache/faiss-$VERSION-$flavour-$machine-${script_hash:0:12}

say() { printf 'faiss: %s\n' "$*"; }
fail() {
    printf 'faiss: %s\n' "$@" >&2
    exit 1
}

# ---- fetching ------------------------------------------------------------------------

# Writes the machine's own apt sources, turned into source-package ones, to folder $1.
write_source_lists() {
    local f
    mkdir -p "$1"
    for f in /etc/apt/sources.list /etc/apt/sources.list.d/*.list; do
        [ -f "$f" ] || continue
        sed -n 's/^[[:space:]]*deb\(-src\)\{0,1\}[[:space:]]/deb-src /p' "$f"
    done | sort -u >"$1/duet.list"
    for f in /etc/apt/sources.list.d/*.sources; do
        [ -f "$f" ] || continue
        sed 's/^Types:.*/Types: deb-src/I' "$f" >"$1/$(basename "$f")"
    done
}

# apt-get or apt-cache ($1) with a state of its own under $work: nothing of the system's
# is read but keys and proxies, nothing is written, and no root is needed.
private_apt() {
    local tool=$1
    shift
    "$tool" -o Dir::State="$work/apt" -o Dir::State::status=/var/lib/dpkg/status \
        -o Dir::Cache="$work/apt/cache" -o Dir::Etc::SourceList="$work/apt/none" \
        -o Dir::Etc::SourceParts="$work/apt/sources" -o APT::Sandbox::User="$(id -un)" "$@"
}

# Leaves the source tree in $source.
fetch_source() {
    if [ -n "${FAISS_SOURCE:-}" ]; then
        [ -f "$FAISS_SOURCE/c_api/Index_c.h" ] ||
            fail "FAISS_SOURCE=$FAISS_SOURCE holds no FAISS source tree (no c_api/Index_c.h)"
        cp -a "$FAISS_SOURCE" "$work/source"
        source=$work/source
        return
    fi
    say "fetching Debian's source package of FAISS $VERSION"
    mkdir -p "$work/apt/lists/partial" "$work/apt/cache/archives/partial"
    : >"$work/apt/none"
    write_source_lists "$work/apt/sources"
    # A third party's list may serve no sources; what counts is that FAISS is found.
    private_apt apt-get update -qq >>"$log" 2>&1 || true
    local found
    found=$(private_apt apt-cache showsrc --only-source faiss 2>>"$log" |
        sed -n "s/^Version: \\($VERSION-.*\\)/\\1/p" | sort -V | tail -n 1) || true
    [ -n "$found" ] || explain "fetching: the apt sources of this machine serve no source package faiss $VERSION" \
        "check the network; or unpack FAISS $VERSION anywhere and set FAISS_SOURCE to that folder"
    (cd "$work" && private_apt apt-get source -qq "faiss=$found") >>"$log" 2>&1 ||
        explain "unpacking the source package" "check the network and the free space in $cache"
    source=$work/faiss-$VERSION
}

# ---- building ------------------------------------------------------------------------

# As many compilers as cores, but each wants about a gigabyte.
n_jobs() {
    local cores memory
    cores=$(nproc)
    memory=$(awk '/^MemAvailable/ { print int($2 / 1200000) }' /proc/meminfo)
    [ "$memory" -lt "$cores" ] && cores=$memory
    [ "$cores" -lt 1 ] && cores=1
    echo "$cores"
}

# Passes one line in ten of CMake's "[ 42%] Building ..." on.
show_progress() {
    awk '{ print >>log_file; fflush(log_file) }
         match($0, /^\[ *[0-9]+%\]/) {
             p = int(substr($0, 2, 4) / 10)
             if (p > shown) { shown = p; printf "faiss: compiling, %d %%\n", p * 10; fflush() }
         }' log_file="$log"
}

build_library() {
    [ "$flavour" = system ] && return
    say "compiling FAISS $VERSION ($flavour); one to three minutes on two cores, once"
    cmake -S "$source" -B "$work/build" -DCMAKE_BUILD_TYPE=None \
        -DCMAKE_CXX_FLAGS="$CXXFLAGS_COMMON -ffile-prefix-map=$source=faiss" \
        -DBUILD_SHARED_LIBS=OFF -DFAISS_OPT_LEVEL="$flavour" -DFAISS_ENABLE_GPU=OFF \
        -DFAISS_ENABLE_PYTHON=OFF -DFAISS_ENABLE_C_API=OFF -DBUILD_TESTING=OFF \
        -DBLA_VENDOR=OpenBLAS >>"$log" 2>&1 ||
        explain "configuring with cmake" "run  make deps  to install what is missing"
    cmake --build "$work/build" --target "$target" --parallel "$(n_jobs)" 2>&1 | show_progress ||
        explain "compiling" "free some memory or disk and run it again, or run  make FAISS=system ...: that links Debian's slower build"
    mkdir -p "$work/out/lib" "$work/out/include/faiss"
    cp "$work/build/faiss/lib$target.a" "$work/out/lib/"
    (cd "$source/faiss" && find . -name '*.h' ! -path './gpu/*' ! -path './python/*' \
        -exec cp --parents {} "$work/out/include/faiss/" \;)
}

build_c_api() {
    say "compiling its C API"
    mkdir -p "$work/c_api" "$work/out/lib" "$work/out/include/faiss/c_api"
    local -a flags sources
    read -r -a flags <<<"$CXXFLAGS_COMMON -std=c++11 -ffile-prefix-map=$source=faiss"
    mapfile -t sources < <(find "$source/c_api" -name '*.cpp' ! -path '*/gpu/*')
    (cd "$work/c_api" && c++ "${flags[@]}" -I"$work/out/include" -I"$source/c_api" \
        -c "${sources[@]}") >>"$log" 2>&1 ||
        explain "compiling the C API" "free some memory or disk and run it again"
    ar rcs "$work/out/lib/libfaiss_c.a" "$work"/c_api/*.o
    (cd "$source/c_api" && find . -name '*.h' ! -path './gpu/*' \
        -exec cp --parents {} "$work/out/include/faiss/c_api/" \;)
    cp "$source/LICENSE" "$work/out/"
}

# Ends the script: step $1 failed, and $2 is how to mend it.
explain() {
    tail -n 15 "$log" >&2
    cp "$log" "$cache/faiss-failed.log" 2>/dev/null || true
    fail "failed while $1." "What to do: $2." \
        "The whole log is in $cache/faiss-failed.log."
}

build() {
    mkdir -p "$cache" 2>/dev/null || fail "cannot create the cache $cache; set DUET_CACHE to a folder that can be written"
    work=$(mktemp -d "$cache/building.XXXXXX") || fail "cannot write to the cache $cache"
    trap 'rm -rf "$work"' EXIT
    log=$work/log
    source=
    : >"$log"
    fetch_source
    build_library
    build_c_api
    # Another checkout may have been faster: then its result is as good as ours.
    mv -T "$work/out" "$dir" 2>/dev/null || [ -d "$dir" ] || fail "cannot move the result to $dir"
    say "ready in $dir"
}

# ---- answers for the Makefile --------------------------------------------------------

state() {
    if [ ! -d "$dir" ]; then
        echo "$VERSION $flavour, not built yet (make deps): $dir"
    else
        echo "$VERSION $flavour, built $(date -u -r "$dir" +%Y-%m-%dT%H:%MZ): $dir"
    fi
}

case "${1:-}" in
'') [ -d "$dir" ] || build ;;
--dir) echo "$dir" ;;
--libs)
    library=$dir/lib/lib$target.a
    [ "$flavour" = system ] && library=-lfaiss
    echo "$dir/lib/libfaiss_c.a $library -lopenblas -lgomp -lstdc++ -lm"
    ;;
--state) state ;;
*)
    sed -n '2,10p' "${BASH_SOURCE[0]}" | cut -c3- >&2
    exit 2
    ;;
esac
