#!/bin/sh
# Builds release programs that start on systems with glibc 2.28 or later (Kylin V10, UOS 20, Debian 10), and checks that they do.
# It needs python3 with venv, cargo, and readelf (binutils); the tools for the build go into a folder of target/.
set -eu
cd "$(dirname "$0")/.."

glibc=2.28
target="${1:-x86_64-unknown-linux-gnu}"
tools=target/release-tools

if [ ! -x "$tools/bin/python3" ]; then
    python3 -m venv "$tools"
    "$tools/bin/pip" install --quiet ziglang==0.17.1 cargo-zigbuild==0.24.1
fi
PATH="$PWD/$tools/bin:$PATH"
export PATH

cargo zigbuild --release --locked --target "$target.$glibc" --package rollcall
# The bridge runs on small boxes and waits most of the time: built for size it takes 8 MB at rest, built for speed 10.5.
CARGO_PROFILE_RELEASE_OPT_LEVEL=s CARGO_PROFILE_RELEASE_LTO=fat CARGO_PROFILE_RELEASE_CODEGEN_UNITS=1 \
    cargo zigbuild --release --locked --target "$target.$glibc" --package rollcall-bridge

for program in rollcall rollcall-bridge; do
    file="target/$target/release/$program"
    [ -x "$file" ] || continue
    highest=$(readelf --version-info --wide "$file" | grep -o 'GLIBC_2\.[0-9]*' | sort --unique --version-sort | tail -n 1)
    newest=$(printf 'GLIBC_%s\n%s\n' "$glibc" "$highest" | sort --version-sort | tail -n 1)
    if [ "$newest" != "GLIBC_$glibc" ]; then
        echo "$file asks for $highest; it would not start where glibc is $glibc" >&2
        exit 1
    fi
    echo "$file: highest symbol $highest, $(stat --format %s "$file") bytes"
done
