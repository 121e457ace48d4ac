#!/usr/bin/env python3
"""Runs a frozen client and a frozen plug-in against the library of today (README.md beside this).

Also checks that the frozen files are as they were, that today's compiler lays transport.h out as
frozen, and, on Linux, that abidiff finds no function or type of the frozen headers changed in today's,
nor a symbol, a symbol's version or the soname of the shared object.
Last line: `N passed, N failed, N skipped`.
"""
import argparse
import hashlib
import os
import pathlib
import re
import shutil
import subprocess
import sys
import tempfile

import check_transport

SUMS = "SHA256SUMS"
BASELINE = "libntdsbcli.abi"
TABLE = "transport.txt"


def report(name: str, wrong: str = "") -> bool:
    print(f"{'FAIL' if wrong else 'ok  '} {name}")
    if wrong:
        print("     " + wrong.replace("\n", "\n     "))
    return not wrong


def changed_files(version: pathlib.Path) -> str:
    expected = dict(reversed(line.split("  ", 1))
                    for line in (version / SUMS).read_text(encoding="utf-8").splitlines())
    found = {str(path.relative_to(version)): hashlib.sha256(path.read_bytes()).hexdigest()
             for path in version.rglob("*") if path.is_file() and path.name != SUMS}
    return "\n".join(sorted(f"{name} is not what was frozen" for name in expected.keys() | found.keys()
                            if expected.get(name) != found.get(name)))


def abidiff(frozen: pathlib.Path, today: pathlib.Path) -> str:
    done = subprocess.run(["abidiff", "--no-added-syms", str(frozen), str(today)],
                          stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True, check=False)
    return "" if done.returncode == 0 else done.stdout or f"abidiff ended with {done.returncode}"


def compare_shared_object(baseline: pathlib.Path, library: pathlib.Path) -> str:
    """Its types are the headers', which the surfaces compare; how much of them its debug information
    tells depends on the build, so that is left out."""
    with tempfile.TemporaryDirectory() as folder:
        stripped = pathlib.Path(folder) / library.name
        subprocess.run(["strip", "--strip-debug", "-o", str(stripped), str(library)], check=True)
        return abidiff(baseline, stripped)


class Directory:
    """A made directory, its configuration, and how a program is started in it."""

    def __init__(self, options: argparse.Namespace) -> None:
        self.start, self.work = options.start, options.work
        self.windows = options.library.suffix == ".dll"
        if self.work.exists():
            shutil.rmtree(self.work)
        for folder in ("directory", "backup"):
            (self.work / folder).mkdir(mode=0o700, parents=True)
        config = self.work / "ntdsbcli.toml"
        config.write_text(
            "[directory]\n"
            f"database = '{self.shown(self.work / 'directory' / 'ntds.dit')}'\n"
            f"state_path = '{self.shown(self.work / 'state')}'\n"
            # The mirror stays until the directory starts, which it never does: the next run would find it.
            "registry_mirror = false\n"
            "[transport.plugins.old]\n"
            f"path = '{self.shown(options.plugin)}'\n"
            "[transport.servers.frozen]\n"
            "transport = \"old\"\naddress = \"somewhere\"\nconnect_timeout_s = 3\n",
            encoding="utf-8")
        config.chmod(0o600)
        self.environment = os.environ | {"NTDSBCLI_CONFIG": self.shown(config), "NTDSBCLI_LOG": "error"}

    def shown(self, path: pathlib.Path) -> str:
        return "Z:" + str(path).replace("/", "\\") if self.windows else str(path)

    def run(self, program: pathlib.Path, *words: object) -> subprocess.CompletedProcess:
        shown = [self.shown(word) if isinstance(word, pathlib.Path) else str(word) for word in words]
        return subprocess.run([*self.start, str(program), *shown], env=self.environment, text=True,
                              stdout=subprocess.PIPE, stderr=subprocess.STDOUT, timeout=120, check=False)


def run_client(options: argparse.Namespace) -> tuple[int, int]:
    directory = Directory(options)
    made = directory.run(options.make_database, directory.work / "directory" / "ntds.dit")
    if made.returncode != 0:
        report("a database is made", made.stdout)
        return 0, 1
    done = directory.run(options.client, options.library, directory.work / "backup", "frozen")
    print(done.stdout, end="")
    sums = re.findall(r"^(\d+) passed, (\d+) failed", done.stdout, re.MULTILINE)
    if len(sums) != 1 or done.returncode != (sums[0][1] != "0"):
        report("the frozen client ends by itself", f"its exit code is {done.returncode}")
        return 0, 1
    return int(sums[0][0]), int(sums[0][1])


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    for name in ("version", "work", "client", "plugin", "library", "make-database"):
        parser.add_argument(f"--{name}", type=pathlib.Path, required=True)
    parser.add_argument("--surfaces", type=pathlib.Path, nargs=2)
    parser.add_argument("--include", type=pathlib.Path, required=True, help="today's headers")
    parser.add_argument("--compiler", help="of the GNU kind, which tells how it lays them out")
    parser.add_argument("start", nargs="*", help="what starts a program of the library's kind")
    options = parser.parse_args()
    outcomes = [report("the frozen files are as they were", changed_files(options.version))]
    if options.compiler:
        outcomes.append(report("transport.h is laid out as it was", check_transport.compare(
            options.version / TABLE, options.include, options.compiler)))
    if options.surfaces:
        outcomes.append(report("abidiff finds no function and no type changed",
                               abidiff(*options.surfaces)))
        outcomes.append(report("abidiff finds no symbol, no symbol's version and no soname changed",
                               compare_shared_object(options.version / BASELINE, options.library)))
    passed, failed = run_client(options)
    passed, failed = passed + sum(outcomes), failed + outcomes.count(False)
    print(f"{passed} passed, {failed} failed, 0 skipped")
    return failed != 0


if __name__ == "__main__":
    sys.exit(main())
