#!/usr/bin/env bash
# Measures the release build on this machine; see docs/benchmarks.md. Arguments name what to run, default everything.
set -euo pipefail
cd "$(dirname "$0")/.."

target="${CARGO_TARGET_DIR:-$PWD/target}"
export ROLLCALL_BIN="$target/release/rollcall" ROLLCALL_BRIDGE_BIN="$target/release/rollcall-bridge"
chosen=("$@")
[ ${#chosen[@]} -gt 0 ] || chosen=(evaluate commit intake screens rest)

cargo build --release --locked --package rollcall --bins
for name in "${chosen[@]}"; do
    echo "── $name"
    case "$name" in
        evaluate)
            python="${ROLLCALL_BENCH_PYTHON:-$target/bench-duckdb/bin/python}"
            "$python" -c 'import duckdb' 2>/dev/null || {
                echo "DuckDB is missing: python3 -m venv '$target/bench-duckdb' && '$target/bench-duckdb/bin/pip' install duckdb"
                exit 1
            }
            ROLLCALL_BENCH_PYTHON="$python" cargo bench --locked --quiet --package rollcall-rules --bench evaluate
            ;;
        commit) cargo bench --locked --quiet --package rollcall-store ;;
        intake)
            command -v redis-server >/dev/null || { echo "redis-server is missing: apt-get install redis-server"; exit 1; }
            cargo bench --locked --quiet --package acceptance --bench intake
            ;;
        screens | rest) cargo bench --locked --quiet --package acceptance --bench "$name" ;;
        *) echo "unknown: $name; choose from evaluate commit intake screens rest"; exit 2 ;;
    esac
done
