#!/usr/bin/env python3
"""Runs fuzz targets under libFuzzer, several at a time, and says what came of it (`./dev fuzz`).

A target's corpus grows in out/fuzz/TARGET. What it adds to the committed one (tests/fuzz/corpus/TARGET) is copied there,
as long as that stays small. An input that breaks something is kept in out/fuzz-findings/TARGET. Processor time and runs
of each target are added up in tests/fuzz/TIMES.md.
"""
import argparse
import concurrent.futures
import dataclasses
import os
import pathlib
import re
import shutil
import subprocess
import sys
import tempfile
import time

FUZZ = pathlib.Path(__file__).resolve().parent
TIMES = FUZZ / "TIMES.md"
LONGEST_INPUT = 4096
LARGEST_CORPUS = 96 * 1024  # of a target, committed
LONGEST_RUN_S = 30
TIMES_HEAD = """# How long each target was fuzzed

Added up by `./dev fuzz`: processor seconds under libFuzzer, not the time on the wall. Edges are those of the last run.

| target | processor s | runs | edges |
|---|---|---|---|
"""


@dataclasses.dataclass
class Outcome:
    target: str
    seconds: float = 0.0  # of processor time
    wall: float = 0.0
    runs: int = 0
    edges: int = 0
    added: int = 0  # files, to the committed corpus
    findings: list[pathlib.Path] = dataclasses.field(default_factory=list)
    told: str = ""


class Fuzzer:
    def __init__(self, program, out, seconds):
        self.program, self.out, self.seconds = program, out, seconds
        shared = "/dev/shm" if os.access("/dev/shm", os.W_OK) else None
        self.scratch = pathlib.Path(tempfile.mkdtemp(prefix="ntdsb-fuzz-", dir=shared))

    def start(self, target, log, *arguments):
        """Runs it to its end; exit code and resource usage."""
        environment = dict(os.environ, NTDSB_FUZZ_TARGET=target, NTDSB_TEST_TMP=str(self.scratch))
        with open(log, "wb") as output:
            process = subprocess.Popen([self.program, *map(str, arguments)], stdout=output, stderr=subprocess.STDOUT,
                                       env=environment, cwd=self.scratch)
            _, status, usage = os.wait4(process.pid, 0)
        process.returncode = os.waitstatus_to_exitcode(status)  # it is waited for
        return process.returncode, usage

    def run(self, target):
        corpus, findings = self.out / "fuzz" / target, self.out / "fuzz-findings" / target
        for folder in (corpus, findings):
            folder.mkdir(parents=True, exist_ok=True)
        committed = FUZZ / "corpus" / target
        before = set(findings.iterdir())
        log = self.out / f"fuzz-{target}.log"
        outcome = Outcome(target)
        start = time.monotonic()
        code, usage = self.start(
            target, log, f"-max_total_time={self.seconds}", f"-timeout={LONGEST_RUN_S}", "-rss_limit_mb=2048",
            f"-max_len={LONGEST_INPUT}", "-print_final_stats=1", f"-artifact_prefix={findings}/", corpus, committed)
        outcome.wall = time.monotonic() - start
        outcome.seconds = usage.ru_utime + usage.ru_stime
        text = log.read_text(errors="replace")
        runs = re.findall(r"^(?:stat::number_of_executed_units: |#)(\d+)", text, re.M)
        outcome.runs = max(map(int, runs), default=0)
        edges = re.findall(r"\bcov: (\d+)", text)
        outcome.edges = int(edges[-1]) if edges else 0
        outcome.findings = sorted(set(findings.iterdir()) - before)
        if code != 0:
            told = re.findall(r"^.*(?:broken:|runtime error:|ERROR: \w+Sanitizer|ERROR: libFuzzer|no end after).*$", text,
                              re.M)
            outcome.told = told[0] if told else f"it ended with {code}; see {log}"
        else:
            outcome.added = self.minimise(target, corpus, committed)
        return outcome

    def minimise(self, target, corpus, committed):
        """Copies from `corpus` what reaches more than `committed` does, smallest first; how many files."""
        more = self.scratch / f"more-{target}"
        shutil.copytree(committed, more)
        self.start(target, self.out / f"fuzz-merge-{target}.log", "-merge=1", f"-max_len={LONGEST_INPUT}",
                   "-use_counters=0", f"-timeout={LONGEST_RUN_S}", more, corpus)
        size = sum(file.stat().st_size for file in committed.iterdir())
        added = 0
        new = [file for file in more.iterdir() if not (committed / file.name).exists()]
        for file in sorted(new, key=lambda file: file.stat().st_size):
            size += file.stat().st_size
            if size > LARGEST_CORPUS:
                break
            shutil.copy(file, committed / file.name[:16])
            added += 1
        shutil.rmtree(more)
        return added


