#!/usr/bin/env bash
# `make bench`: the same loader against our server (a real login, a cached workload token, peer checks on) and a Node
# server beside it, interleaved; medians of ROUNDS rounds and their ratios.
set -euo pipefail
cd "$(dirname "$0")/.."
rounds=${ROUNDS:-5} seconds=${SECONDS_EACH:-2} clients=${CLIENTS:-4}
cargo build --quiet --release --all-features --example load
load=target/release/examples/load
work=$(mktemp -d)
pids=()
stop() { for pid in "${pids[@]}"; do kill -TERM "$pid" 2>/dev/null || true; done; wait 2>/dev/null || true; rm -rf "$work"; }
trap stop EXIT

DEMO=1 ALLOW=load bash scripts/run.sh target/release >"$work/run" 2>&1 </dev/null &
pids+=($!)
until grep -q '^ends:' "$work/run"; do
    kill -0 "${pids[0]}" 2>/dev/null || { cat "$work/run" >&2; exit 1; }
    sleep 0.1
done
socket=$(sed -n 's/^socket: //p' "$work/run")
server=$(cat "${socket%/state/*}/server.pid")
bytes=$(curl -sS --unix-socket "$socket" http://localhost/token | wc -c)

if command -v node >/dev/null; then
    node bench/node-server.mjs "$work/node.sock" "$bytes" >"$work/node" &
    pids+=($!)
    node=$!
    until grep -q ready "$work/node"; do sleep 0.05; done
else
    echo "skipped: node is not installed, so there is nothing to compare with" >&2
fi

for round in $(seq "$rounds"); do
    for mode in new keep; do
        echo "ours $mode $("$load" "$socket" /token "$mode" "$clients" "$seconds" "$server")"
        if [ -n "${node:-}" ]; then echo "node $mode $("$load" "$work/node.sock" /token "$mode" "$clients" "$seconds" "$node")"; fi
    done
done >"$work/results"

echo "machine: $(nproc) cores, $(sed -n 's/^model name[^:]*: //p' /proc/cpuinfo | head -n 1), kernel $(uname -r); body $bytes bytes, $clients clients, median of $rounds rounds of $seconds s"
awk '
function median(list, n,    i, j, t, a) { split(list, a, " "); for (i = 2; i <= n; i++) { t = a[i] + 0; for (j = i - 1; j > 0 && a[j] + 0 > t; j--) a[j + 1] = a[j]; a[j + 1] = t } return a[int((n + 1) / 2)] }
{ key = $1 " " $2; count[key]++; for (i = 3; i <= NF; i++) { split($i, pair, "="); values[key, pair[1]] = values[key, pair[1]] " " pair[2] } }
END {
    modes["new"] = "new connection per request"; modes["keep"] = "keep-alive"
    printf "%-28s %-6s %10s %8s %8s %8s %9s\n", "", "", "req/s", "p50 us", "p99 us", "CPU us", "RSS KiB"
    for (m = 1; m <= 2; m++) {
        mode = m == 1 ? "new" : "keep"
        for (s = 1; s <= 2; s++) {
            key = (s == 1 ? "ours" : "node") " " mode; n = count[key]; if (!n) continue
            printf "%-28s %-6s %10d %8d %8d %8.1f %9d\n", modes[mode], s == 1 ? "ours" : "node", median(values[key, "rate"], n), median(values[key, "p50_us"], n), median(values[key, "p99_us"], n), median(values[key, "cpu_us"], n), median(values[key, "rss_kib"], n)
        }
        if (count["node " mode]) printf "%-28s ratio  %10.2f x Node; CPU per request %.2f x Node\n", modes[mode], median(values["ours " mode, "rate"], count["ours " mode]) / median(values["node " mode, "rate"], count["node " mode]), median(values["ours " mode, "cpu_us"], count["ours " mode]) / median(values["node " mode, "cpu_us"], count["node " mode])
    }
}' "$work/results"

echo
# What the plugin adds to a tool call, inside real gateways; skipped where npm cannot install them.
cargo test --quiet --release --all-features --test gateway -- --ignored --exact latency_of_a_tool_call --nocapture \
    >"$work/latency" 2>&1 || { cat "$work/latency" >&2; exit 1; }
grep -E '^(before_tool_call|  (a|this) plugin|skipped)' "$work/latency"
