#!/usr/bin/env bash
# The demo as a test: its whole output when it fails. Usage: demo_test.sh BUILD_DIR
set -uo pipefail

log=$1/demo.log
if "$(dirname "$0")/demo.sh" "$1" >"$log" 2>&1; then
    echo "1 passed, 0 failed, 0 skipped"
else
    echo "FAIL demo"
    cat "$log"
    echo "0 passed, 1 failed, 0 skipped"
    exit 1
fi
