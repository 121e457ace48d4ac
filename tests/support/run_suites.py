#!/usr/bin/env python3
"""Runs the test suites that the builds have registered, and sums them up.

    run_suites.py [--filter REGEX] [--targets | --save FILE] BUILD_DIR...
    run_suites.py --sum FILE...

A suite is a file suites/NAME.json in a build tree (cmake/Ntdsb.cmake): a GoogleTest executable, or a script whose last
line is `N passed, N failed, N skipped`. One that crashes, hangs, or runs no test counts as failed. Windows executables
run under Wine. Suites of one flavour run one after another, two flavours at a time; those that need Wine wait until no
other run of this script uses the prefix. The last line printed is the sum over all suites; with --targets only the names of what must be built for them are printed. --save also keeps the
outcomes, so that builds may be tested one by one and summed up at the end.
"""
import argparse
import concurrent.futures
import contextlib
import dataclasses
import fcntl
import itertools
import json
import os
import pathlib
import re
import shutil
import signal
import subprocess
import sys
import time

TOP = pathlib.Path(__file__).resolve().parents[2]
LEAKS = TOP / "tests" / "support" / "leaks_of_libraries.txt"
WINE_RUN = TOP / "tests" / "support" / "wine-run"
WINE_FLAVOURS = ("x64", "x86")
FLAVOURS_AT_ONCE = 2
TIMEOUT_SECONDS = 900
TAIL_LINES = 60
COUNTS = re.compile(r"^(\d+) passed, (\d+) failed(?:, (\d+) skipped)?$")


@dataclasses.dataclass
class Suite:
    name: str
    flavour: str
    kind: str
    concurrent: bool
    targets: list[str]
    command: list[str]
    environment: list[str] = dataclasses.field(default_factory=list)
    wine: str = ""  # x64 or x86: a native suite that starts programs of this flavour, too

    @property
    def prefix(self) -> str:
        """The flavour whose Wine prefix it needs; empty: none."""
        return self.flavour if self.flavour in WINE_FLAVOURS else self.wine

    @property
    def title(self) -> str:
        return f"{self.flavour}/{self.name}"


@dataclasses.dataclass
class Outcome:
    passed: int = 0
    failed: int = 0
    skipped: int = 0
    seconds: float = 0.0
    notes: list[str] = dataclasses.field(default_factory=list)


def load_suites(builds: list[pathlib.Path], wanted: str) -> list[Suite]:
    suites = []
    for build in builds:
        for file in sorted((build / "suites").glob("*.json")):
            suite = Suite(**json.loads(file.read_text(encoding="utf-8")))
            # The thread sanitizer is for what runs on several threads; the rest it would only slow down.
            if re.search(wanted, suite.title) and (suite.flavour != "tsan" or suite.concurrent):
                suites.append(suite)
    return suites


def as_seen(path: pathlib.Path, flavour: str) -> str:
    return "Z:" + str(path).replace("/", "\\") if flavour in WINE_FLAVOURS else str(path)


def start_of(flavour: str) -> list[str]:
    return [str(WINE_RUN), flavour] if flavour in WINE_FLAVOURS else []


def full_command(suite: Suite, report: pathlib.Path) -> list[str]:
    if suite.kind == "gtest":
        return start_of(suite.flavour) + suite.command + [
            "--gtest_color=no", "--gtest_output=json:" + as_seen(report, suite.flavour)]
    command = []
    for word in suite.command:
        command += start_of(suite.flavour) if word == "@RUN@" else [word]
    return command


