#!/usr/bin/env python3
"""ntdsbsrv as a Windows service under Wine's service manager: installed, started, served, stopped under a call, which
is answered first, removed; what it logs of its callers; and in the foreground, told to stop at its console.

    check_windows_service.py WINE... HOLD_FILE NTDSBSRV

WINE... is what starts Windows programs. The last line is `N passed, N failed, N skipped`.
"""
import contextlib
import os
import pathlib
import pty
import re
import shutil
import socket
import subprocess
import sys
import tempfile
import threading

from held_call import Caller, comes_true, free_port, LOCK
from ntdsb_service import check, equal, finish

COULD_NOT_CONNECT = 0xC7FF0007
CONTROL_C = b"\3"
HELD_SECONDS = 0.5  # what a call is held up at least


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


class Place:
    """A folder with the configuration of a service, and where that one logs, keeps its state and listens."""

    def __init__(self, work, name):
        self.folder = work / name
        self.log, self.config, self.lock = (self.folder / file for file in ("log.txt", "ntdsbsrv.toml", f"state/{LOCK}"))
        self.port, self.metrics_port = free_port(), free_port()
        (self.folder / "ntds").mkdir(parents=True)
        self.lock.parent.mkdir(parents=True)
        self.config.write_text(f"[directory]\ndatabase = '{shown(self.folder / 'ntds' / 'ntds.dit')}'\n"
                               f"state_path = '{shown(self.folder / 'state')}'\n"
                               f"[service]\nlisten = ['127.0.0.1:{self.port}']\nallow_anonymous = true\n"
                               f"metrics = '127.0.0.1:{self.metrics_port}'\n"
                               f"[log]\nlevel = 'info'\nfile = '{shown(self.log)}'\n", encoding="utf-8")
        self.config.chmod(0o600)

    def caller(self):
        return Caller(socket.create_connection(("127.0.0.1", self.port)), self.metrics_port)

    def logged(self, pattern):
        """The lines that have it, as tuples of its groups."""
        return re.findall(pattern, self.log.read_text(encoding="utf-8") if self.log.exists() else "", re.M)

    def says(self, line):
        check(f"its log has {line}", self.logged(rf" info {line}$"))


def call_that_runs(hold, place, caller):
    """What holds it up: `hold` starts what has a file for itself."""
    caller.ask()
    equal("a call is answered", caller.answer(), (0, 0))
    holder = hold(place.lock)
    equal("the lock", holder.stdout.readline().strip(), b"held")
    caller.ask()
    check("a call runs", comes_true(caller.is_running))
    return holder


def ends_the_call_first(holder, place, caller):
    """What was told to stop."""
    check("it listens no more", comes_true(lambda: not is_served(place.port)))
    check("it waits for the call", not caller.is_answered(HELD_SECONDS))
    holder.communicate(timeout=60)
    equal("it answers the call", caller.answer(), (0, 0))


def logs_its_callers(hold, place, caller):
    """Who called what, what came of it and how long it took; of what is refused, also why."""
    called = rf" IsDirectoryOnline by anonymous at 127\.0\.0\.1:{caller.socket.getsockname()[1]}: "
    holder = call_that_runs(hold, place, caller)
    check("the call waits", not caller.is_answered(HELD_SECONDS))
    holder.communicate(timeout=60)
    equal("the call that waited is answered", caller.answer(), (0, 0))
    caller.ask("absent")
    equal("a call for an instance that there is not", caller.answer(), (0, COULD_NOT_CONNECT))
    refused = rf"^\S+Z \d+ \d+ warning{called}0x0*{COULD_NOT_CONNECT:X} in \d+ us: COM-5: there is no directory instance \"absent\"; "
    check("the refused call is logged, once", comes_true(lambda: len(place.logged(refused)) == 1, 10))
    times = [int(time) for time in place.logged(rf"^\S+Z \d+ \d+ info{called}S_OK in (\d+) us$")]
    check(f"so are the others, with the time that each took, in us: {times}",
          len(times) == 2 and times[0] < times[1] and HELD_SECONDS * 1e6 <= times[1] < 60e6)


