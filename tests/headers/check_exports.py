#!/usr/bin/env python3
"""Checks what a built library shows to the outside: exactly the exports of the manifest, by their
plain names (contract ABI-0, ABI-2), and imports from nothing but the system. Of ntdsbcli.lib: that
it offers them all under the names that MSVC's compiler asks for.

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

MANIFEST = pathlib.Path(__file__).resolve().parents[2] / "def" / "exports.txt"
MACHINES = {"x64": 0x8664, "x86": 0x014C}
PE32_PLUS = 0x20B
EXPORTS, IMPORTS = 0, 1  # numbers of data directories
ARCHIVE = b"!<arch>\n"
NAME, NAME_UNDECORATED = 1, 3  # the DLL's name is the symbol, or the symbol without _ and @N
# On every Windows since 7. Nothing of a compiler's or of a package's is among them.
SYSTEM_DLLS = {
    "advapi32.dll", "bcrypt.dll", "crypt32.dll", "iphlpapi.dll", "kernel32.dll", "msvcrt.dll",
    "netapi32.dll", "ntdll.dll", "ole32.dll", "rpcrt4.dll", "secur32.dll", "shell32.dll",
    "user32.dll", "version.dll", "ws2_32.dll",
}


class Image:
    """The parts of a PE file that say what it exports and imports."""

    def __init__(self, data: bytes) -> None:
        self.data = data
        header = self.number(0x3C)
        if data[:2] != b"MZ" or data[header:header + 4] != b"PE\0\0":
            raise ValueError("not a Windows library")
        self.machine, sections = struct.unpack_from("<HH", data, header + 4)
        optional_size = struct.unpack_from("<H", data, header + 20)[0]
        optional = header + 24
        is_64 = struct.unpack_from("<H", data, optional)[0] == PE32_PLUS
        self.directories = optional + (112 if is_64 else 96)
        self.thunk_size = 8 if is_64 else 4
        table = optional + optional_size
        # Per section: its virtual address, its size in the file, where in the file it is.
        self.sections = [struct.unpack_from("<III", data, table + 40 * index + 12)
                         for index in range(sections)]

    def number(self, offset: int) -> int:
        return struct.unpack_from("<I", self.data, offset)[0]

    def offset(self, address: int) -> int:
        for start, size, position in self.sections:
            if start <= address < start + size:
                return address - start + position
        raise ValueError(f"the address 0x{address:x} lies in no section")

    def string(self, address: int) -> str:
        start = self.offset(address)
        return self.data[start:self.data.index(b"\0", start)].decode("ascii")

    def directory(self, index: int) -> tuple[int, int]:
        return struct.unpack_from("<II", self.data, self.directories + 8 * index)

    def exports(self) -> tuple[list[str], int, list[str]]:
        """Names, number of addresses (as many as names unless some have an ordinal only), and the
        names of those that forward to another DLL."""
        start, size = self.directory(EXPORTS)
        if size == 0:
            return [], 0, []
        table = self.offset(start)
        addresses, names = self.number(table + 20), self.number(table + 24)
        address_table = self.offset(self.number(table + 28))
        name_table = self.offset(self.number(table + 32))
        ordinal_table = self.offset(self.number(table + 36))
        found, forwarded = [], []
        for index in range(names):
            name = self.string(self.number(name_table + 4 * index))
            ordinal = struct.unpack_from("<H", self.data, ordinal_table + 2 * index)[0]
            found.append(name)
            if start <= self.number(address_table + 4 * ordinal) < start + size:
                forwarded.append(name)
        return found, addresses, forwarded

    def imports(self) -> dict[str, int]:
        """How many functions from which DLL."""
        start, size = self.directory(IMPORTS)
        if size == 0:
            return {}
        found, entry = {}, self.offset(start)
        while self.number(entry + 12):
            name = self.string(self.number(entry + 12)).lower()
            found[name] = found.get(name, 0) + self.thunks(self.number(entry))
            entry += 20
        return found

    def thunks(self, table: int) -> int:
        at, width = self.offset(table), self.thunk_size
        count = 0
        while any(self.data[at + width * count:at + width * (count + 1)]):
            count += 1
        return count


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
    print(f"     {path.stat().st_size:,} bytes; imports {sum(imported.values())} functions: "
          + ", ".join(f"{count} from {name}" for name, count in sorted(imported.items())))
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
