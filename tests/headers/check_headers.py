#!/usr/bin/env python3
"""Compiles the public headers alone in every language level and for every target that the contract
names (ABI-8), warning-free, and compares them with mingw-w64's own headers (ABI-0..4).

    check_headers.py [--filter REGEX] [-j N]

One line a combination; a compiler that is not installed is skipped. The last line is
`N passed, N failed, N skipped`.
"""
import argparse
import concurrent.futures
import pathlib
import re
import shutil
import subprocess
import sys
import tempfile
from collections.abc import Iterator
from typing import NamedTuple

HERE = pathlib.Path(__file__).resolve().parent
TOP = HERE.parents[1]
INCLUDE = TOP / "include"
SOURCE = HERE / "use_headers.c"

STRICT = ("c89", "c99", "c11", "c17", "c2x",
          "c++98", "c++03", "c++11", "c++14", "c++17", "c++20", "c++23")
# The dialects differ from the standards in keywords and predefined macros, not from level to level.
GNU = ("gnu89", "gnu17", "gnu++98", "gnu++20")
# With mingw-w64's <windows.h>, which takes its time; the levels between are compiled without it.
MINGW = ("c89", "c17", "c++98", "c++20")
# Each alone; ntdsbmsg.h needs a type only where a code is used.
ALONE = {"ntdsb/win32.h": "DWORD number;", "ntdsbmsg.h": "int number;", "ntdsbcli.h": "HBC hbc;"}
# A manifest entry that the stock header does not declare (ABI-1).
UNDOCUMENTED = {"DsRestoreCheckExpiryToken"}
# Macros that only ours has, or only the stock one needs.
OURS_ONLY = {"NTDSB_WIN32_H", "NTDSBCLI_WIDE"}
GUARDS = {"_NTDSBCLI_H_", "_NTDSBMSG_"}


class Compiler(NamedTuple):
    """How one compiler is called for one target. The headers of mingw-w64 and of the stand-in for
    MSVC's are system headers: only warnings about ours count."""
    name: str
    c: list[str]
    cpp: list[str]
    windows: bool
    levels: tuple[str, ...] = STRICT


class Case(NamedTuple):
    name: str
    command: list[str]
    source: str | None = None  # for the compiler's standard input


def gnu_like(prefix: str, suffix: str, more: list[str]) -> tuple[list[str], list[str]]:
    options = ["-Wall", "-Wextra", "-pedantic", "-Werror", "-fsyntax-only", *more]
    pairs = {"gcc": ("gcc", "g++"), "clang": ("clang", "clang++")}
    driver = "clang" if "clang" in prefix else "gcc"
    head = prefix.removesuffix(driver)
    return ([f"{head}{pairs[driver][0]}{suffix}", *options],
            [f"{head}{pairs[driver][1]}{suffix}", *options])


def clang_cl() -> str:
    found = shutil.which("clang-cl") or shutil.which("clang-cl-14")
    return found or "clang-cl"


def compilers() -> list[Compiler]:
    shim = str(HERE / "msvc_shim")
    mingw = ["-isystem", "/usr/share/mingw-w64/include"]
    found = [
        Compiler("gcc", *gnu_like("gcc", "", []), False, (*STRICT, *GNU)),
        Compiler("gcc -m32", *gnu_like("gcc", "", ["-m32", "-ffreestanding"]), False),
        Compiler("clang", *gnu_like("clang", "", []), False),
        Compiler("clang -m32", *gnu_like("clang", "", ["-m32", "-ffreestanding"]), False),
    ]
    for machine in ("x86_64", "i686"):
        found += [
            Compiler(f"mingw {machine}", *gnu_like(f"{machine}-w64-mingw32-gcc", "-posix", []),
                     True, (*MINGW, "gnu++20")),
            Compiler(f"clang {machine}-w64-windows-gnu",
                     *gnu_like("clang", "", [f"--target={machine}-w64-windows-gnu", *mingw]),
                     True, MINGW),
            Compiler(f"clang {machine}-pc-windows-msvc",
                     *gnu_like("clang", "",
                               [f"--target={machine}-pc-windows-msvc", "-isystem", shim]), True),
        ]
        cl = [clang_cl(), f"--target={machine}-pc-windows-msvc", "/nologo", "/W4", "/WX", "/Zs",
              f"/clang:-isystem{shim}"]
        found.append(Compiler(f"clang-cl {machine}", cl, cl, True,
                              ("c11", "c17", "c++14", "c++17", "c++20", "c++latest")))
    return found


def is_cl(compiler: Compiler) -> bool:
    return "clang-cl" in compiler.c[0]


