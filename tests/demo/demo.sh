#!/usr/bin/env bash
# The demo behind `./dev demo`: the whole documented procedure, under Wine, through the x64 DLL, as an old tool drives it. Prints each step and fails
# at the first thing that is not as it says. Usage: demo.sh BUILD_DIR (a mingw-x64 build); needs wine.
set -euo pipefail

build=$(cd "$1" && pwd)
source_dir=$(cd "$(dirname "$0")/../.." && pwd)
work=$source_dir/out/demo
real=${NTDSB_REAL_DATA:-$source_dir/../shared/data}/page8k.edb.gz

export NTDSB_WINEPREFIX=$source_dir/out/wine/demo

say() { printf '\n%s\n' "$*"; }
fail() { printf '\nDemo failed: %s\n' "$*" >&2; exit 1; }
wine() { "$source_dir/tests/support/wine-run" x64 "$@"; }
# What Wine starts beside a program keeps the program's stderr open for as long as Wine runs: a pipe there would not end
# with the program. Wine programs print CR LF.
run() {
    local output status=0
    output=$(mktemp "$work/output.XXXXXX")
    wine "$@" >"$output" 2>&1 || status=$?
    tr -d '\r' <"$output"
    rm "$output"
    return "$status"
}
windows_path() { printf 'Z:%s' "${1//\//\\}"; }

# What is still there of an earlier run, of this one when it fails, or at the end.
stop() {
    touch "$work/stop" 2>/dev/null || true
    wine --stop
}
stop
rm -rf "$work"
trap stop EXIT
wine --prepare || fail "Wine could not be set up"
wine --start
# What a run that was stopped in mid-restore left in this Wine's registry would block the new directory (MIR-4).
wine reg.exe delete 'HKLM\SYSTEM\CurrentControlSet\Services\NTDS\Restore In Progress' /f >/dev/null 2>&1 || true
mkdir -p "$work"/{ntds,snapshot,backup1,backup2,bin}
chmod 700 "$work"
cp "$build"/bin/{ntdsbcli.dll,ntdsbmsg.dll,ntdsbctl.exe,demo_old_tool.exe} "$work/bin/"
cd "$work/bin"

say "== A directory of its own for the demo =="
if [ -f "$real" ]; then
    gzip -dc "$real" > "$work/ntds/ntds.dit"
    echo "  ntds.dit is a real ESE database, $(stat -c %s "$work/ntds/ntds.dit") bytes: $(basename "$real")"
else
    wine "$build/bin/demo_make_database.exe" "$(windows_path "$work/ntds/ntds.dit")" || fail "no database was made"
    echo "  ntds.dit is a made ESE database, $(stat -c %s "$work/ntds/ntds.dit") bytes (no ../shared/data here)"
fi
original=$(sha256sum < "$work/ntds/ntds.dit")
cp "$work/ntds/ntds.dit" "$work/snapshot/ntds.dit"

write_config() { # FILE SNAPSHOT_PATH
    cat > "$work/$1" <<TOML
[directory]
database = '$(windows_path "$work/ntds/ntds.dit")'
state_path = '$(windows_path "$work/state")'
snapshot_path = '$2'
[log]
level = "info"
file = '$(windows_path "$work/ntdsbcli.log")'
TOML
}
write_config stopped.toml ""
write_config snapshot.toml "$(windows_path "$work/snapshot")"
NTDSBCLI_CONFIG=$(windows_path "$work/stopped.toml")
export NTDSBCLI_CONFIG

say "== 1. Back up the stopped directory =="
run demo_old_tool.exe backup "$(windows_path "$work/backup1")" || fail "the backup of the stopped directory"

say "== 2. Back up once more while the directory runs, from a snapshot =="
NTDSBCLI_CONFIG=$(windows_path "$work/snapshot.toml")
run ntdsbctl.exe run -- "$(windows_path "$work/bin/demo_old_tool.exe")" engine "$(windows_path "$work/stop")" &
engine=$!
until run ntdsbctl.exe --json status | grep '"engine_running": *true' >/dev/null; do
    kill -0 "$engine" 2>/dev/null || fail "the engine that ntdsbctl started was never seen running"
    sleep 0.2
done
run demo_old_tool.exe backup "$(windows_path "$work/backup2")" | tee "$work/online.txt" || fail "the backup from the snapshot"
grep -q 'the directory is running' "$work/online.txt" || fail "the directory was not seen running"
touch "$work/stop"
wait "$engine" || fail "the engine that ntdsbctl started"
NTDSBCLI_CONFIG=$(windows_path "$work/stopped.toml")

say "== 3. Ruin the database =="
dd if=/dev/urandom of="$work/ntds/ntds.dit" bs=64K count=8 conv=notrunc status=none
[ "$(sha256sum < "$work/ntds/ntds.dit")" != "$original" ] || fail "the database could not be ruined"
echo "  the first 512 KiB of ntds.dit are random bytes now"

say "== 4. Restore it =="
printf '@echo off\r\necho       while registered, may the directory start?\r\nntdsbctl.exe check-start\r\nif errorlevel 1 (echo       check-start: NO) else (echo       check-start: YES)\r\nntdsbctl.exe run -- cmd.exe /c echo the engine must not have started\r\ndemo_old_tool.exe second-restore %s\r\nif errorlevel 1 (echo       second restore: NOT REFUSED) else (echo       second restore: REFUSED)\r\n' \
    "$(windows_path "$work/backup1")" > while_registered.bat
run demo_old_tool.exe restore "$(windows_path "$work/backup1")" while_registered.bat | tee "$work/restore.txt" || fail "the restore"
grep -q 'check-start: NO' "$work/restore.txt" || fail "the directory could have started in mid-restore"
! grep -q 'must not have started$' "$work/restore.txt" || fail "the engine started in mid-restore"
grep -q 'second restore: REFUSED' "$work/restore.txt" || fail "a second restore was not refused"

say "== 5. After the restore =="
[ "$(sha256sum < "$work/ntds/ntds.dit")" = "$original" ] || fail "the restored database differs from the original"
echo "  the restored ntds.dit equals the original, byte for byte"
run ntdsbctl.exe run -- cmd.exe /c echo -- the directory starts again || fail "the directory does not start"
cmp -s "$work/backup1/ntds.dit" "$work/backup2/ntds.dit" || fail "the two backups differ"
echo "  the backup taken online from the snapshot holds the same bytes"
say "Demo complete. The files are in out/demo, the log in out/demo/ntdsbcli.log."
