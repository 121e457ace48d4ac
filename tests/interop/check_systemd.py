#!/usr/bin/env python3
"""ntdsbsrv under systemd's protocols, without systemd: it takes over a listening socket, tells when it is ready and when
it stops, and stops cleanly at SIGTERM and SIGINT: a call that runs is answered first. The units of dist/systemd are read by systemd-analyze where there is
one.

    check_systemd.py NTDSBSRV DIST

The last line is `N passed, N failed, N skipped`.
"""
import fcntl
import os
import pathlib
import shutil
import signal
import socket
import subprocess
import sys
import tempfile
import time

from held_call import Caller, comes_true, free_port, LOCK

passed = failed = skipped = 0


def check(what, holds):
    global passed, failed
    passed, failed = passed + bool(holds), failed + (not holds)
    if not holds:
        print(f"FAILED: {what}", flush=True)


def is_served(listener):
    """Whether something there answers noise as the service does: with a bind_nak."""
    with socket.socket(listener.family, socket.SOCK_STREAM) as peer:
        peer.settimeout(30)
        peer.connect(listener.getsockname())
        peer.sendall(b"\0" * 16)
        return peer.recv(16)[2:3] == b"\x0d"


def local_listener(path):
    listener = socket.socket(socket.AF_UNIX, socket.SOCK_STREAM)
    listener.bind(str(path))
    listener.listen()
    return listener


def shown(listener):
    address = listener.getsockname()
    return f"unix:{address}" if listener.family == socket.AF_UNIX else f"127.0.0.1:{address[1]}"


def connected_to(listener):
    peer = socket.socket(listener.family, socket.SOCK_STREAM)
    peer.connect(listener.getsockname())
    return peer


def stop_under_a_call(process, listener, state, metrics_port, stop_signal, again, manager):
    """The signal comes while a call runs, which ends later. With `again` it comes twice at once, and later once more."""
    caller = Caller(connected_to(listener), metrics_port)
    caller.ask()
    check("a call is answered", caller.answer() == (0, 0))
    with open(state / LOCK, "wb") as lock:
        fcntl.lockf(lock, fcntl.LOCK_EX)
        caller.ask()
        check("a call runs", comes_true(caller.is_running))
        process.send_signal(stop_signal)
        if again:
            process.send_signal(stop_signal)  # at once, as programs do that tell a whole group
        check("it tells that it stops, and how long that may take",
              manager.recv(100) == b"STOPPING=1\nEXTEND_TIMEOUT_USEC=120000000")
        check("it waits for the call", not caller.is_answered(1) and process.poll() is None)
        if again:
            time.sleep(3)
            process.send_signal(stop_signal)
            check(f"it ends at once after another {stop_signal.name}", process.wait(60) == -stop_signal)
            return
    check("it answers the call", caller.answer() == (0, 0))
    check(f"it ends with 0 after {stop_signal.name}", process.wait(60) == 0)


def run(server, config, stop_signal, abstract, listener, again=False):
    state, metrics_port = config.parent / f"state.{stop_signal.name}.{again}", free_port()
    (state / LOCK).parent.mkdir(parents=True)
    config.write_text(f"[directory]\ndatabase = '{config.parent}/ntds/ntds.dit'\nstate_path = '{state}'\n"
                      f"[service]\nallow_anonymous = true\nmetrics = '127.0.0.1:{metrics_port}'\n", encoding="utf-8")
    config.chmod(0o600)
    name = f"\0ntdsb-test-{os.getpid()}" if abstract else str(config.parent / "notify")
    with socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM) as manager:
        manager.bind(name)
        manager.settimeout(60)

        def take_place():
            os.dup2(listener.fileno(), 3)
            os.set_inheritable(3, True)

        environment = dict(os.environ, NOTIFY_SOCKET="@" + name[1:] if abstract else name)
        process = subprocess.Popen(["/bin/sh", "-c", 'LISTEN_PID=$$ LISTEN_FDS=1 exec "$0" run --config "$1"', server,
                                    str(config)], env=environment, close_fds=False, preexec_fn=take_place,
                                   stdout=subprocess.PIPE, text=True)
        try:
            check("it tells that it is ready", manager.recv(100) == b"READY=1")
            check("it listens on the socket that it was given",
                  process.stdout.readline().strip() == f"listening on {shown(listener)}")
            check("it serves there", is_served(listener))
            stop_under_a_call(process, listener, state, metrics_port, stop_signal, again, manager)
        finally:
            process.kill()
            process.wait()
    listener.close()


def main():
    global skipped
    server, dist = sys.argv[1], pathlib.Path(sys.argv[2])
    work = pathlib.Path(tempfile.mkdtemp(dir=".")).resolve()
    config = work / "c.toml"
    (work / "ntds").mkdir()
    run(server, config, signal.SIGTERM, abstract=False, listener=socket.create_server(("127.0.0.1", 0)))
    run(server, config, signal.SIGINT, abstract=True, listener=local_listener(work / "s"))
    check("systemd's own socket stays", (work / "s").exists())
    for stop_signal in (signal.SIGTERM, signal.SIGINT):
        run(server, config, stop_signal, abstract=True, listener=socket.create_server(("127.0.0.1", 0)), again=True)

    bad = work / "bad.toml"
    bad.write_text("[service]\nlisten = ['203.0.113.1:1']\n", encoding="utf-8")
    bad.chmod(0o600)
    done = subprocess.run([server, "run", "--config", str(bad)], stderr=subprocess.PIPE, text=True, timeout=60)
    check("an address of another computer is refused", done.returncode == 3 and "203.0.113.1:1" in done.stderr)

    analyze = shutil.which("systemd-analyze")
    if analyze:
        for unit in ("ntdsbsrv.service", "ntdsbsrv.socket"):
            # The program is not installed where the unit looks for it.
            text = (dist / unit).read_text(encoding="utf-8").replace("/usr/bin/ntdsbsrv", server)
            (work / unit).write_text(text, encoding="utf-8")
        # The status is that of these two, not of the machine's units that they name; without the option it is 0 even
        # where a key is unknown.
        done = subprocess.run([analyze, "verify", "--recursive-errors=no",
                               *(str(work / unit) for unit in ("ntdsbsrv.service", "ntdsbsrv.socket"))],
                              stderr=subprocess.STDOUT, stdout=subprocess.PIPE, text=True)
        check(f"systemd finds nothing wrong with the units: status {done.returncode}, {done.stdout!r}",
              done.returncode == 0 and "ntdsbsrv" not in done.stdout)
    else:
        print("SKIP systemd-analyze (package systemd) is not installed: nothing reads the units")
        skipped += 1
    shutil.rmtree(work, ignore_errors=True)


main()
print(f"{passed} passed, {failed} failed, {skipped} skipped")
sys.exit(1 if failed else 0)