def in_language(compiler: Compiler, level: str) -> list[str]:
    is_cpp = "++" in level
    command = compiler.cpp if is_cpp else compiler.c
    if is_cl(compiler):
        language = [f"/std:{level}", "/TP" if is_cpp else "/TC"]
    else:
        # GCC 12 and Clang 14 know C++23 as c++2b.
        language = [f"-std={level.replace('++23', '++2b')}", "-x", "c++" if is_cpp else "c"]
    return [*command, *language, f"-I{INCLUDE}", f"-I{HERE}"]


def variants(compiler: Compiler, level: str) -> list[tuple[bool, bool]]:
    """Pairs of with UNICODE, after <windows.h>."""
    if not compiler.windows:
        return [(False, False), (True, False)]
    if "windows-msvc" in compiler.name or is_cl(compiler) or level == "c++20":
        return [(False, False), (True, False), (False, True), (True, True)]
    return [(False, False), (True, True)] if level == "c17" else [(False, False)]


# ABI-8
def matrix() -> Iterator[Case]:
    for compiler in compilers():
        # clang-cl takes what starts with / for an option.
        source = ["--", str(SOURCE)] if is_cl(compiler) else [str(SOURCE)]
        for level in compiler.levels:
            for unicode, first in variants(compiler, level):
                name = " ".join([compiler.name, level, "W" if unicode else "A",
                                 *(["after <windows.h>"] if first else [])])
                yield Case(name, [
                    *in_language(compiler, level),
                    *(["-DUNICODE", "-D_UNICODE"] if unicode else []),
                    *(["-DNTDSB_TEST_WINDOWS_FIRST"] if first else []), *source])


def headers_alone() -> Iterator[Case]:
    for compiler in compilers():
        for level in (compiler.levels[0], compiler.levels[-1]) if not is_cl(compiler) else ():
            for header, use in ALONE.items():
                yield Case(f"{compiler.name} {level} {header} alone",
                           [*in_language(compiler, level), "-"],
                           f"#include <{header}>\nextern {use}\n")


def run(command: list[str], given: str | None = None) -> tuple[int, str]:
    done = subprocess.run(command, input=given, stdout=subprocess.PIPE, stderr=subprocess.STDOUT,
                          text=True, check=False)
    return done.returncode, done.stdout


# --- comparison with mingw-w64's headers ----------------------------------------------------------


class Stock:
    """The stock header as one mingw compiler sees it, and ours beside it."""

    def __init__(self, compiler: str, unicode: bool) -> None:
        self.compiler = [compiler, *(["-DUNICODE", "-D_UNICODE"] if unicode else [])]
        listed = self.preprocess("-M", "#include <ntdsbcli.h>\n")
        self.path = next(word for word in listed.split() if word.endswith("/ntdsbcli.h"))
        self.text = pathlib.Path(self.path).read_text(encoding="utf-8")

    def preprocess(self, option: str, source: str) -> str:
        status, output = run([*self.compiler, option, "-E", "-P", "-x", "c++", "-"], source)
        if status:
            raise RuntimeError("\n".join(output.splitlines()[:8]))
        return output

    def macros(self, header: str) -> set[str]:
        def names(source: str) -> set[str]:
            return set(re.findall(r"^#define (\w+)", self.preprocess("-dM", source), re.MULTILINE))
        return names(f"#include <windows.h>\n#include {header}\n") - names("#include <windows.h>\n")

    def expansions(self, header: str, names: list[str]) -> dict[str, str]:
        lines = "".join(f"@{number} {name}\n" for number, name in enumerate(names))
        output = self.preprocess("-P", f"#include <windows.h>\n#include {header}\n{lines}")
        found = re.findall(r"@(\d+)([^@]*)", output)
        return {names[int(number)]: " ".join(text.split()) for number, text in found}


def compare_macros(stock: Stock, ours: str) -> tuple[list[str], list[str]]:
    """What is wrong with our macros as text, and the names of those that have values."""
    theirs, own = stock.macros(f'"{stock.path}"') - GUARDS, stock.macros(ours) - GUARDS
    wrong = [f"missing: {name}" for name in sorted(theirs - own)]
    wrong += [f"not the original's: {name}" for name in sorted(own - theirs - OURS_ONLY)]
    names = sorted(theirs & own)
    expected, actual = stock.expansions(f'"{stock.path}"', names), stock.expansions(ours, names)
    values = []
    for name in names:
        # Flags and other names of functions and types have no value to compare; attributes are
        # compared with the functions.
        if expected[name].startswith("__attribute__"):
            continue
        if re.fullmatch(r"(|\w*RSTMAP[AW]|Ds\w+)", expected[name]):
            if expected[name] != actual[name]:
                wrong.append(f"{name}: {actual[name]!r} where the original has {expected[name]!r}")
        else:
            values.append(name)
    if len(values) < 180:
        wrong.append(f"only {len(values)} macros of the stock header were recognised")
    return wrong, values


