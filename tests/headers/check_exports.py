#!/usr/bin/env python3
"""Checks what a built library shows to the outside: exactly the exports of the manifest, by their
plain names (contract ABI-0, ABI-2), and imports from nothing but the system (which functions,
check_imports.py compares). Of ntdsbcli.lib: that it offers them all under the names that MSVC's
compiler asks for.

    check_exports.py LIBRARY x64|x86|linux

LIBRARY is a DLL, a shared object (linux) or MSVC's import library. The last line is
`N passed, N failed, N skipped`.
"""
import argparse
import pathlib
import re
import struct
import subprocess
import sys
from collections.abc import Iterator

from pe_image import MACHINES, Image

MANIFEST = pathlib.Path(__file__).resolve().parents[2] / "def" / "exports.txt"
ARCHIVE = b"!<arch>\n"
NAME, NAME_UNDECORATED = 1, 3  # the DLL's name is the symbol, or the symbol without _ and @N
# On every Windows since 7. Nothing of a compiler's or of a package's is among them.
SYSTEM_DLLS = {
    "advapi32.dll", "bcrypt.dll", "crypt32.dll", "iphlpapi.dll", "kernel32.dll", "msvcrt.dll",
    "netapi32.dll", "ntdll.dll", "ole32.dll", "rpcrt4.dll", "secur32.dll", "shell32.dll",
    "user32.dll", "version.dll", "ws2_32.dll",
}


class ImportLibrary:
    """MSVC's import library: an archive with one short entry for each function."""

    def __init__(self, data: bytes) -> None:
        # (symbol, the kind of name in the DLL, DLL, machine)
        self.entries: list[tuple[str, int, str, int]] = []
        position = len(ARCHIVE)
        while position + 60 <= len(data):
            size = int(data[position + 48:position + 58])
            self.read(data[position + 60:position + 60 + size])
            position += 60 + size + size % 2

    def read(self, member: bytes) -> None:
        if member[:4] != b"\0\0\xff\xff":
            return  # the archive's index, or what the whole DLL needs
        machine, flags = struct.unpack_from("<H10xH", member, 6)
        symbol, dll = member[20:].split(b"\0")[:2]
        self.entries.append((symbol.decode("ascii"), flags >> 2 & 7, dll.decode("ascii"), machine))


def manifest_with_sizes() -> list[tuple[str, str]]:
    return re.findall(r"^(Ds\w+) (\d+)$", MANIFEST.read_text(encoding="utf-8"), re.MULTILINE)


def manifest() -> list[str]:
    return [name for name, _ in manifest_with_sizes()]


def difference(found: list[str], expected: list[str]) -> list[str]:
    return ([f"missing: {name}" for name in sorted(set(expected) - set(found))] +
            [f"not in the manifest: {name}" for name in sorted(set(found) - set(expected))])


# ABI-0, ABI-2
def check_dll(path: pathlib.Path, machine: str) -> Iterator[tuple[str, list[str]]]:
    image = Image(path.read_bytes())
    yield f"is for {machine}", (
        [] if image.machine == MACHINES[machine] else [f"its machine is 0x{image.machine:x}"])
    names, addresses, forwarded = image.exports()
    yield "exports the manifest's names", difference(names, manifest())
    yield "exports nothing by ordinal alone", [] if addresses == len(names) else [
        f"{addresses} addresses for {len(names)} names"]
    yield "forwards nothing", forwarded
    imported = image.imports()
    print(f"     {path.stat().st_size:,} bytes; imports {sum(map(len, imported.values()))} functions: "
          + ", ".join(f"{len(functions)} from {name}" for name, functions in sorted(imported.items())))
    yield "imports system DLLs only", [] if imported and set(imported) <= SYSTEM_DLLS else (
        sorted(set(imported) - SYSTEM_DLLS) or ["no imports were found"])


def check_import_library(path: pathlib.Path, machine: str) -> Iterator[tuple[str, list[str]]]:
    library = ImportLibrary(path.read_bytes())
    symbols = [f"_{name}@{size}" if machine == "x86" else name
               for name, size in manifest_with_sizes()]
    yield "has the symbols of the manifest", difference(
        [symbol for symbol, *_ in library.entries], symbols)
    kind = NAME_UNDECORATED if machine == "x86" else NAME
    yield "stands for the DLL's plain names", [
        str(entry) for entry in library.entries
        if entry[1:] != (kind, "ntdsbcli.dll", MACHINES[machine])]


def check_shared_object(path: pathlib.Path) -> Iterator[tuple[str, list[str]]]:
    listed = subprocess.run(["nm", "-D", "--defined-only", str(path)], stdout=subprocess.PIPE,
                            text=True, check=True).stdout
    # Type A is the version itself.
    names = [line.split()[-1] for line in listed.splitlines() if " A " not in line]
    yield "exports the manifest's names, versioned", difference(
        names, [f"{name}@@NTDSBCLI_1.0" for name in manifest()])


def checks_of(path: pathlib.Path, machine: str) -> Iterator[tuple[str, list[str]]]:
    if machine == "linux":
        return check_shared_object(path)
    with path.open("rb") as file:
        is_archive = file.read(len(ARCHIVE)) == ARCHIVE
    return check_import_library(path, machine) if is_archive else check_dll(path, machine)


def main() -> int:
    parser = argparse.ArgumentParser(description="Checks a library's exports and imports.")
    parser.add_argument("library", type=pathlib.Path)
    parser.add_argument("machine", choices=[*MACHINES, "linux"])
    options = parser.parse_args()
    passed = failed = 0
    for name, wrong in checks_of(options.library, options.machine):
        passed += not wrong
        failed += bool(wrong)
        print(f"{'FAIL' if wrong else 'ok  '} {options.library.name} {name}")
        for line in wrong:
            print(f"     {line}")
    print(f"{passed} passed, {failed} failed, 0 skipped")
    return 1 if failed else 0


if __name__ == "__main__":
    sys.exit(main())
