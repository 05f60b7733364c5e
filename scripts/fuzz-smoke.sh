#!/usr/bin/env bash
# Runs every fuzz target for so many seconds, on nightly. New finds go to fuzz/corpus/, crashes to fuzz/artifacts/.
set -euo pipefail
cd "$(dirname "$0")/.."
seconds=${1:-10}
cargo +nightly fuzz --version >/dev/null 2>&1 || { echo "install it first: cargo install cargo-fuzz" >&2; exit 1; }
for target in $(sed -n 's/^name = "\(.*\)"$/\1/p' fuzz/Cargo.toml | tail -n +2); do
    echo "== $target"
    # Finds of a smoke run stay out of the committed corpus.
    work=$(mktemp -d)
    cargo +nightly fuzz run "$target" "$work" "fuzz/corpus/$target" -- -max_total_time="$seconds" -max_len=65536 -timeout=10
    rm -rf "$work"
done