def write_lists(folder: pathlib.Path, stock: Stock, values: list[str]) -> list[str]:
    """Writes what compare_headers.cpp includes; returns what is wrong with the set of functions."""
    exports = re.findall(r"^(Ds\w+) ", (TOP / "def/exports.txt").read_text(encoding="utf-8"), re.M)
    declared = re.findall(r"NTDSBCLI_API (Ds\w+)\(", stock.text)

    def x_macro(macro: str, names: list[str]) -> str:
        return f"#define {macro}(X) \\\n" + " \\\n".join(f"    X({name})" for name in names) + "\n"
    (folder / "stock_lists.h").write_text(
        x_macro("NTDSB_STOCK_VALUES", values) + x_macro("NTDSB_STOCK_FUNCTIONS", declared))
    stock_macros = stock.macros(f'"{stock.path}"')
    (folder / "undefine_stock.h").write_text("".join(f"#undef {name}\n" for name in stock_macros))
    (folder / "rename_ours.h").write_text(
        "".join(f"#define {name} ours_{name}\n" for name in exports))
    (folder / "rename_no_more.h").write_text("".join(f"#undef {name}\n" for name in exports))
    return [f"in the manifest or the stock header alone: {name}"
            for name in sorted(set(exports) ^ set(declared) ^ UNDOCUMENTED)]


def compare(machine: str, unicode: bool) -> str:
    """What differs from the stock header, or nothing."""
    ours = f'"{INCLUDE / "ntdsbcli.h"}"'
    compiler = f"{machine}-w64-mingw32-g++-posix"
    stock = Stock(compiler, unicode)
    wrong, values = compare_macros(stock, ours)
    with tempfile.TemporaryDirectory() as name:
        wrong += write_lists(pathlib.Path(name), stock, values)
        status, output = run([
            *stock.compiler, "-std=gnu++20", "-Wall", "-Wextra", "-Werror", "-fsyntax-only",
            f"-I{name}", f"-I{HERE}", f'-DNTDSB_STOCK_HEADER="{stock.path}"',
            f"-DNTDSB_OUR_HEADER={ours}", str(HERE / "compare_headers.cpp")])
    return "\n".join([*wrong, *([output] if status else [])])


# --------------------------------------------------------------------------------------------------


class Tally:
    def __init__(self) -> None:
        self.counts = {"ok": 0, "FAIL": 0, "SKIP": 0}

    def add(self, name: str, state: str, output: str = "") -> None:
        self.counts[state] += 1
        print(f"{state:4} {name}", flush=True)
        if output and state == "FAIL":
            print("     " + "\n     ".join(output.splitlines()[:8]))


def main() -> int:
    parser = argparse.ArgumentParser(description="Compiles the public headers everywhere.")
    parser.add_argument("--filter", default="", help="only combinations that match")
    parser.add_argument("-j", type=int, default=2, help="how many compilers at a time")
    options = parser.parse_args()
    tally = Tally()
    cases = [case for case in (*matrix(), *headers_alone()) if re.search(options.filter, case.name)]
    missing = {case.command[0] for case in cases if not shutil.which(case.command[0])}
    with concurrent.futures.ThreadPoolExecutor(options.j) as pool:
        results = pool.map(
            lambda case: (1, "") if case.command[0] in missing else run(case.command, case.source),
            cases)
        for case, (status, output) in zip(cases, results):
            if case.command[0] in missing:
                tally.add(f"{case.name}: {case.command[0]} is not installed", "SKIP")
            else:
                tally.add(case.name, "FAIL" if status else "ok", output)
    for machine in ("x86_64", "i686"):
        for unicode in (False, True):
            name = f"same as mingw-w64's headers: {machine} {'W' if unicode else 'A'}"
            if not re.search(options.filter, name):
                continue
            if not shutil.which(f"{machine}-w64-mingw32-g++-posix"):
                tally.add(f"{name}: the compiler is not installed", "SKIP")
                continue
            output = compare(machine, unicode)
            tally.add(name, "FAIL" if output else "ok", output)
    passed, failed, skipped = tally.counts.values()
    print(f"{passed} passed, {failed} failed, {skipped} skipped")
    return 1 if failed else 0


if __name__ == "__main__":
    sys.exit(main())