def read_times():
    times = {}
    if TIMES.exists():
        for line in TIMES.read_text().splitlines():
            if match := re.match(r"\| (\w+) \| (\d+) \| (\d+) \| (\d+) \|$", line):
                times[match[1]] = [int(number) for number in match.groups()[1:]]
    return times


def add_times(outcome):
    times = read_times()
    seconds, runs, _ = times.get(outcome.target, (0, 0, 0))
    times[outcome.target] = [seconds + round(outcome.seconds), runs + outcome.runs, outcome.edges]
    lines = [f"| {name} | {' | '.join(map(str, numbers))} |\n" for name, numbers in sorted(times.items())]
    TIMES.write_text(TIMES_HEAD + "".join(lines))


def tell(outcomes, replay):
    print(f"\n  {'target':<20} {'runs':>10} {'a second':>9} {'edges':>6} {'seeds added':>11} {'findings':>8}")
    for one in sorted(outcomes, key=lambda one: one.target):
        rate = one.runs / one.seconds if one.seconds else 0
        print(f"  {one.target:<20} {one.runs:>10} {rate:>9.0f} {one.edges:>6} {one.added:>11} {len(one.findings):>8}")
    broken = [one for one in outcomes if one.told]
    for one in broken:
        print(f"\n  {one.target}: {one.told}")
        for file in one.findings:
            print(f"    to see it again: {replay} --input {file} {one.target}")
    return not broken


def main():
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--bin", type=pathlib.Path, required=True, help="the folder of fuzz and fuzz_replay")
    parser.add_argument("--out", type=pathlib.Path, required=True)
    parser.add_argument("--seconds", type=int, default=60, help="on the wall, for each target")
    parser.add_argument("--jobs", type=int, default=os.cpu_count())
    parser.add_argument("targets", nargs="*")
    arguments = parser.parse_args()
    replay = arguments.bin / "fuzz_replay"
    listed = subprocess.run([replay, "--list"], check=True, capture_output=True, text=True).stdout
    known = [line.split()[0] for line in listed.splitlines()]
    if unknown := set(arguments.targets) - set(known):
        sys.exit(f"run_fuzz.py: there is no target {', '.join(sorted(unknown))}; there are {', '.join(known)}")
    fuzzer = Fuzzer(arguments.bin.resolve() / "fuzz", arguments.out.resolve(), arguments.seconds)
    outcomes = []
    try:
        with concurrent.futures.ThreadPoolExecutor(arguments.jobs) as pool:
            for task in concurrent.futures.as_completed(
                    [pool.submit(fuzzer.run, target) for target in arguments.targets or known]):
                outcome = task.result()
                outcomes.append(outcome)
                add_times(outcome)
                state = "BROKEN" if outcome.told else "ok"
                print(f"  {outcome.target}: {outcome.runs} runs in {outcome.wall:.0f} s, {state}", flush=True)
    finally:
        shutil.rmtree(fuzzer.scratch, ignore_errors=True)
    sys.exit(0 if tell(outcomes, replay) else 1)


if __name__ == "__main__":
    main()
