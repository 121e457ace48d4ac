#!/usr/bin/env python3
"""Builds msvc_client.c for MSVC's target with clang, links it with lld-link against our
ntdsbcli.lib, as users of MSVC do, and runs it with the DLL beside it (contract ABI-2).

    msvc_link.py x64|x86 LIBRARY DLL WORK_FOLDER -- [RUNNER...]

LIBRARY is ntdsbcli.lib; the runner is what starts Windows programs (Wine). The last line is
`N passed, N failed, N skipped`.
"""
import pathlib
import shutil
import subprocess
import sys

HERE = pathlib.Path(__file__).resolve().parent
INCLUDE = HERE.parents[1] / "include"
TRIPLES = {"x64": "x86_64-pc-windows-msvc", "x86": "i686-pc-windows-msvc"}
# kernel32.lib comes with the Windows SDK: of it one function is needed.
KERNEL32 = {"x64": ("i386:x86-64", "ExitProcess"), "x86": ("i386", "ExitProcess@4")}


class Tools:
    def __init__(self) -> None:
        self.missing: list[str] = []
        self.clang = self.find("clang", "clang-14")
        self.lld_link = self.find("lld-link", "lld-link-14")
        self.dlltool = self.find("llvm-dlltool", "llvm-dlltool-14")

    def find(self, *names: str) -> str:
        found = next((path for name in names if (path := shutil.which(name))), None)
        if not found:
            self.missing.append(names[0])
        return found or names[0]


def steps(tools: Tools, flavour: str, library: str,
          work: pathlib.Path) -> list[tuple[str, list[str]]]:
    machine, function = KERNEL32[flavour]
    (work / "kernel32.def").write_text(f"LIBRARY kernel32.dll\nEXPORTS\n    {function}\n")
    # The entry point's name is decorated by the linker, as C's are.
    return [
        ("a kernel32.lib is made", [
            tools.dlltool, "-m", machine, "-k", "-d", str(work / "kernel32.def"),
            "-D", "kernel32.dll", "-l", str(work / "kernel32.lib")]),
        ("it compiles", [
            tools.clang, f"--target={TRIPLES[flavour]}", "-c", "-O1", "-Wall", "-Wextra", "-Werror",
            f"-I{INCLUDE}", "-isystem", str(HERE / "msvc_shim"), str(HERE / "msvc_client.c"),
            "-o", str(work / "msvc_client.obj")]),
        ("it links", [
            tools.lld_link, "/nologo", "/nodefaultlib", "/subsystem:console", "/entry:entry",
            f"/machine:{flavour}", *(["/safeseh:no"] if flavour == "x86" else []),
            f"/out:{work / 'msvc_client.exe'}", str(work / "msvc_client.obj"), library,
            str(work / "kernel32.lib")]),
    ]


def main() -> int:
    try:
        split = sys.argv.index("--")
        flavour, library, dll, folder = sys.argv[1:split]
    except ValueError:
        print(__doc__, file=sys.stderr)
        return 2
    tools = Tools()
    if tools.missing:
        print(f"SKIP linking as MSVC does: {', '.join(tools.missing)} not installed")
        print("0 passed, 0 failed, 1 skipped")
        return 0
    work = pathlib.Path(folder)
    work.mkdir(parents=True, exist_ok=True)
    shutil.copy(dll, work / "ntdsbcli.dll")
    run = [*sys.argv[split + 1:], str(work / "msvc_client.exe")]
    passed = 0
    for what, command in [*steps(tools, flavour, library, work), ("it runs", run)]:
        done = subprocess.run(command, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True,
                              errors="replace", check=False)
        if done.returncode:
            print(f"FAIL {what}: status {done.returncode} of {' '.join(command)}\n{done.stdout}")
            print(f"{passed} passed, 1 failed, 0 skipped")
            return 1
        print(f"ok   {what}")
        passed += 1
    print(f"{passed} passed, 0 failed, 0 skipped")
    return 0


if __name__ == "__main__":
    sys.exit(main())
