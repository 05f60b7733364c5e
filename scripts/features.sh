#!/usr/bin/env bash
# Lists the rows of docs/features.md without a test, and how many there are of each group.
set -euo pipefail
cd "$(dirname "$0")/.."
awk -F ' \\| ' '/^\| [A-Z]+-[0-9A-Z]+ \|/ {
    id = $1; sub(/^\| /, "", id); group = id; sub(/-.*/, "", group); rows[group]++
    test = $NF; sub(/ \|$/, "", test)
    if (test == "—") { open[group]++; print id }
}
END {
    for (group in rows) { all += rows[group]; missing += open[group]; printf "%-8s %3d of %3d rows shown by a test\n", group, rows[group] - open[group], rows[group] | "sort >&2" }
    close("sort >&2"); printf "total    %3d of %3d\n", all - missing, all > "/dev/stderr"
}' docs/features.md
