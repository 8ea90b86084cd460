#!/usr/bin/env bash
# Slither over the sources, from an environment of its own (SLITHER_VENV, else build/slither beside the contracts).
set -euo pipefail
cd "$(dirname "$0")/.."
venv=${SLITHER_VENV:-build/slither}
[ -x "$venv/bin/slither" ] || { python3 -m venv "$venv" && "$venv/bin/pip" install --quiet "slither-analyzer==0.11.*"; }
PATH=$(echo "$PWD"/node_modules/@foundry-rs/forge-*/bin):$PATH
export PATH FOUNDRY_DYNAMIC_TEST_LINKING=false
forge build --offline --build-info --skip test --out build/slither-out --cache-path build/slither-cache >/dev/null
exec "$venv/bin/slither" . --ignore-compile --foundry-out-directory build/slither-out "$@"
