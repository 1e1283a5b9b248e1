#!/usr/bin/env bash
# The benchmark journey against `carepath dev` on a folder of its own: tests/bench/load.sh [CONTACTS [STORED]]
#
# STORED contacts are there before it begins (they have been through the journey). Both programs share this machine, so
# the visits a second are what is left beside the load; the processor seconds are those of the server alone.
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

start
if [ "$stored" -gt 0 ]; then
    echo "storing $stored contacts"
    "$carepath" load --contacts "$stored" --data "$data" > /dev/null
    kill "$server"
    wait "$server" || true
    start
fi
"$carepath" load --contacts "$contacts" --data "$data"
