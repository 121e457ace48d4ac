#!/usr/bin/env python3
"""ntdsbsrv as a Windows service under Wine's service manager: installed, started, served, stopped under a call, which
is answered first, removed.

    check_windows_service.py WINE... HOLD_FILE NTDSBSRV

WINE... is what starts Windows programs. The last line is `N passed, N failed, N skipped`.
"""
import pathlib
import shutil
import socket
import subprocess
import sys
import tempfile

from held_call import Caller, comes_true, free_port, LOCK

passed = failed = 0


def check(what, holds):
    global passed, failed
    passed, failed = passed + bool(holds), failed + (not holds)
    if not holds:
        print(f"FAILED: {what}", flush=True)


def shown(path):
    return "Z:" + str(path).replace("/", "\\")


def is_served(port):
    """Whether something there answers noise as the service does: with a bind_nak."""
    try:
        with socket.create_connection(("127.0.0.1", port), timeout=30) as peer:
            peer.sendall(b"\0" * 16)
            return peer.recv(16)[2:3] == b"\x0d"
    except ConnectionError:
        return False


def stop_under_a_call(stop, hold, state_path, caller):
    """Stops the service while a call runs, which ends later. `stop` does not wait for it; `hold` starts what has a file
    for itself."""
    caller.ask()
    check("a call is answered", caller.answer() == (0, 0))
    holder = hold(state_path / LOCK)
    check("the lock is held", holder.stdout.readline().strip() == b"held")
    caller.ask()
    check("a call runs", comes_true(caller.is_running))
    stopping = stop()
    check("it listens no more", comes_true(lambda: not is_served(caller.socket.getpeername()[1])))
    check("it waits for the call", not caller.is_answered(0.5))
    holder.communicate(timeout=60)
    check("it answers the call", caller.answer() == (0, 0))
    check("the service manager takes the stop", stopping.wait(60) == 0)


def main():
    wine, (hold_file, server) = sys.argv[1:-2], sys.argv[-2:]

    def run(*words, folder=None):
        done = subprocess.run([*wine, *words], stdout=subprocess.PIPE, stderr=subprocess.STDOUT, timeout=120, cwd=folder)
        return done.returncode, done.stdout.decode("utf-8", "replace")

    def begin(*words):
        return subprocess.Popen([*wine, *words], stdin=subprocess.PIPE, stdout=subprocess.PIPE)

    def state():
        return run("sc.exe", "query", "ntdsbsrv")[1]

    work = pathlib.Path(tempfile.mkdtemp(dir=".")).resolve()
    log, config, port, metrics_port = work / "log.txt", work / "ntdsbsrv.toml", free_port(), free_port()
    (work / "ntds").mkdir()
    (work / "state" / LOCK).parent.mkdir(parents=True)
    config.write_text(f"[directory]\ndatabase = '{shown(work / 'ntds' / 'ntds.dit')}'\n"
                      f"state_path = '{shown(work / 'state')}'\n"
                      f"[service]\nlisten = ['127.0.0.1:{port}']\nallow_anonymous = true\n"
                      f"metrics = '127.0.0.1:{metrics_port}'\n"
                      f"[log]\nlevel = 'info'\nfile = '{shown(log)}'\n", encoding="utf-8")
    config.chmod(0o600)
    # Wine ends its services with the last program, so one runs all the time.
    other = work / "other.toml"
    other.write_text("[service]\nlisten = ['127.0.0.1:0']\n", encoding="utf-8")
    other.chmod(0o600)
    keeper = subprocess.Popen([*wine, server, "run", "--config", shown(other)], stdout=subprocess.PIPE)
    keeper.stdout.readline()
    run(server, "uninstall")  # of a run that was broken off
    try:
        code, output = run(server, "install", "--config", "absent.toml", folder=work)
        check(f"it does not install without its configuration: {output}", code == 3 and "absent.toml" in output)
        # The service does not begin in this folder.
        code, output = run(server, "install", "--config", config.name, folder=work)
        check(f"it installs: {output}", code == 0)
        code, output = run(server, "install")
        check(f"it installs only once: {output}", code == 3 and "ntdsbsrv" in output)
        run("sc.exe", "start", "ntdsbsrv")
        check(f"it runs: {state()}", comes_true(lambda: "RUNNING" in state()))
        check("it serves", is_served(port))
        stop_under_a_call(lambda: begin("sc.exe", "stop", "ntdsbsrv"), lambda path: begin(hold_file, shown(path)),
                          work / "state", Caller(socket.create_connection(("127.0.0.1", port)), metrics_port))
        check(f"it stops: {state()}", comes_true(lambda: "STOPPED" in state()))
        check("it serves no more", not is_served(port))
        check("its log says that it stopped", "ntdsbsrv has stopped" in log.read_text(encoding="utf-8"))
    finally:
        code, output = run(server, "uninstall")
    check(f"it is removed: {output}", code == 0)
    code, output = run(server, "service")
    check(f"nobody but the service manager starts the service: {output}", code == 3 and "ntdsbsrv run" in output)
    keeper.terminate()
    keeper.wait(60)
    shutil.rmtree(work, ignore_errors=True)


main()
print(f"{passed} passed, {failed} failed, 0 skipped")
sys.exit(1 if failed else 0)
