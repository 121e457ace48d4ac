#!/usr/bin/env python3
"""Every rule of def/contract.md has a test that cites it, and every rule that is cited anywhere exists.

A test cites a rule in its name (`..._REG4`) or in a comment beside it or in it (`REG-4`). What a file's opening comment
says it is about proves nothing, nor does a range (`REG-6..8`). Last line: `N passed, N failed, N skipped`.
"""
import pathlib
import re
import sys
import tempfile
import unittest

TOP = pathlib.Path(__file__).resolve().parents[2]
TESTS = {".c", ".cpp", ".h", ".py", ".sh"}
SOURCES = TESTS | {".idl", ".in", ".md", ".mc", ".txt"}
# What no test here can show, and the contract says so itself.
UNPROVEN = {"DC-3"}

OPENING = re.compile(r'\A(?:#![^\n]*\n)?(?:(?:(?://|# )[^\n]*\n)+|/\*.*?\*/|""".*?""")', re.DOTALL)
RANGE = re.compile(r"\b([A-Z]{2,7})-(\d+)\.\.(?:[A-Z]+-)?(\d+)")


def rules(contract: str) -> set[str]:
    """The ids that the contract gives out: in bold, or in the first column of a table."""
    return set(re.findall(r"(?:\*\*|^\| )([A-Z]{2,7}-\d+)(?:\*\*| \|)", contract, re.MULTILINE))


def cited(text: str) -> set[str]:
    found = {f"{family}-{number}" for family, number in re.findall(r"(?:\b|_)([A-Z]{2,7})-(\d+)\b", text)}
    found |= {f"{family}-{number}" for family, number in re.findall(r"_([A-Z]{2,7})(\d+)(?=_|\b)", text)}
    for family, first, last in RANGE.findall(text):
        found |= {f"{family}-{number}" for number in range(int(first), int(last) + 1)}
    return found


def files(top: pathlib.Path, *folders: str):
    for folder in folders:
        path = top / folder
        for file in [path] if path.is_file() else sorted(path.rglob("*")):
            if file.suffix in SOURCES and file.is_file() and file != pathlib.Path(__file__).resolve():
                yield file, file.read_text(encoding="utf-8", errors="replace")


def faults(top: pathlib.Path) -> tuple[set[str], list[str]]:
    """The contract's rules, and a line for each that no test cites and each that is cited and is none."""
    known = rules((top / "def/contract.md").read_text(encoding="utf-8"))
    families = {rule.partition("-")[0] for rule in known}
    proven: set[str] = set()
    for file, text in files(top, "tests"):
        if file.suffix in TESTS:
            proven |= cited(RANGE.sub("", OPENING.sub("", text, count=1)))
    found = [f"{rule}: no test cites it" for rule in sorted(known - proven - UNPROVEN)]
    for file, text in files(top, "src", "include", "tests", "def", "README.md", "SECURITY.md"):
        for rule in sorted(cited(text) - known):
            if rule.partition("-")[0] in families:
                found.append(f"{rule}: cited by {file.relative_to(top)}, but not in the contract")
    return known, found


class CheckRules(unittest.TestCase):
    """That this check can fail."""

    def faults_of(self, contract: str, test: str, source: str = "") -> list[str]:
        with tempfile.TemporaryDirectory() as folder:
            top = pathlib.Path(folder)
            for name, text in (("def/contract.md", contract), ("tests/a_test.cpp", test), ("src/a.cpp", source)):
                (top / name).parent.mkdir(exist_ok=True)
                (top / name).write_text(text, encoding="utf-8")
            return faults(top)[1]

    def test_rules_are_in_bold_or_in_a_first_column(self):
        self.assertEqual(rules("| REG-1 | x |\n**COM-9** y, REG-7"), {"REG-1", "COM-9"})

    def test_names_comments_and_ranges_cite(self):
        self.assertEqual(cited("TEST(A, b_REG4_COM12) // PATH-1, VER-2..VER-4, REC-3..4"),
                         {"REG-4", "COM-12", "PATH-1", "VER-2", "VER-3", "VER-4", "REC-3", "REC-4"})

    def test_rule_with_a_test_is_no_fault(self):
        self.assertEqual(self.faults_of("**COM-9** x", "// About.\nTEST(A, b_COM9) {}\n", "// COM-9"), [])
        self.assertEqual(self.faults_of("**COM-9** x", "// About.\n\n// COM-9\nTEST(A, b) {}\n"), [])

    def test_rule_without_a_test_is_a_fault(self):
        self.assertEqual(self.faults_of("**COM-9** x\n**COM-1** y", "// About.\nTEST(A, b_COM1) {}\n"),
                         ["COM-9: no test cites it"])
        self.assertEqual(self.faults_of("**COM-9** x", "TEST(A, b_COM90) {}\n")[0], "COM-9: no test cites it")

    def test_range_proves_nothing(self):
        self.assertEqual(self.faults_of("**COM-9** x\n**COM-10** y", "// About.\n\n// COM-9..10\nTEST(A, b) {}\n"),
                         ["COM-10: no test cites it", "COM-9: no test cites it"])

    def test_opening_comment_proves_nothing(self):
        for opening in ("// COM-9\n// more\n", "/* COM-9\n * more */\n", '#!/usr/bin/env python3\n"""COM-9\n"""\n'):
            self.assertEqual(self.faults_of("**COM-9** x", opening + "TEST(A, b) {}\n"), ["COM-9: no test cites it"])

    def test_cited_rule_that_is_none_is_a_fault(self):
        self.assertEqual(self.faults_of("**COM-9** x", "// About.\nTEST(A, b_COM9) {}\n", "// COM-99"),
                         ["COM-99: cited by src/a.cpp, but not in the contract"])


def main() -> int:
    own = unittest.main(argv=sys.argv[:1], exit=False, verbosity=0).result
    broken = len(own.failures) + len(own.errors)
    known, found = faults(TOP)
    if len(known) < 100:
        found.append(f"only {len(known)} rules found in the contract")
    for line in found:
        print(f"FAIL {line}")
    rest = max(len(known) - len(UNPROVEN) - len(found), 0)
    print(f"{rest + own.testsRun - broken} passed, {len(found) + broken} failed, {len(UNPROVEN)} skipped", flush=True)
    return 1 if found or broken else 0


if __name__ == "__main__":
    sys.exit(main())
