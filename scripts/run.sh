#!/usr/bin/env bash
# `make run`: the emulator as cloud and user pool, the server, a fresh folder, and a login link.
# Prints `socket: PATH`, `login: URL` and a curl line. DEMO=1 logs alice in over the same pages that a person sees.
set -euo pipefail
bin=$(cd "$1" && pwd)
cd "$(dirname "$0")/.."
mkdir -p target/run
home=$(mktemp -d "$PWD/target/run/XXXXXX")
state="$home/state"
socket="$state/plugins/identity/identity.sock"
pids=()

stop() {
    trap - INT TERM EXIT
    for pid in "${pids[@]}"; do kill -TERM "$pid" 2>/dev/null || true; done
    for pid in "${pids[@]}"; do wait "$pid" 2>/dev/null || true; done
    rm -rf "$home"
}
trap 'stop; exit 0' INT TERM
trap stop EXIT

free_port() {
    local port
    for port in $(seq 18789 18889); do
        if ! (exec 3<>"/dev/tcp/127.0.0.1/$port") 2>/dev/null; then echo "$port"; return; fi
    done
    echo "no free port between 18789 and 18889" >&2
    return 1
}

# Waits for a line `name: value` in a file that a running process writes.
line_of() {
    local file=$1 name=$2 pid=$3 value
    while kill -0 "$pid" 2>/dev/null; do
        value=$(sed -n "s/^$name: //p" "$file" | head -n 1)
        if [ -n "$value" ]; then echo "$value"; return; fi
        sleep 0.05
    done
    echo "the process that should print '$name:' has ended:" >&2
    cat "$file" "$file.log" >&2
    return 1
}

for file in emulator server; do : >"$home/$file" >"$home/$file.log"; done
callback="http://127.0.0.1:$(free_port)/identity/oauth/callback"
"$bin/agent-identity-emulator" --listen 127.0.0.1:0 --ignore-stdin --callback-url "$callback" \
    >"$home/emulator" 2>"$home/emulator.log" </dev/null &
pids+=($!)
emulator=$!
value() { line_of "$home/emulator" "$1" "$emulator"; }

mkdir -p "$state"
cat >"$state/openclaw.json" <<JSON
{
  // Written by \`make run\`; the emulator beside it plays the cloud.
  plugins: { entries: { "agent-identity": { enabled: true, config: {
    identity: {
      endpoint: "$(value endpoint)",
      accessKeyId: "$(value access-key-id)",
      secretAccessKey: "$(value secret-access-key)",
      workloadName: "openclaw-agent",
      localServer: true,
      localServerAllowlist: [${ALLOW:+"\"$ALLOW\""}],
    },
    userpool: {
      discoveryUrl: "$(value discovery)",
      clientId: "$(value client-id)",
      clientSecret: "$(value client-secret)",
      callbackUrl: "$callback",
      scope: "openid profile email offline_access",
    },
  } } } },
}
JSON

export OPENCLAW_STATE_DIR="$state"
unset OPENCLAW_CONFIG_PATH AGENT_IDENTITY_KEY_FILE CREDENTIALS_DIRECTORY
"$bin/agent-identity" serve >"$home/server" 2>"$home/server.log" </dev/null &
pids+=($!)
server=$!
echo "$server" >"$home/server.pid"
line_of "$home/server" socket "$server" >/dev/null

login=$("$bin/agent-identity" login --no-wait)
echo "socket: $socket"
echo "login: $login"
echo "curl: curl --unix-socket $socket http://localhost/token"

if [ "${DEMO:-}" = 1 ]; then
    # The way a browser goes: the provider's page and its form, back to our callback, our question and its form.
    get() { curl -sS --fail --max-time 20 --location --cookie "$home/jar" --cookie-jar "$home/jar" "$@"; }
    # Sends the form of a page: its action, resolved against the page's URL, its hidden fields, and what is filled in.
    submit() {
        local page=$1 url=$2 action field fields=()
        shift 2
        action=$(sed -n 's/.*<form[^>]*action="\([^"]*\)".*/\1/p' <<<"$page" | head -n 1)
        case "$action" in
            http*) ;;
            /*) action="$(sed 's|^\(http://[^/]*\).*|\1|' <<<"$url")$action" ;;
            *) url=${url%%\?*} action="${url%/*}/$action" ;;
        esac
        while read -r field; do
            fields+=(--data-urlencode "$(sed 's/.*name="\([^"]*\)".*value="\([^"]*\)".*/\1=\2/; s/&amp;/\&/g' <<<"$field")")
        done < <(grep -o '<input[^>]*type="hidden"[^>]*>' <<<"$page")
        for field in "$@"; do fields+=(--data-urlencode "$field"); done
        get "${fields[@]}" "$action"
    }
    page=$(submit "$(get "$login")" "$login" username=alice password=password)
    submit "$page" "$callback" >/dev/null
    echo
    echo "alice is logged in; the workload token says:"
    "$bin/agent-identity" token --decode
fi

wait "$server"
echo "the server has ended:" >&2
cat "$home/server.log" >&2
exit 1