def execute(suite: Suite, report: pathlib.Path, log: pathlib.Path, timeout: float) -> str:
    """Runs the suite with its output in `log`; returns what is wrong with how it ended, or nothing."""
    work = log.parent
    environment = dict(os.environ, NTDSB_TEST_TMP=as_seen(work, suite.flavour), UBSAN_OPTIONS="print_stacktrace=1",
                       LSAN_OPTIONS=f"suppressions='{LEAKS}':print_suppressions=0")
    for name in ("NTDSBCLI_CONFIG", "NTDSBCLI_LOG"):
        environment.pop(name, None)
    environment.update(word.split("=", 1) for word in suite.environment)
    with log.open("wb") as out:
        try:
            process = subprocess.Popen(full_command(suite, report), stdin=subprocess.DEVNULL, stdout=out,
                                       stderr=subprocess.STDOUT, cwd=work, env=environment, start_new_session=True)
        except OSError as error:
            return f"it could not be started: {error}"
        try:
            status = process.wait(timeout)
        except subprocess.TimeoutExpired:
            os.killpg(process.pid, signal.SIGKILL)
            process.wait()
            if suite.prefix:
                tell_wine(suite.prefix, "--stop")
                tell_wine(suite.prefix, "--start")
            return f"it was still running after {timeout:g} seconds"
    return f"it ended with status {status}" if status else ""


def run(suite: Suite, work: pathlib.Path, timeout: float = TIMEOUT_SECONDS) -> Outcome:
    shutil.rmtree(work, ignore_errors=True)
    work.mkdir(parents=True)
    work.chmod(0o700)
    report, log = work / "gtest.json", work / "output.txt"
    start = time.monotonic()
    wrong = execute(suite, report, log, timeout)
    output = log.read_text(encoding="utf-8", errors="replace").replace("\r", "")
    outcome = read_gtest(report, output) if suite.kind == "gtest" else read_script(output)
    outcome.seconds = time.monotonic() - start
    explained = outcome.failed > 0 and suite.kind == "gtest"
    if wrong and not outcome.failed:
        outcome.failed = 1
        outcome.notes.append(wrong)
    elif outcome.passed + outcome.failed + outcome.skipped == 0:
        outcome.failed = 1
        outcome.notes.append("no test ran")
    if outcome.failed and not explained:
        tail = output.splitlines()[-TAIL_LINES:]
        outcome.notes += ["its output ends with:"] + ["  " + line for line in tail]
    return outcome


def read_gtest(report: pathlib.Path, output: str) -> Outcome:
    outcome = Outcome()
    try:
        results = json.loads(report.read_text(encoding="utf-8", errors="replace"))
    except (OSError, ValueError):
        return outcome
    for case in results.get("testsuites", []):
        for test in case.get("testsuite", []):
            name = f"{case['name']}.{test['name']}"
            if test.get("failures"):
                outcome.failed += 1
                outcome.notes.append(f"failed: {name}")
                for failure in test["failures"]:
                    outcome.notes += ["  " + line for line in failure["failure"].splitlines()]
            elif test.get("result") == "SKIPPED":
                outcome.skipped += 1
                outcome.notes.append(f"skipped: {name}{skip_reason(output, name)}")
            elif test.get("status") == "RUN":
                outcome.passed += 1
    return outcome


def skip_reason(output: str, name: str) -> str:
    found = re.search(rf"\[ RUN      \] {re.escape(name)}\n.*?: Skipped\n(.*?)\n+\[  SKIPPED \]", output, re.DOTALL)
    return f" ({' '.join(found[1].split())})" if found else ""


def read_script(output: str) -> Outcome:
    lines = output.strip().splitlines()
    found = COUNTS.match(lines[-1].strip()) if lines else None
    if not found:
        return Outcome()
    return Outcome(int(found[1]), int(found[2]), int(found[3] or 0),
                   notes=[line for line in lines if line.startswith("SKIP")])


def tell_wine(flavour: str, what: str) -> None:
    try:
        subprocess.run([str(WINE_RUN), flavour, what], stdin=subprocess.DEVNULL, stdout=subprocess.DEVNULL,
                       stderr=subprocess.DEVNULL, check=False, timeout=120)
    except subprocess.TimeoutExpired:
        print(f"  wine-run {flavour} {what} did not return", flush=True)


@contextlib.contextmanager
def wine_server(flavour: str):
    """Keeps Wine's server up in the flavour's prefix, which is one run's at a time: to stop it ends what others run."""
    if not flavour:
        yield
        return
    lock = TOP / "out" / "wine" / f"{flavour}.suites"
    lock.parent.mkdir(parents=True, exist_ok=True)
    with lock.open("w") as held:
        fcntl.flock(held, fcntl.LOCK_EX)
        tell_wine(flavour, "--start")
        try:
            yield
        finally:
            tell_wine(flavour, "--stop")


