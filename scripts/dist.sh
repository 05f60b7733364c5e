#!/usr/bin/env bash
# `make dist`: target/dist/agent-identity-VERSION-x86_64-linux.tar.gz and its checksum. The unpacked folder is the plugin
# (OpenClaw loads it as it is, and finds the program in bin/), the program for everything else, beside it the one that keeps
# its state in an engine as well (bin/agent-identity-shared), a Containerfile and units for systemd. The same sources give
# the same bytes.
set -euo pipefail
cd "$(dirname "$0")/.."
binary=$(bash scripts/musl/build.sh)
version=$(sed -n 's/^version = "\(.*\)"$/\1/p' Cargo.toml | head -n 1)
name=agent-identity-$version-x86_64-linux
dist=${DIST:-target/dist}
mkdir -p "$dist"
bash scripts/plugin.sh "$binary" "$dist/$name"
# The second build takes the first one's place.
shared=$(bash scripts/musl/build.sh --features redis)
install -m 755 "$shared" "$dist/$name/bin/agent-identity-shared"
cp -R packaging docs CHANGELOG.md "$dist/$name/"
chmod -R u=rwX,go=rX "$dist/$name"
epoch=${SOURCE_DATE_EPOCH:-$(git log -1 --format=%ct 2>/dev/null || echo 0)}
(
    cd "$dist/$name"
    find . -type f ! -name SHA256SUMS | LC_ALL=C sort | sed 's|^\./||' | xargs sha256sum >SHA256SUMS
    cd ..
    tar --sort=name --owner=0 --group=0 --numeric-owner --mtime="@$epoch" -cf - "$name" | gzip -9n >"$name.tar.gz"
    sha256sum "$name.tar.gz" >"$name.tar.gz.sha256"
)
echo "$dist/$name.tar.gz"
