#!/usr/bin/env bash
# sysroot.sh FOLDER: a Rust toolchain for x86_64-unknown-linux-musl out of Debian's packages, for machines where rustup
# cannot fetch the target. Nothing is installed: the packages are unpacked below FOLDER (0.5 GB), and std is built there
# for musl from the source package, which holds its dependencies.
#
# AGENT_IDENTITY_MUSL_DEBS=FOLDER takes packages from there and downloads nothing.
# Needs: apt-get or that folder; dpkg-deb, gcc, binutils, tar, xz, cargo 1.85 or newer. FOLDER/complete appears
# last, with the name of this recipe; another recipe begins anew.
set -euo pipefail
target=x86_64-unknown-linux-musl
here=$(cd "$(dirname "$0")" && pwd)
mkdir -p "$1"
folder=$(cd "$1" && pwd)

say() { echo "musl: $*" >&2; }
die() { say "$*"; exit 1; }

[ "$(uname -m)" = x86_64 ] || die "only x86_64 machines can build it this way"
exec 9>"$folder/lock"
flock 9 # tests of several packages may want it at once
recipe=$(cat "$here/sysroot.sh" "$here"/{memory,start,unwind}.c | sha256sum | cut -c 1-16)
[ "$(cat "$folder/complete" 2>/dev/null)" != "$recipe" ] || exit 0
for program in ar cargo dpkg-deb gcc tar xz; do command -v "$program" >/dev/null || die "$program is not installed"; done

work="$folder/work" root="$folder/root"
rm -rf "$work" "$root" "$folder/complete"
mkdir -p "$work" "$root"

# 1. The packages: compiler and std of one version, its source, the LLVM that it was linked with, musl.
if [ -n "${AGENT_IDENTITY_MUSL_DEBS:-}" ]; then
    debs=$(cd "$AGENT_IDENTITY_MUSL_DEBS" && pwd)
else
    command -v apt-get >/dev/null || die "apt-get is not installed"
    debs="$work/debs"
    mkdir -p "$debs"
    version=$(apt-cache policy rustc-web | sed -n 's/^ *Candidate: *//p')
    case "$version" in '' | '(none)') die "apt knows no package rustc-web: run apt-get update, or enable bookworm-security" ;; esac
    dependency() { apt-cache show "$1=$version" | sed -n 's/^Depends: //p' | head -n 1 | tr ',|' '\n\n' | sed 's/^ *//; s/ .*//' | grep -E "$2" | head -n 1; }
    std=$(dependency libstd-rust-web-dev '^libstd-rust-web-[0-9]')
    llvm=$(dependency "$std" '^libllvm[0-9]')
    say "downloading rustc-web $version, its std and source, $llvm and musl-dev (131 MB)"
    (cd "$debs" && apt-get download -qq "rustc-web=$version" "libstd-rust-web-dev=$version" "$std=$version" \
        "rust-web-src=$version" "$llvm" musl-dev) >"$work/apt.log" 2>&1 || { cat "$work/apt.log" >&2; die "the download failed"; }
fi
for deb in "$debs"/*.deb; do
    case "$deb" in
        */rust-web-src*) dpkg-deb --fsys-tarfile "$deb" | tar -x -C "$work" --wildcards --no-anchored './usr/src/rustc-*/library' ;;
        *) dpkg-deb -x "$deb" "$root" ;;
    esac
