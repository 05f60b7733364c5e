#!/usr/bin/env bash
# build.sh [cargo build arguments]: the static binary for x86_64-unknown-linux-musl; prints its path.
#
# Where the toolchain has the target (`rustup target add x86_64-unknown-linux-musl`), that is all it needs. Where it has
# not, scripts/musl/sysroot.sh makes one out of Debian's packages, once for a machine, in AGENT_IDENTITY_MUSL_CACHE
# (else ~/.cache/agent-identity-musl). AGENT_IDENTITY_MUSL_ROUTE=rustup or =debian insists on one of the two.
set -euo pipefail
cd "$(dirname "$0")/../.."
target=x86_64-unknown-linux-musl
say() { echo "musl: $*" >&2; }
die() { say "$*"; exit 1; }

flags=
route=${AGENT_IDENTITY_MUSL_ROUTE:-}
if [ -z "$route" ]; then
    if compgen -G "$(rustc --print target-libdir --target $target)/libstd-*.rlib" >/dev/null; then route=rustup; else route=debian; fi
fi
case $route in
    rustup)
        # ring's build asks for a C compiler by this name; musl's own wrapper where there is one.
        if [ -z "${CC_x86_64_unknown_linux_musl:-}" ] && ! command -v x86_64-linux-musl-gcc >/dev/null; then
            export CC_x86_64_unknown_linux_musl=gcc
            if command -v musl-gcc >/dev/null; then CC_x86_64_unknown_linux_musl=musl-gcc; fi
        fi
        ;;
    debian)
        cache=${AGENT_IDENTITY_MUSL_CACHE:-${XDG_CACHE_HOME:-$HOME/.cache}/agent-identity-musl}
        bash scripts/musl/sysroot.sh "$cache"
        route=debian-$(cat "$cache/complete")
        export RUSTC="$cache/root/usr/bin/rustc-musl" CC_x86_64_unknown_linux_musl="$cache/root/usr/bin/musl-cc"
        unset RUSTUP_TOOLCHAIN
        # 170 KB less; the sysroot's first code (start.c) knows what to do with them.
        flags=", '-Clink-arg=-Wl,-z,pack-relative-relocs'"
        # 1.5 MiB less memory after the start. cargo does not notice that the order has changed: `touch src/lib.rs`.
        # And 70 KB less without an index of the tables for unwinding (unwind.c).
        flags+=", '-Csymbol-mangling-version=v0', '-Clink-arg=-Wl,-T,scripts/musl/order.ld,--no-eh-frame-hdr'"
        ;;
    *) die "AGENT_IDENTITY_MUSL_ROUTE is rustup or debian, not $route" ;;
esac

# A folder of its own for each route and recipe, because cargo does not notice that std is another one. Paths of this machine are
# taken out, so that two machines build the same bytes. With frame pointers the tables for unwinding are smaller by more
# than the code grows.
folder=${CARGO_TARGET_DIR:-target}/musl-$route
paths="'--remap-path-prefix=$PWD=.'"
for registry in "${CARGO_HOME:-$HOME/.cargo}"/registry/src/*; do paths+=", '--remap-path-prefix=$registry/='"; done
[ -z "${RUSTFLAGS:-}" ] || say "RUSTFLAGS is set and replaces the flags that make builds reproducible"
cargo build --quiet --release --bin agent-identity --target $target --target-dir "$folder" \
    --config "target.$target.rustflags=['-Cforce-frame-pointers=yes', $paths$flags]" "$@"
binary=$folder/$target/release/agent-identity
if readelf -lW "$binary" | grep -q INTERP || readelf -dW "$binary" | grep -q NEEDED; then die "$binary is not static"; fi
echo "$binary"
