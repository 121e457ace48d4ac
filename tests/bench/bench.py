#!/usr/bin/env python3
"""Runs the measurements of the builds native-bench, mingw-x64 and mingw-x86, prints a table of all figures, and writes
out/bench/bench.json and a picture of each curve (./dev bench).

    bench.py [--commit-figures] [--list | --from FILE] [REGEX]

REGEX chooses among FLAVOUR/PROGRAM; --list prints `BUILD PROGRAM` of each chosen one and measures nothing; --from shows
the figures of an earlier bench.json instead. --commit-figures also puts the tables into README.md and tests/README.md,
between their `figures` markers, and the pictures into tests/bench/.

A program prints one JSON object a line: a figure (measure.h), or Google Benchmark's own output for the curves.
NTDSB_BENCH_SECONDS is what each figure may take (1; with NTDSB_PROVE=1: 5).
"""
import argparse
import contextlib
import datetime
import json
import os
import pathlib
import platform
import re
import shutil
import subprocess
import sys
import time

import curves
import tables

TOP = pathlib.Path(__file__).resolve().parents[2]
sys.path.insert(0, str(TOP / "tests" / "support"))
import realm

OUT = TOP / "out" / "bench"
WINE_RUN = TOP / "tests" / "support" / "wine-run"
BUILDS = {"native": "native-bench", "x64": "mingw-x64", "x86": "mingw-x86"}
# What is measured, in the table's order.
PROGRAMS = [("x64", "load_library"), ("x86", "load_library"), ("native", "calls"), ("x64", "calls"), ("x86", "calls"),
            ("native", "embedded_reads"), ("x64", "embedded_reads"), ("x86", "embedded_reads"), ("native", "remote"),
            ("x64", "remote"), ("native", "figures"), ("native", "growth")]


def bin_of(flavour):
    return TOP / "out" / "build" / BUILDS[flavour] / "bin"


def seen(flavour, path):
    return str(path) if flavour == "native" else "Z:" + str(path).replace("/", "\\")


def arguments(flavour, program, host):
    library = ".so" if flavour == "native" else ".dll"
    trivial = seen(flavour, bin_of(flavour) / f"trivial_dll{library}")
    return {"load_library": [trivial, seen(flavour, bin_of(flavour) / "ntdsbcli.dll")], "calls": [trivial],
            "remote": host, "growth": ["--benchmark_format=json"]}.get(program, [])


@contextlib.contextmanager
def callers(flavour, program, environment):
    """For the figures with privacy: the environment in which callers and service can prove who they are."""
    if (flavour, program) != ("native", "remote"):
        yield environment
        return
    with realm.Realm() as made:
        yield {**environment, **made.environment}


@contextlib.contextmanager
def other_side(flavour, program, environment, work):
    """For `remote`: the service and the bare peer, natively in both flavours, and the server of widl's stubs where there
    is one. Yields their ports."""
    if program != "remote":
        yield []
        return
    folder, pipes = bin_of("native"), {"stdin": subprocess.PIPE, "stdout": subprocess.PIPE}
    widl_server = bin_of(flavour) / f"widl_{flavour}" / "widl_server.exe"
    with subprocess.Popen([folder / "bench_host", folder / "ntdsbsrv"], env=environment, text=True, **pipes) as host:
        ports = host.stdout.readline().split()
        widl = None
        try:
            if flavour != "native" and widl_server.exists():
                with open(work / "widl_server.txt", "wb") as log:  # a line a call: more than a pipe holds
                    widl = subprocess.Popen([WINE_RUN, flavour, widl_server], stdin=subprocess.DEVNULL, stdout=log)
                ports.append(wait_for(work / "widl_server.txt", rb"listening on .*:(\d+)"))
            yield ports
        finally:
            if widl:
                widl.kill()
                widl.wait()
            host.stdin.close()


def wait_for(file, pattern):
    for _ in range(300):
        if found := re.search(pattern, file.read_bytes()):
            return found[1].decode()
        time.sleep(0.1)
    raise RuntimeError(f"{file} never told {pattern}")