done
rm -rf "$root/usr/share"
library=$(echo "$work"/usr/src/rustc-*/library)
[ -d "$library" ] || die "no source of std in $debs"
version=${library%/library} version=${version##*rustc-}

# 2. The compiler with its own libraries, and gcc with musl's headers for the C in ring.
cat >"$root/usr/bin/rustc-musl" <<'SH'
#!/bin/sh
usr=$(cd "$(dirname "$(readlink -f "$0")")/.." && pwd)
LD_LIBRARY_PATH=$usr/lib/x86_64-linux-gnu${LD_LIBRARY_PATH:+:$LD_LIBRARY_PATH} exec "$usr/bin/rustc" "$@"
SH
cat >"$root/usr/bin/musl-cc" <<'SH'
#!/bin/sh
usr=$(cd "$(dirname "$(readlink -f "$0")")/.." && pwd)
exec gcc -nostdinc -isystem "$usr/include/x86_64-linux-musl" -isystem "$(gcc -print-file-name=include)" "$@"
SH
chmod +x "$root/usr/bin/rustc-musl" "$root/usr/bin/musl-cc"
"$root/usr/bin/rustc-musl" --version >/dev/null ||
    die "the unpacked compiler does not start: install libedit2 libxml2 libz3-4 libzstd1 libffi8"

# 3. What rustup ships in the target's self-contained folder: musl, and gcc's start files and unwinder.
libraries="$root/usr/lib/rustlib/$target/lib"
contained="$libraries/self-contained"
mkdir -p "$contained"
for file in crt1.o Scrt1.o crti.o crtn.o libc.a; do cp "$root/usr/lib/x86_64-linux-musl/$file" "$contained/"; done
for file in crtbegin.o crtbeginS.o crtend.o crtendS.o; do cp "$(gcc -print-file-name=$file)" "$contained/"; done
cp "$(gcc -print-file-name=libgcc_eh.a)" "$contained/libunwind.a"
"$root/usr/bin/musl-cc" -O2 -fPIC -c "$here/unwind.c" -o "$work/unwind.o"
"$root/usr/bin/musl-cc" -O2 -fPIC -ffreestanding -fno-stack-protector -fno-jump-tables -c "$here/start.c" -o "$contained/rcrt1.o"
ar rDs "$contained/libunwind.a" "$work/unwind.o"
"$root/usr/bin/musl-cc" -O2 -fPIC -fno-builtin -fno-tree-loop-distribute-patterns -c "$here/memory.c" -o "$work/memory.o"
ar dD "$contained/libc.a" memcpy.lo memcmp.lo bcmp.lo
ar rDs "$contained/libc.a" "$work/memory.o"

# 4. std, offline. A crate of its own, because std's workspace wants dependencies of its tests that are not packed.
say "building std $version for $target"
mkdir -p "$work/std/src"
mv "$library" "$work/std/library"
printf '#![feature(no_core)]\n#![no_core]\n' >"$work/std/src/lib.rs"
cat >"$work/std/Cargo.toml" <<'TOML'
cargo-features = ["profile-rustflags"]
[package]
name = "std-for-musl"
version = "0.0.0"
edition = "2021"
[workspace]
exclude = ["library"]
[dependencies]
# No backtrace: a stripped program has no names to show in one. Small sorts: nothing here sorts for a living.
std = { path = "library/std", default-features = false, features = ["panic-unwind", "optimize_for_size"] }
proc_macro = { path = "library/proc_macro" }
test = { path = "library/test" }
[profile.release]
opt-level = "z"
codegen-units = 1
debug = false
[profile.release.package.compiler_builtins]
codegen-units = 10000
[profile.release.package.panic_abort]
rustflags = ["-Cpanic=abort"]
[patch.crates-io]
rustc-std-workspace-core = { path = "library/rustc-std-workspace-core" }
rustc-std-workspace-alloc = { path = "library/rustc-std-workspace-alloc" }
rustc-std-workspace-std = { path = "library/rustc-std-workspace-std" }
TOML
(
    cd "$work/std"
    for name in $(compgen -e); do
        case $name in CARGO_HOME) ;; CARGO_* | RUSTUP_TOOLCHAIN | RUSTC_WRAPPER | RUSTC_WORKSPACE_WRAPPER) unset "$name" ;; esac
    done
    export RUSTC="$root/usr/bin/rustc-musl" RUSTC_BOOTSTRAP=1 __CARGO_DEFAULT_LIB_METADATA=std-for-musl
    export RUSTFLAGS="-Zforce-unstable-if-unmarked -Cembed-bitcode=yes -Cforce-frame-pointers=yes --remap-path-prefix=$work/std/library=/rustc/$version/library"
    cargo build --quiet --release --offline --target "$target" --target-dir "$work/target" -p std -p proc_macro -p test \
        --config 'source.crates-io.replace-with="vendored"' --config "source.vendored.directory='$work/std/library/vendor'"
)
cp "$work/target/$target/release/deps/"*.rlib "$libraries/"
[ "$(find "$libraries" -name 'libstd-*.rlib' | wc -l)" = 1 ] || die "there should be one std"

# 5. What would only show in the worst moment: panics are caught, on threads too, statics are relocated, and memory is copied and
#    compared rightly at every length.
cat >"$work/check.rs" <<'RS'
static WORDS: [&str; 3] = ["packed", "relative", "relocations"];
fn main() {
    let caught = std::panic::catch_unwind(|| panic!("expected")).is_err();
    let joined = std::thread::spawn(|| -> () { panic!("expected") }).join().is_err();
    assert!(caught && joined);
    let bytes: Vec<u8> = (0..2000_u32).map(|n| (n * 7919 >> 5) as u8).collect();
    for length in (0..700).map(std::hint::black_box) {
        let (mut copy, mut moved) = (vec![0; length], bytes.clone());
        copy.copy_from_slice(&bytes[3..][..length]);
        moved.copy_within(5..5 + length, 1);
        assert!(copy.iter().eq(&bytes[3..][..length]) && moved[1..].iter().take(length).eq(&bytes[5..][..length]));
        assert!(moved[1 + length..] == bytes[1 + length..]);
        for at in (0..length).step_by(1 + length / 20) {
            let (mut other, old) = (copy.clone(), copy[at]);
            other[at] = old.wrapping_add(1);
            assert!(copy != other && copy[..at] == other[..at] && copy.cmp(&other) == old.cmp(&other[at]));
        }
    }
    println!("{}", WORDS.join(" "));
}
RS
"$root/usr/bin/rustc-musl" --target "$target" -O -Clink-arg=-Wl,-z,pack-relative-relocs -Clink-arg=-Wl,--no-eh-frame-hdr,-T,"$here/order.ld" \
    "$work/check.rs" -o "$work/check"
[ "$(RUST_BACKTRACE=1 "$work/check" 2>/dev/null)" = "packed relative relocations" ] || die "a program that panics and catches it does not work"

(cd "$debs" && sha256sum -- *.deb) >"$folder/packages"
rm -rf "$work"
echo "$recipe" >"$folder/complete"
