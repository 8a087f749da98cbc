#!/usr/bin/env bash
# Prints what this machine builds and runs Duet with: one line a fact, for a bug report.
# Always ends well; what is missing is said in its line.
set -uo pipefail
export LC_ALL=C
tools=$(dirname "$0")

line() { printf '%-13s %s\n' "$1" "${2:-missing}"; }

first_line_of() { command -v "$1" >/dev/null && "$@" 2>/dev/null | head -n 1; }

system() {
    line system "$(sed -n 's/^PRETTY_NAME="\(.*\)"/\1/p' /etc/os-release), kernel $(uname -r), $(uname -m)"
    line cpu "$(sed -n 's/^model name[[:space:]]*: //p' /proc/cpuinfo | head -n 1), $(nproc) cores"
    line memory "$(awk '/^MemTotal/ { t = $2 } /^MemAvailable/ { a = $2 }
        END { printf "%.1f GiB, %.1f GiB free", t / 1048576, a / 1048576 }' /proc/meminfo)"
    local flag found='' flags
    flags=" $(sed -n 's/^flags[[:space:]]*: //p' /proc/cpuinfo | head -n 1) "
    for flag in sse4_2 avx avx2 fma f16c avx512f avx512bw avx512vl avx512_vnni avx_vnni avx512_bf16 amx_int8; do
        [[ $flags == *" $flag "* ]] && found+="$flag "
    done
    [[ $flags == *" avx2 "* ]] || found+="(no AVX2: build with FAISS=generic; expect a slow program)"
    line "cpu features" "$found"
}

compilers() {
    line cc "$(first_line_of "${CC:-cc}" --version)"
    line c++ "$(first_line_of "${CXX:-c++}" --version)"
    line make "$(first_line_of make --version)"
    line cmake "$(first_line_of cmake --version)"
}

libraries() {
    local name version
    for name in lmdb libevent libcrypto libcurl json-c libjpeg libpng libwebp libheif libavif libexif \
        libutf8proc oniguruma libxxhash openblas cmocka; do
        version=$(pkg-config --modversion "$name" 2>/dev/null) || version=
        line "$name" "${version:-missing (make deps installs it)}"
    done
    line libcsv "$(dpkg-query -W -f='${Version}' libcsv-dev 2>/dev/null)"
    line stb "$(dpkg-query -W -f='${Version}' libstb-dev 2>/dev/null)"
}

# Which OpenBLAS the loader takes; only the OpenMP flavour keeps to the one thread budget.
blas() {
    local file note=''
    file=$(readlink -f "/usr/lib/$(uname -m)-linux-gnu/libopenblas.so.0" 2>/dev/null) || file=
    case "$file" in
    *openmp*) ;;
    '') ;;
    *) note="  (not the OpenMP flavour: see update-alternatives --config libopenblas.so.0-$(uname -m)-linux-gnu)" ;;
    esac
    line blas "${file:+$file$note}"
}

system
compilers
libraries
blas
line faiss "$("$tools/faiss.sh" --state)"