class Foreground:
    """`ntdsbsrv run` at a terminal of its own, whose Ctrl+C Wine makes the console's event. Wine 8 makes no other one: its
    GenerateConsoleCtrlEvent knows no CTRL_BREAK_EVENT (error 6), and a terminal that hangs up ends its programs by SIGHUP."""

    def __init__(self, start, place):
        self.terminal, end = pty.openpty()
        self.process = subprocess.Popen(start, preexec_fn=lambda: os.login_tty(end),
                                        env=dict(os.environ, TERM="xterm"))
        os.close(end)
        # Somebody reads it, or a terminal that is full holds the program up.
        self.reader = threading.Thread(target=self._read, daemon=True)
        self.reader.start()
        check("it serves in the foreground", comes_true(lambda: is_served(place.port)))

    def _read(self):
        with contextlib.suppress(OSError):  # its other end is closed
            while os.read(self.terminal, 4096):
                pass

    def press(self, key):
        os.write(self.terminal, key)

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self.process.kill()
        self.process.wait()
        self.reader.join(5)
        os.close(self.terminal)


def stop_at_the_console(start, hold, place, again):
    """Ctrl+C while a call runs, which ends later; with `again` once more before it ends."""
    with Foreground(start, place) as service:
        caller = place.caller()
        holder = call_that_runs(hold, place, caller)
        service.press(CONTROL_C)
        if again:
            check("it begins to stop", comes_true(lambda: not is_served(place.port)))
            check("it waits for the call", not caller.is_answered(HELD_SECONDS) and service.process.poll() is None)
            service.press(CONTROL_C)
            # Windows' own handler ends it, with a status that is another one under Wine (0).
            check("it ends at once after another Ctrl+C", comes_true(lambda: service.process.poll() is not None, 30))
            check("the call is given up", isinstance(caller.answer(), ConnectionError))
            holder.communicate(timeout=60)
            check("it has not stopped in order", not place.logged("has stopped"))
        else:
            ends_the_call_first(holder, place, caller)
            equal("the exit status after Ctrl+C", service.process.wait(60), 0)
            place.says("ntdsbsrv has stopped")


def main():
    wine, (hold_file, server) = sys.argv[1:-2], sys.argv[-2:]

    def run(*words, folder=None):
        done = subprocess.run([*wine, *words], stdout=subprocess.PIPE, stderr=subprocess.STDOUT, timeout=120, cwd=folder)
        return done.returncode, done.stdout.decode("utf-8", "replace")

    def begin(*words):
        return subprocess.Popen([*wine, *words], stdin=subprocess.PIPE, stdout=subprocess.PIPE)

    def hold(path):
        return begin(hold_file, shown(path))

    def state():
        return run("sc.exe", "query", "ntdsbsrv")[1]

    work = pathlib.Path(tempfile.mkdtemp(dir=".")).resolve()
    place = Place(work, "service")
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
        code, output = run(server, "install", "--config", place.config.name, folder=place.folder)
        check(f"it installs: {output}", code == 0)
        code, output = run(server, "install")
        check(f"it installs only once: {output}", code == 3 and "ntdsbsrv" in output)
        run("sc.exe", "start", "ntdsbsrv")
        check(f"it runs: {state()}", comes_true(lambda: "RUNNING" in state()))
        check("it serves", is_served(place.port))
        logs_its_callers(hold, place, place.caller())
        caller = place.caller()
        holder = call_that_runs(hold, place, caller)
        stopping = begin("sc.exe", "stop", "ntdsbsrv")  # which does not wait for it
        ends_the_call_first(holder, place, caller)
        equal("the service manager takes the stop", stopping.wait(60), 0)
        check(f"it stops: {state()}", comes_true(lambda: "STOPPED" in state()))
        check("it serves no more", not is_served(place.port))
        place.says("ntdsbsrv has stopped")
    finally:
        code, output = run(server, "uninstall")
    check(f"it is removed: {output}", code == 0)
    code, output = run(server, "service")
    check(f"nobody but the service manager starts the service: {output}", code == 3 and "ntdsbsrv run" in output)
    for again in (False, True):
        place = Place(work, f"foreground.{again}")
        stop_at_the_console([*wine, server, "run", "--config", shown(place.config)], hold, place, again)
    keeper.terminate()
    keeper.wait(60)
    shutil.rmtree(work, ignore_errors=True)


main()
finish()
