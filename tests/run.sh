#!/usr/bin/env bash
# Checks everything there is to check: format, lints, the pure crates alone, unit, conformance and contract tests on both
# databases, the scripts of the pages, and the stories over ptys, sockets and a real browser. Installs what is missing on
# Debian. Pictures and logs are left in artefacts/. Nothing is skipped: what cannot run is a failure that says why.
set -uo pipefail
cd "$(dirname "$0")/.."

export CARGO_TERM_COLOR=never ROLLCALL_ARTEFACTS="$PWD/artefacts"
target="${CARGO_TARGET_DIR:-$PWD/target}"
export ROLLCALL_BIN="$target/debug/rollcall" ROLLCALL_BRIDGE_BIN="$target/debug/rollcall-bridge"
rm -rf artefacts && mkdir -p artefacts

steps=0
failed=()

# step NAME COMMAND…: runs it, says how long it took, remembers whether it failed.
step() {
    local name="$1" began=$SECONDS
    shift
    steps=$((steps + 1))
    echo "── $name"
    if "$@"; then
        echo "── $name: fine, $((SECONDS - began)) s"
    else
        failed+=("$name")
        echo "── $name: FAILED, $((SECONDS - began)) s"
        return 1
    fi
}

have() { command -v "$1" >/dev/null 2>&1; }

have_postgres() { [ -n "${ROLLCALL_PG_BIN:-}" ] || ls /usr/lib/postgresql/*/bin/initdb >/dev/null 2>&1 || have initdb; }

# Clients of ZKTeco terminals are written in Python and Node, an OSDP reader in Python; their tests install them into the build directory.
have_venv() { have python3 && python3 -c 'import ensurepip, venv' >/dev/null 2>&1; }

have_chinese_font() { have fc-list && [ -n "$(fc-list :lang=zh-cn family)" ]; }

# The Debian packages of what is missing.
missing_packages() {
    have cc || echo gcc
    have make || echo make
    have node || echo nodejs
    have npm || echo npm
    have_venv || echo python3-venv
    have chromium || have chromium-browser || have google-chrome || echo chromium
    have chromedriver || echo chromium-driver
    have fc-list || echo fontconfig
    have_chinese_font || echo fonts-noto-cjk
    have_postgres || echo postgresql
    have runuser || echo util-linux
    have socat || echo socat
    have mosquitto || [ -x /usr/sbin/mosquitto ] || echo mosquitto
    have mosquitto_pub || echo mosquitto-clients
    have openssl || echo openssl
    have curl || echo curl
}

install_what_is_missing() {
    local packages as_root=()
    for tool in "cargo" "cargo fmt" "cargo clippy"; do
        if ! $tool --version >/dev/null 2>&1; then
            echo "$tool is missing: install Rust with rustup, then run: rustup component add rustfmt clippy"
            return 1
        fi
    done
    mapfile -t packages < <(missing_packages)
    [ ${#packages[@]} -eq 0 ] && return 0
    echo "missing: ${packages[*]} (these are the names of Debian packages)"
    if ! have apt-get; then
        echo "This is no Debian machine. Install Chromium with its chromedriver, a Chinese font, Node.js 18 or later with npm, Python 3 with venv, socat, mosquitto with its clients, OpenSSL,"
        echo "a C compiler and the programs of a PostgreSQL server 13 or later (or set ROLLCALL_PG_BIN), then run this again."
        return 1
    fi
    if [ "$(id -u)" -ne 0 ]; then
        have sudo || { echo "Run as root, or install sudo, or run: apt-get install ${packages[*]}"; return 1; }
        as_root=(sudo)
    fi
    "${as_root[@]}" apt-get -o DPkg::Lock::Timeout=300 update -q &&
        "${as_root[@]}" env DEBIAN_FRONTEND=noninteractive apt-get -o DPkg::Lock::Timeout=300 install -y -q "${packages[@]}" || return 1
    mapfile -t packages < <(missing_packages)
    [ ${#packages[@]} -eq 0 ] || { echo "still missing after installation: ${packages[*]}"; return 1; }
}

# Every script of the pages is valid for the browsers it is meant for as far as a parser can tell.
check_scripts() {
    local script bad=0
    while IFS= read -r script; do
        node --input-type=module --check <"$script" || { echo "$script"; bad=1; }
    done < <(find crates -name '*.js' -o -name '*.mjs' | sort)
    return "$bad"
}

# The pages' own tests, run by Node's test runner.
test_scripts() {
    local tests
    mapfile -t tests < <(find crates tests -name '*.test.mjs' -not -path '*/target/*' | sort)
    [ ${#tests[@]} -gt 0 ] || { echo "no *.test.mjs found"; return 1; }
    node --test "${tests[@]}" 2>&1 | tee artefacts/scripts.txt
    return "${PIPESTATUS[0]}"
}

# cargo_test FILE ARGUMENTS…: keeps what is printed, so that the counts at the end are of what ran.
cargo_test() {
    local log="artefacts/$1"
    shift
    cargo test --workspace --no-fail-fast "$@" 2>&1 | tee "$log"
    return "${PIPESTATUS[0]}"
}

# count WORD: the sum of "N WORD" over the result lines of all cargo tests.
count() {
    cat artefacts/tests.txt artefacts/stories.txt 2>/dev/null |
        awk -v word="$1" '/^test result:/ { for (i = 2; i <= NF; i++) if ($i ~ "^" word) sum += $(i - 1) } END { print sum + 0 }'
}

finish() {
    local ignored
    ignored="$(count ignored)"
    [ "$ignored" -eq 0 ] || failed+=("$ignored ignored tests")
    if [ ${#failed[@]} -eq 0 ]; then
        echo "all well: $steps steps, $(count passed) tests passed, 0 failed, 0 ignored, $((SECONDS / 60)) min $((SECONDS % 60)) s"
    else
        printf 'failed: %s\n' "${failed[@]}"
        echo "NOT well: ${#failed[@]} of $steps steps failed; $(count passed) tests passed, $(count failed) failed, $ignored ignored"
        exit 1
    fi
}

step "what the tests need" install_what_is_missing || finish
step "format" cargo fmt --all --check
step "lints" cargo clippy --workspace --all-targets --locked -- --deny warnings
# Alone, because a build of the workspace unifies features: a clock or std could come in through another crate.
step "the rules alone" cargo check --package rollcall-rules --locked
step "the codecs alone" cargo check --package rollcall-wire --locked
step "scripts parse" check_scripts
step "scripts do what they should" test_scripts
# One build, in one profile, of everything that is run below; benches are compiled and never timed here.
step "build, benches included" cargo build --workspace --all-targets --locked || finish
step "unit, conformance, contract and architecture tests" cargo_test tests.txt -- --skip stories::
# One at a time: they promise times, and each has a daemon and perhaps a browser.
step "stories" cargo_test stories.txt --test stories -- --test-threads=1 --nocapture
finish
