#!/usr/bin/env python3
"""The example plug-in is built from the installed package alone, by the command in its README, and works.

check_example.py TESTS INSTALL...: INSTALL... with a folder behind it installs the package's headers there; TESTS is the
plug-ins' test program, which then runs the example's tests with what was built. Last line: `N passed, N failed, N skipped`.
"""
import os
import pathlib
import re
import shutil
import subprocess
import sys
import tempfile

NAME = "unix_socket_transport"


def checks(tests: str, install: list[str], package: pathlib.Path):
    """What fails, one line each."""
    subprocess.run([*install, package], check=True, stdout=subprocess.DEVNULL)
    example = package / "examples" / NAME
    if not example.is_dir():
        yield "the package has no example"
        return
    command = re.findall(r"^    (cc .*)$", (example / "README.md").read_text(encoding="utf-8"), re.MULTILINE)
    if len(command) != 1:
        yield f"the README names {len(command)} commands"
        return
    # The warnings that it asks for are none.
    built = subprocess.run(command[0] + " -Werror", shell=True, cwd=example, text=True, capture_output=True)
    if built.returncode != 0:
        yield f"{command[0]}: {built.stderr}"
        return
    library = example / f"{NAME}.so"
    symbols = subprocess.run(["nm", "-D", "--defined-only", library], check=True, text=True, capture_output=True).stdout
    exported = [line.split()[-1] for line in symbols.splitlines()]
    if exported != ["ntdsb_transport_negotiate"]:
        yield f"P-1: it exports {exported}"
    environment = {**os.environ, "NTDSB_EXAMPLE_PLUGIN": str(library)}
    ran = subprocess.run([tests, "--gtest_filter=Example.*", "--gtest_brief=1"], env=environment, text=True,
                         capture_output=True)
    if ran.returncode != 0 or "[  PASSED  ] 0 tests" in ran.stdout:
        yield ran.stdout + ran.stderr


def main(tests: str, *install: str) -> int:
    folder = pathlib.Path(tempfile.mkdtemp(prefix="ntdsb-example-"))
    try:
        failed = list(checks(tests, list(install), folder))
    finally:
        shutil.rmtree(folder)
    print(*failed, sep="\n")
    print(f"{int(not failed)} passed, {int(bool(failed))} failed, 0 skipped")
    return int(bool(failed))


if __name__ == "__main__":
    sys.exit(main(*sys.argv[1:]))
