#!/usr/bin/env python3
"""Holds the library against a service that is not ours: starts the service, which writes where it listens and then each
call to its output, and foreign_server (foreign_server_test.cpp), which calls it and reads that file.

    check_foreign_server.py SERVICE... -- FOREIGN_SERVER...

Both are commands, so that each may run natively or be started by tests/support/wine-run. The last line is
`N passed, N failed, N skipped`.
"""
import os
import pathlib
import re
import subprocess
import sys
import tempfile

from ntdsb_service import check, count, equal, finish


def counted(output, what):
    found = re.search(rf"^\[  {what:8}\] (\d+) tests?[.,]", output, re.M)
    return int(found[1]) if found else 0


def main():
    divide = sys.argv.index("--")
    service, tests = sys.argv[1:divide], sys.argv[divide + 1:]
    work = pathlib.Path(tempfile.mkdtemp(dir=".")).resolve()
    log = work / "service.out"
    windows = tests[-1].endswith(".exe")
    environment = dict(os.environ, NTDSB_FOREIGN_LOG="Z:" + str(log).replace("/", "\\") if windows else str(log))
    with log.open("wb") as out:
        process = subprocess.Popen(service, stdin=subprocess.DEVNULL, stdout=out)
        try:
            done = subprocess.run([*tests, "--gtest_color=no"], env=environment, stdout=subprocess.PIPE, timeout=600)
        finally:
            process.kill()
            process.wait()
    output = done.stdout.decode("utf-8", "replace").replace("\r", "")
    print(output)
    counts = [counted(output, what) for what in ("PASSED", "FAILED", "SKIPPED")]
    count(*counts)
    check("tests ran", any(counts))
    told = log.read_text(encoding="utf-8", errors="replace").split("\n", 1)[0]
    if told.startswith("skipped: "):
        print(f"SKIP {told}")
    equal("the exit status of the tests", done.returncode, 0)


main()
finish()