def run(flavour, program, work):
    """The output of one program; raises where it fails."""
    environment = dict(os.environ, NTDSB_TEST_TMP=str(work))
    environment.pop("NTDSBCLI_CONFIG", None)
    environment.setdefault("NTDSB_BENCH_SECONDS", "5" if os.environ.get("NTDSB_PROVE") else "1")
    if program == "growth":
        environment["NTDSB_TEST_SERVER"] = str(bin_of("native") / "ntdsbsrv")
    with callers(flavour, program, environment) as environment, other_side(flavour, program, environment, work) as host:
        command = [bin_of(flavour) / program]
        if flavour != "native":
            command = [WINE_RUN, flavour, f"{command[0]}.exe"]
        environment["NTDSB_TEST_TMP"] = seen(flavour, work)
        done = subprocess.run([*command, *arguments(flavour, program, host)], env=environment, cwd=work, timeout=900,
                              stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, encoding="utf-8", errors="replace")
    if done.returncode:
        raise RuntimeError(f"it ended with status {done.returncode}: {done.stdout[-300:]}")
    return done.stdout


def measure(programs):
    work = OUT / "tmp"
    shutil.rmtree(work, ignore_errors=True)
    work.mkdir(parents=True)
    for folder in (OUT, work):
        folder.chmod(0o700)  # the product trusts no folder that others can write
    figures, drawn, failed = [], [], []
    for flavour, program in programs:
        begun = time.monotonic()
        print(f"  {flavour}/{program}: ", end="", flush=True)
        try:
            output = run(flavour, program, work)
            if program == "growth":
                drawn += curves.from_google(json.loads(output))
            else:
                figures += [dict(json.loads(line), flavour=flavour) for line in output.splitlines() if line[:1] == "{"]
            print(f"{time.monotonic() - begun:.0f} s")
        except (OSError, RuntimeError, ValueError, subprocess.SubprocessError, realm.CannotMake) as error:
            failed.append(f"{flavour}/{program}")
            print(f"FAILED: {error}")
    shutil.rmtree(work, ignore_errors=True)
    return {"date": datetime.date.today().isoformat(), "machine": machine(), "figures": figures, "curves": drawn}, failed


def machine():
    info = pathlib.Path("/proc/cpuinfo").read_text()
    model = re.search(r"model name\s*: (.*)", info)
    wine = subprocess.run(["wine", "--version"], capture_output=True, text=True).stdout.split() if shutil.which("wine") else []
    return (f"{os.cpu_count()} processors ({model[1] if model else platform.machine()}), Linux {platform.release()}, "
            f"{' '.join(wine[:1]) or 'no Wine'}, load {os.getloadavg()[0]:.1f} at the end")


def main():
    parser = argparse.ArgumentParser(usage=__doc__)
    parser.add_argument("regex", nargs="?", default="")
    for option in ("--commit-figures", "--list"):
        parser.add_argument(option, action="store_true")
    parser.add_argument("--from", dest="earlier", type=pathlib.Path)
    options = parser.parse_args()
    programs = [(flavour, program) for flavour, program in PROGRAMS if re.search(options.regex, f"{flavour}/{program}")]
    if options.list:
        for flavour, program in programs:
            print(BUILDS[flavour], program)
            if program == "remote":
                print(BUILDS["native"], "bench_host")
                if flavour != "native":
                    print(BUILDS[flavour], f"widl_programs_{flavour}")
        return 0
    failed = []
    if options.earlier:
        result = json.loads(options.earlier.read_text(encoding="utf-8"))
    else:
        result, failed = measure(programs)
        (OUT / "bench.json").write_text(json.dumps(result, indent=1), encoding="utf-8")
    pictures = curves.draw(result["curves"], OUT)
    print(tables.for_terminal(result))
    if options.commit_figures and not failed:
        for picture in pictures:
            shutil.copy(picture, TOP / "tests" / "bench")
        tables.commit(result, TOP / "README.md", tables.short)
        tables.commit(result, TOP / "tests" / "README.md", tables.whole)
    if failed:
        print("not measured:", ", ".join(failed))
    return 1 if failed else 0


sys.exit(main())
