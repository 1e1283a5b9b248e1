#!/usr/bin/env bash
# The benchmark journey against `carepath dev` on a folder of its own: tests/bench/load.sh [CONTACTS [STORED]]
#
# With STORED, so many other contacts are stored afterwards, the server begins anew, and the journey is gone once more: what
# a visit takes then is told against what it took before.
#
# Both programs share this machine, so the visits a second are what is left beside the load; the processor seconds are those
# of the server alone.
set -euo pipefail
cd "$(dirname "$0")/../.."
carepath=${CAREPATH:-target/release/carepath}
contacts=${1:-10000}
stored=${2:-0}
data=$(mktemp -d)
trap 'kill "${server:-}" 2>/dev/null || true; wait 2>/dev/null || true; rm -rf "$data"' EXIT

start() {
    rm -f "$data/dev.json"
    local began=${EPOCHREALTIME/./}
    "$carepath" dev --data "$data" --port 0 > "$data/log" 2>&1 &
    server=$!
    until [ -f "$data/dev.json" ]; do
        kill -0 "$server" 2>/dev/null || { cat "$data/log"; exit 3; }
        sleep 0.01
    done
    echo "serving after $(((${EPOCHREALTIME/./} - began) / 1000)) ms"
}

stop() {
    kill "$server"
    wait "$server" || true
}

# The journey, with its figures in a file; they are shown where it did not go as it should.
measure() {
    "$carepath" load --contacts "$contacts" --data "$data" --json > "$1" || { cat "$1"; exit 1; }
}

start
if [ "$stored" -eq 0 ]; then
    "$carepath" load --contacts "$contacts" --data "$data"
    exit
fi
measure "$data/before.json"
"$carepath" load --contacts 1 --stored "$stored" --data "$data" > /dev/null
stop
start
measure "$data/after.json"
python3 - "$data/before.json" "$data/after.json" "$stored" << 'END'
import json, sys

before, after = (json.load(open(path)) for path in sys.argv[1:3])
stored = int(sys.argv[3])
print(f" {'':24}{'at first':>12}{stored:>12,} stored{'ratio':>9}")
for what, name in [("processor s, 1,000 visits", "cpu_seconds_per_1000_visits"), ("requests a visit", "requests_per_visit"),
                   ("visits a second", "visits_per_second"), ("memory, MB", "peak_megabytes")]:
    print(f" {what:26}{before[name]:>10.2f}{after[name]:>19.2f}{after[name] / before[name]:>9.2f}")
END
