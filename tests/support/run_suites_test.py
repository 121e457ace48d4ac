#!/usr/bin/env python3
"""Holds the test runner to its word: what crashes, hangs or runs no test is a failure, and counts are summed as printed."""
import contextlib
import io
import json
import pathlib
import sys
import tempfile
import unittest

import run_suites


def gtest_report(*tests: dict) -> str:
    return json.dumps({"testsuites": [{"name": "Suite", "testsuite": list(tests)}]})


class RunSuites(unittest.TestCase):
    def setUp(self):
        self.folder = tempfile.TemporaryDirectory()
        self.addCleanup(self.folder.cleanup)
        self.work = pathlib.Path(self.folder.name) / "work"

    def run_shell(self, kind: str, script: str, timeout: float = 60):
        suite = run_suites.Suite("made", "native", kind, False, [], ["/bin/sh", "-c", script])
        outcome = run_suites.run(suite, self.work, timeout)
        return (outcome.passed, outcome.failed, outcome.skipped), "\n".join(outcome.notes)

    def run_gtest(self, report: str, status: int = 0):
        return self.run_shell("gtest", f"cat > gtest.json <<'END'\n{report}\nEND\nexit {status}")

    def test_script_counts_are_taken_from_the_last_line(self):
        self.assertEqual(self.run_shell("script", "echo 9 passed, 9 failed; echo 3 passed, 0 failed, 2 skipped")[0], (3, 0, 2))

    def test_script_that_fails_without_a_failed_test_is_a_failure(self):
        counts, notes = self.run_shell("script", "echo 3 passed, 0 failed; exit 4")
        self.assertEqual(counts, (3, 1, 0))
        self.assertIn("status 4", notes)

    def test_script_without_the_closing_line_is_a_failure(self):
        self.assertEqual(self.run_shell("script", "echo all is well")[0], (0, 1, 0))

    def test_no_test_at_all_is_a_failure(self):
        self.assertEqual(self.run_shell("script", "echo 0 passed, 0 failed, 0 skipped")[0], (0, 1, 0))
        self.assertEqual(self.run_gtest(gtest_report())[0], (0, 1, 0))

    def test_hang_is_a_failure_and_its_processes_are_ended(self):
        counts, notes = self.run_shell("script", "sleep 600 & sleep 600; echo 1 passed, 0 failed", timeout=0.5)
        self.assertEqual(counts, (0, 1, 0))
        self.assertIn("still running", notes)

    def test_crash_is_a_failure_that_shows_the_output(self):
        counts, notes = self.run_shell("gtest", "echo last words; kill -SEGV $$")
        self.assertEqual(counts, (0, 1, 0))
        self.assertIn("last words", notes)

    def test_missing_program_is_a_failure(self):
        suite = run_suites.Suite("made", "native", "gtest", False, [], ["/nonexistent/program"])
        self.assertEqual(run_suites.run(suite, self.work).failed, 1)

    def test_gtest_report_is_counted_test_by_test(self):
        counts, notes = self.run_gtest(gtest_report(
            {"name": "Good", "status": "RUN", "result": "COMPLETED"},
            {"name": "Bad", "status": "RUN", "result": "COMPLETED", "failures": [{"failure": "why"}]},
            {"name": "Later", "status": "RUN", "result": "SKIPPED"},
            {"name": "DISABLED_Never", "status": "NOTRUN", "result": "SUPPRESSED"}), status=1)
        self.assertEqual(counts, (1, 1, 1))
        self.assertIn("failed: Suite.Bad\n  why", notes)

    def test_sanitizer_report_after_good_tests_is_a_failure(self):
        counts, _ = self.run_gtest(gtest_report({"name": "Good", "status": "RUN", "result": "COMPLETED"}), status=66)
        self.assertEqual(counts, (1, 1, 0))

    def test_thread_sanitizer_runs_only_concurrent_suites(self):
        suites = pathlib.Path(self.folder.name) / "suites"
        suites.mkdir()
        for name, concurrent in (("alone", False), ("together", True)):
            (suites / f"{name}.json").write_text(json.dumps(
                {"name": name, "flavour": "tsan", "kind": "gtest", "concurrent": concurrent, "targets": [], "command": []}))
        self.assertEqual([suite.name for suite in run_suites.load_suites([suites.parent], "")], ["together"])

    def test_suites_that_need_a_prefix_come_last_and_hold_it(self):
        told, ran = [], []
        for name, fake in (("tell_wine", lambda flavour, what: told.append((flavour, what, len(ran)))),
                           ("run", lambda suite, work: ran.append(suite.name) or run_suites.Outcome(1)),
                           ("TOP", pathlib.Path(self.folder.name))):
            self.addCleanup(setattr, run_suites, name, getattr(run_suites, name))
            setattr(run_suites, name, fake)
        suites = [run_suites.Suite(name, "asan", "gtest", False, [], [], wine=wine)
                  for name, wine in (("a", "x86"), ("b", ""), ("c", "x64"), ("d", "x64"))]
        with contextlib.redirect_stdout(io.StringIO()):
            run_suites.run_flavour("asan", suites)
        self.assertEqual(ran, ["b", "c", "d", "a"])
        self.assertEqual(told, [("x64", "--start", 1), ("x64", "--stop", 3), ("x86", "--start", 3), ("x86", "--stop", 4)])

    def test_filter_that_fits_nothing_is_a_failure(self):
        out = io.StringIO()
        arguments, sys.argv = sys.argv, ["run_suites.py", "--filter", "nothing", self.folder.name]
        self.addCleanup(setattr, sys, "argv", arguments)
        with contextlib.redirect_stdout(out):
            self.assertEqual(run_suites.main(), 1)
        self.assertEqual(out.getvalue().splitlines()[-1], "0 passed, 1 failed, 0 skipped")

    def test_saved_outcomes_are_summed_up_and_a_lost_file_is_a_failure(self):
        kept = pathlib.Path(self.folder.name) / "kept.json"
        made = run_suites.Suite("made", "native", "script", False, [], [])
        run_suites.save([(made, run_suites.Outcome(3, 1, 2))], kept)
        rows = run_suites.load(kept) + run_suites.load(kept.with_name("lost.json"))
        out = io.StringIO()
        with contextlib.redirect_stdout(out):
            self.assertEqual(run_suites.print_sum(rows), 1)
        self.assertEqual(out.getvalue().splitlines()[-1], "3 passed, 2 failed, 2 skipped")


if __name__ == "__main__":
    result = unittest.main(exit=False, verbosity=0).result
    bad = len(result.failures) + len(result.errors)
    print(f"{result.testsRun - bad} passed, {bad} failed, 0 skipped", flush=True)
    sys.exit(1 if bad else 0)
