#!/usr/bin/env python3
"""Which lines are reached (`./dev coverage`): by each fuzz target from its corpora, and by the native suites.

Needs a build of the preset native-coverage. Writes out/coverage/fuzz.html/, out/coverage/suites.html/ and the tables as
text beside them; the lines of a target's own sources that no input reaches are in out/coverage/TARGET.unreached.txt.
"""
import argparse
import json
import os
import pathlib
import re
import shutil
import subprocess
import sys
import tempfile

TOP = pathlib.Path(__file__).resolve().parents[2]


def tool(name):
    return shutil.which(name) or shutil.which(f"{name}-14") or sys.exit(f"{name} is missing: run ./dev setup")


class Coverage:
    def __init__(self, build, out):
        self.bin, self.out = build / "bin", out
        shutil.rmtree(out, ignore_errors=True)
        out.mkdir(parents=True)

    def merge(self, name, raw):
        profile = self.out / f"{name}.profdata"
        subprocess.run([tool("llvm-profdata"), "merge", "-sparse", "-failure-mode=all", "-o", profile,
                        *sorted(raw.glob("*.profraw"))], check=True, stderr=subprocess.DEVNULL)
        shutil.rmtree(raw)
        return profile

    def llvm_cov(self, command, profile, programs, *arguments):
        objects = [argument for program in programs[1:] for argument in ("-object", program)]
        return subprocess.run([tool("llvm-cov"), command, programs[0], *objects, f"-instr-profile={profile}", *arguments],
                              check=True, capture_output=True, text=True).stdout

    def files(self, profile, programs):
        """{source below the project: (lines, reached)}"""
        data = json.loads(self.llvm_cov("export", profile, programs, "-summary-only"))
        found = {}
        for file in data["data"][0]["files"]:
            path = pathlib.Path(os.path.normpath(file["filename"]))  # some begin at the build's folder
            if path.is_relative_to(TOP / "src"):
                lines = file["summary"]["lines"]
                found[str(path.relative_to(TOP))] = (lines["count"], lines["covered"])
        return found

    def unreached(self, profile, programs, sources):
        """"FILE:LINE: text" of each line that was never run."""
        shown = self.llvm_cov("show", profile, programs, *(TOP / source for source in sources))
        found, file = [], sources[0] if sources else ""
        for line in shown.splitlines():
            if line.startswith("/") and line.endswith(":"):
                file = os.path.relpath(line[:-1], TOP)
            elif match := re.match(r" *(\d+)\| *0\|(.*)$", line):
                found.append(f"{file}:{match[1]}:{match[2]}")
        return found

    def html(self, name, profile, programs):
        self.llvm_cov("show", profile, programs, "-format=html", f"-output-dir={self.out / name}.html",
                      "-ignore-filename-regex=^(?!" + str(TOP / "src") + "/)")


def percent(pair):
    return f"{100 * pair[1] / pair[0]:.1f}" if pair[0] else "-"


def fuzz(coverage):
    replay = coverage.bin / "fuzz_replay"
    programs = [replay, coverage.bin / "libntdsbcli.so"]
    listed = subprocess.run([replay, "--list"], check=True, capture_output=True, text=True,
                            env=dict(os.environ, LLVM_PROFILE_FILE=os.devnull)).stdout
    shared = "/dev/shm" if os.access("/dev/shm", os.W_OK) else None
    table = [f"{'target':<20} {'lines':>6} {'reached':>8} {'%':>6}"]
    everything = coverage.out / "raw-fuzz"
    everything.mkdir()
    for line in listed.splitlines():
        target, sources = line.split(" ", 1)
        raw = coverage.out / f"raw-{target}"
        with tempfile.TemporaryDirectory(prefix="ntdsb-coverage-", dir=shared) as scratch:
            environment = dict(os.environ, LLVM_PROFILE_FILE=str(raw / "%m.profraw"), NTDSB_TEST_TMP=scratch)
            for corpus in (TOP / "tests" / "fuzz" / "corpus", TOP / "out" / "fuzz"):
                if (corpus / target).is_dir() and any((corpus / target).iterdir()):
                    subprocess.run([replay, corpus, "--runs", "0", target], check=True, env=environment, cwd=scratch,
                                   stdout=subprocess.DEVNULL)
        for number, file in enumerate(raw.iterdir()):
            shutil.copy(file, everything / f"{target}-{number}.profraw")
        profile = coverage.merge(target, raw)
        own = {file: lines for file, lines in coverage.files(profile, programs).items() if re.search(sources, file)}
        if not own:
            sys.exit(f"{target} names sources that nothing was compiled of: {sources} (fuzz.cpp)")
        lines = tuple(map(sum, zip(*own.values())))
        table.append(f"{target:<20} {lines[0]:>6} {lines[1]:>8} {percent(lines):>6}")
        left = coverage.unreached(profile, programs, sorted(own))
        (coverage.out / f"{target}.unreached.txt").write_text("\n".join(left) + "\n")
    profile = coverage.merge("fuzz", everything)
    coverage.html("fuzz", profile, programs)
    (coverage.out / "fuzz.txt").write_text("\n".join(table) + "\n")
    print("\n".join(f"  {line}" for line in table))


def suites(coverage, build, regex):
    raw = coverage.out / "raw-suites"
    environment = dict(os.environ, LLVM_PROFILE_FILE=str(raw / "%m-%p.profraw"))
    subprocess.run([sys.executable, TOP / "tests/support/run_suites.py", "--filter", regex, build], env=environment,
                   stdout=open(coverage.out / "suites.log", "wb"), check=False)
    programs = [coverage.bin / "libntdsbcli.so", coverage.bin / "ntdsbctl", coverage.bin / "ntdsbsrv"]
    programs += sorted(file for file in coverage.bin.glob("unit_*") if file.is_file())
    programs = [program for program in programs if program.exists()]
    profile = coverage.merge("suites", raw)
    layers = {}
    for file, lines in coverage.files(profile, programs).items():
        layer = file.split("/")[1]
        layers[layer] = tuple(map(sum, zip(layers.get(layer, (0, 0)), lines)))
    layers["all"] = tuple(map(sum, zip(*layers.values())))
    table = [f"{'layer':<20} {'lines':>6} {'reached':>8} {'%':>6}"]
    table += [f"{layer:<20} {lines[0]:>6} {lines[1]:>8} {percent(lines):>6}" for layer, lines in layers.items()]
    coverage.html("suites", profile, programs)
    (coverage.out / "suites.txt").write_text("\n".join(table) + "\n")
    print("\n".join(f"  {line}" for line in table))


def main():
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--build", type=pathlib.Path, required=True)
    parser.add_argument("--out", type=pathlib.Path, required=True)
    parser.add_argument("--suites", metavar="REGEX", help="also the suites that match")
    arguments = parser.parse_args()
    coverage = Coverage(arguments.build.resolve(), arguments.out.resolve())
    fuzz(coverage)
    if arguments.suites:
        suites(coverage, arguments.build.resolve(), arguments.suites)


if __name__ == "__main__":
    main()
