#!/usr/bin/env python3
"""Compiles and runs the C examples of the README, so that what a newcomer copies works.

An example is a C block after a line `<!-- example: NAME.c -->`. Each is compiled warning-free against the built library and run with a directory
configured in a folder of its own; it must exit with 0. restore.c restores a backup that ntdsbctl made: it must also say so when the copy fails.
Last line: `N passed, N failed, N skipped`.
"""
import argparse
import os
import pathlib
import re
import shlex
import shutil
import subprocess
import sys


def examples(readme: pathlib.Path) -> dict[str, str]:
    pattern = re.compile(r"<!-- example: (\S+) -->\n```c\n(.*?)```", re.DOTALL)
    return dict(pattern.findall(readme.read_text(encoding="utf-8")))


def shown_path(path: pathlib.Path, windows: bool) -> str:
    return "Z:" + str(path).replace("/", "\\") if windows else str(path)


def write_configuration(work: pathlib.Path, windows: bool) -> pathlib.Path:
    directory = work / "directory"
    directory.mkdir(exist_ok=True)
    config = work / "ntdsbcli.toml"
    config.write_text(
        "[directory]\n"
        f"database = '{shown_path(directory / 'ntds.dit', windows)}'\n"
        f"state_path = '{shown_path(work / 'state', windows)}'\n",
        encoding="utf-8",
    )
    config.chmod(0o600)
    return config


def run(command: list[str], **options) -> tuple[int, str]:
    done = subprocess.run(command, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True,
                          errors="replace", timeout=120, check=False, **options)
    return done.returncode, done.stdout.strip()


class Directory:
    """A made directory with a backup of it, and how a program is started in it."""

    def __init__(self, work: pathlib.Path, tools: pathlib.Path, start: list[str],
                 environment: dict[str, str], windows: bool) -> None:
        self.work, self.tools, self.start = work, tools, start
        self.environment, self.windows = environment, windows
        self.database = work / "directory" / "ntds.dit"
        self.backup = work / "backup"

    def run(self, program: pathlib.Path, *words: object) -> tuple[int, str]:
        shown = [shown_path(word, self.windows) if isinstance(word, pathlib.Path) else str(word)
                 for word in words]
        return run([*self.start, str(program), *shown], env=self.environment, cwd=self.work)

    def tool(self, name: str) -> pathlib.Path:
        return self.tools / (name + (".exe" if self.windows else ""))

    def back_up(self) -> None:
        shutil.rmtree(self.backup, ignore_errors=True)
        shutil.rmtree(self.work / "state", ignore_errors=True)
        for command in ((self.tool("demo_make_database"), self.database),
                        (self.tool("ntdsbctl"), "backup", self.backup)):
            status, output = self.run(*command)
            if status:
                raise RuntimeError(f"{command[0].name}: {output}")

    def try_restore(self, program: pathlib.Path) -> tuple[int, str]:
        """Ruined, not restored for want of a file, restored: the exit statuses must say which."""
        self.back_up()
        original = self.database.read_bytes()
        self.database.write_bytes(b"ruined")
        token = self.backup / "token.bin"
        status, output = self.run(program, token, self.backup, self.backup / "absent")
        if status != 1:
            return 1, f"a failed copy gave status {status}: {output}"
        status, output = self.run(program, token, self.backup, self.backup / "ntds.dit")
        if status == 0 and self.database.read_bytes() != original:
            return 1, "the restored database is not the one that was backed up"
        return status, output


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--readme", type=pathlib.Path, required=True)
    parser.add_argument("--work", type=pathlib.Path, required=True, help="folder for executables and the made directory")
    parser.add_argument("--cc", required=True, help="C compiler with its flags")
    parser.add_argument("--include", type=pathlib.Path, required=True)
    parser.add_argument("--library", type=pathlib.Path, required=True, help="what to link: .so or import library")
    parser.add_argument("--dll", type=pathlib.Path, help="the DLL, copied beside the executables")
    parser.add_argument("--tools", type=pathlib.Path, required=True, help="folder of ntdsbctl and demo_make_database")
    parser.add_argument("run", nargs="*", help="after --: what starts an executable, such as wine")
    arguments = parser.parse_args()
    windows = arguments.dll is not None

    work = arguments.work.resolve()
    work.mkdir(parents=True, exist_ok=True)
    work.chmod(0o700)
    if windows:
        (work / arguments.dll.name).write_bytes(arguments.dll.read_bytes())
    config = write_configuration(work, windows)
    environment = dict(os.environ, NTDSBCLI_CONFIG=shown_path(config, windows),
                       LD_LIBRARY_PATH=str(arguments.library.resolve().parent))

    directory = Directory(work, arguments.tools.resolve(), arguments.run, environment, windows)
    passed = failed = skipped = 0
    found = examples(arguments.readme)
    for name, source in found.items():
        if not windows and "#ifdef _WIN32" not in source:
            print(f"SKIP {name}: needs Windows")
            skipped += 1
            continue
        path = work / name
        path.write_text(source, encoding="utf-8")
        program = path.with_suffix(".exe" if windows else "")
        status, output = run(shlex.split(arguments.cc) + [
            "-Wall", "-Wextra", "-Werror", "-I", str(arguments.include), str(path),
            str(arguments.library.resolve()), "-o", str(program)])
        if status == 0:
            try:
                status, output = directory.try_restore(program) if name == "restore.c" else directory.run(program)
            except (RuntimeError, subprocess.TimeoutExpired) as error:
                status, output = 1, str(error)
        print(f"{'ok  ' if status == 0 else 'FAIL'} {name}: {output}")
        if status == 0:
            passed += 1
        else:
            failed += 1
    if not found:
        print("FAIL no example found in the README")
        failed += 1
    print(f"{passed} passed, {failed} failed, {skipped} skipped")
    return 1 if failed else 0


if __name__ == "__main__":
    sys.exit(main())