def run_flavour(flavour: str, suites: list[Suite]) -> list[tuple[Suite, Outcome]]:
    rows = []
    for prefix, group in itertools.groupby(sorted(suites, key=lambda suite: suite.prefix), lambda suite: suite.prefix):
        with wine_server(prefix):
            for suite in group:
                outcome = run(suite, TOP / "out" / "test" / flavour / suite.name)
                rows.append((suite, outcome))
                mark = "FAIL" if outcome.failed else "ok"
                text = [f"  {mark:4} {suite.title:32} {outcome.passed:5} passed {outcome.failed:4} failed "
                        f"{outcome.skipped:4} skipped {outcome.seconds:7.1f} s"]
                print("\n".join(text + ["         " + note for note in outcome.notes]), flush=True)
    return rows


def print_table(rows: list[tuple[Suite, Outcome]], flavours: list[str]) -> None:
    """Each suite's passed/failed/skipped in each flavour."""
    cells = {(suite.name, suite.flavour): f"{o.passed}/{o.failed}/{o.skipped}" for suite, o in rows}
    print("\n  " + f"{'passed/failed/skipped':28}" + "".join(f"{flavour:>12}" for flavour in flavours))
    for name in sorted({suite.name for suite, _ in rows}):
        print("  " + f"{name:28}" + "".join(f"{cells.get((name, flavour), '-'):>12}" for flavour in flavours))


def save(rows: list[tuple[Suite, Outcome]], file: pathlib.Path) -> None:
    file.write_text(json.dumps([[dataclasses.asdict(part) for part in row] for row in rows]), encoding="utf-8")


def load(file: pathlib.Path) -> list[tuple[Suite, Outcome]]:
    """What --save kept; a file that is not there counts as one failure, since its suites were not run to their end."""
    if not file.exists():
        lost = Suite(file.stem, "none", "script", False, [], [])
        return [(lost, Outcome(failed=1))]
    return [(Suite(**suite), Outcome(**outcome)) for suite, outcome in json.loads(file.read_text(encoding="utf-8"))]


def print_sum(rows: list[tuple[Suite, Outcome]]) -> int:
    """The table and the last line; returns the exit status."""
    print_table(rows, list(dict.fromkeys(suite.flavour for suite, _ in rows)))
    passed, failed, skipped = (sum(getattr(o, field) for _, o in rows) for field in ("passed", "failed", "skipped"))
    if passed + failed == 0:
        failed = 1
        print("\nNo test ran: nothing is built, or the filter fits no suite.")
    print(f"\n{passed} passed, {failed} failed, {skipped} skipped")
    return 1 if failed else 0


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--filter", default="", help="regular expression on FLAVOUR/NAME")
    parser.add_argument("--targets", action="store_true", help="only print what must be built")
    parser.add_argument("--save", type=pathlib.Path, help="keep the outcomes in this file")
    parser.add_argument("--sum", action="store_true", help="sum up what --save kept")
    parser.add_argument("paths", nargs="*", type=pathlib.Path, help="build folders, or files of --save")
    arguments = parser.parse_args()
    if arguments.sum:
        return print_sum([row for file in arguments.paths for row in load(file)])
    suites = load_suites(arguments.paths, arguments.filter)
    if arguments.targets:
        print(*sorted({target for suite in suites for target in suite.targets}))
        return 0
    flavours = list(dict.fromkeys(suite.flavour for suite in suites))
    with concurrent.futures.ThreadPoolExecutor(FLAVOURS_AT_ONCE) as pool:
        parts = pool.map(lambda f: run_flavour(f, [suite for suite in suites if suite.flavour == f]), flavours)
        rows = [row for part in parts for row in part]
    if arguments.save:
        save(rows, arguments.save)
        return 0
    return print_sum(rows)


if __name__ == "__main__":
    sys.exit(main())
