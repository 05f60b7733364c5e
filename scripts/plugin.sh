#!/usr/bin/env bash
# Puts the plugin together: the files that package.json names, and the program in bin/.
# usage: scripts/plugin.sh PROGRAM FOLDER
set -euo pipefail
cd "$(dirname "$0")/.."
program=$1 folder=$2
rm -rf "$folder"
mkdir -p "$folder/bin"
# Names of files and folders, one a line.
files=$(sed -n '/"files": \[/,/\]/s/^ *"\(.*\)",\{0,1\}$/\1/p' package.json)
for file in package.json LICENSE $files; do
    [ -e "$file" ] || continue
    mkdir -p "$folder/$(dirname "$file")"
    cp -R "$file" "$folder/$(dirname "$file")/"
done
install -m 755 "$program" "$folder/bin/agent-identity"
