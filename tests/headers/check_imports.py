#!/usr/bin/env python3
"""Compares what built files ask of the system with the manifest def/imports.txt: each function that
ntdsbcli.dll imports, each library that the others need. So it is seen when a change asks for what
an older Windows or another Linux does not have.

    check_imports.py [--update] FILE...

--update writes the rows of the Windows files that are given, for the machines that they are for.
The last line is `N passed, N failed, N skipped`.
"""
import argparse
import pathlib
import re
import subprocess
import sys

from pe_image import MACHINES, Image

MANIFEST = pathlib.Path(__file__).resolve().parents[2] / "def" / "imports.txt"
BY_FUNCTION = {"ntdsbcli.dll"}
ANY = "*"  # some functions of the library, it is not said which
OPTIONAL = "optional"
# What the test builds are instrumented with; a release has none of it.
SANITIZERS = re.compile(r"lib(asan|tsan|ubsan)\.so\.\d+")

Import = tuple[str, str]  # library, function
Row = tuple[str, str, str]  # file, library, function
Rows = dict[Row, set[str]]  # and for which machines


def read_manifest() -> Rows:
    rows: Rows = {}
    for line in MANIFEST.read_text(encoding="utf-8").splitlines():
        words = line.split()
        if words and not line.startswith("#"):
            rows[words[0], words[1], words[2]] = set(words[3:]) or set(MACHINES)
    return rows


def write_manifest(rows: Rows) -> None:
    comment = [line for line in MANIFEST.read_text(encoding="utf-8").splitlines(keepends=True)
               if line.startswith("#")]
    lines = []
    for row, marks in sorted(rows.items()):
        if marks:
            lines.append(" ".join([*row, *([] if marks == set(MACHINES) else sorted(marks))]) + "\n")
    MANIFEST.write_text("".join([*comment, *lines]), encoding="utf-8")


class File:
    """A built file: its name in the manifest, its machine (none for Linux), what it asks for."""

    def __init__(self, path: pathlib.Path) -> None:
        self.machine = ""
        self.imports: set[Import]
        data = path.read_bytes()
        if data.startswith(b"\x7fELF"):
            self.name = re.sub(r"\.so[.\d]*$", ".so", path.name)
            self.imports = {(library, ANY) for library in needed(path)}
            return
        image = Image(data)
        self.name = path.name
        self.machine = next(name for name, number in MACHINES.items() if number == image.machine)
        self.imports = {(library, function if self.name in BY_FUNCTION else ANY)
                        for library, functions in image.imports().items() for function in functions}

    def difference(self, rows: Rows) -> list[str]:
        expected, optional = set(), set()
        for (name, library, function), marks in rows.items():
            if name == self.name:
                if OPTIONAL in marks:
                    optional.add((library, function))
                elif not self.machine or self.machine in marks:
                    expected.add((library, function))
        return ([f"imported no more: {' '.join(row)}" for row in sorted(expected - self.imports)] +
                [f"not in def/imports.txt: {' '.join(row)}"
                 for row in sorted(self.imports - expected - optional)])

    def update(self, rows: Rows) -> None:
        for row, marks in rows.items():
            if row[0] == self.name:
                marks.discard(self.machine)
        for library, function in self.imports:
            rows.setdefault((self.name, library, function), set()).add(self.machine)


def needed(path: pathlib.Path) -> list[str]:
    listed = subprocess.run(["readelf", "--dynamic", "--wide", str(path)], stdout=subprocess.PIPE,
                            text=True, check=True).stdout
    return [name for name in re.findall(r"\(NEEDED\).*\[(.*)\]", listed)
            if not SANITIZERS.fullmatch(name)]


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__.split("\n\n", maxsplit=1)[0])
    parser.add_argument("--update", action="store_true", help="write what the files import")
    parser.add_argument("files", type=pathlib.Path, nargs="+")
    options = parser.parse_args()
    rows, failed = read_manifest(), 0
    files = [File(path) for path in options.files]
    if options.update:
        for file in files:
            if not file.machine:
                parser.error(f"the rows of {file.name} are written by hand")
            file.update(rows)
        write_manifest(rows)
    for file in files:
        wrong = file.difference(rows)
        failed += bool(wrong)
        print(f"{'FAIL' if wrong else 'ok  '} {file.name} ({file.machine or 'linux'}) imports what the "
              f"manifest says, {len(file.imports)} rows")
        for line in wrong:
            print(f"     {line}")
    print(f"{len(files) - failed} passed, {failed} failed, 0 skipped")
    return failed != 0


if __name__ == "__main__":
    sys.exit(main())
