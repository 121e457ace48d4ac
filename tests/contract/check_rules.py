#!/usr/bin/env python3
"""Every rule of def/contract.md is cited by a test, and every rule that is cited anywhere exists.

A test cites a rule in its name (`..._REG4`) or beside itself (`REG-4`); what a file says of itself at its top, a range (`REG-6..8`) and prose do not count. Last line: `N passed, N failed, N skipped`.
"""
import pathlib
import re
import sys

TOP = pathlib.Path(__file__).resolve().parents[2]
SOURCES = {".c", ".cpp", ".h", ".py", ".sh", ".idl", ".md", ".txt"}
# What no test here can show, and the contract says so itself.
UNPROVEN = {"DC-3"}


def rules(contract: str) -> set[str]:
    """The ids that the contract gives out: in bold, or in the first column of a table."""
    return set(re.findall(r"(?:\*\*|^\| )([A-Z]{2,7}-\d+)(?:\*\*| \|)", contract, re.MULTILINE))


def cited(text: str) -> set[str]:
    found = {f"{family}-{number}" for family, number in re.findall(r"(?:\b|_)([A-Z]{2,7})-(\d+)\b", text)}
    found |= {f"{family}-{number}" for family, number in re.findall(r"_([A-Z]{2,7})(\d+)(?=_|\b)", text)}
    for family, first, last in re.findall(r"\b([A-Z]{2,7})-(\d+)\.\.(?:[A-Z]+-)?(\d+)", text):
        found |= {f"{family}-{number}" for number in range(int(first), int(last) + 1)}
    return found


def without_preamble(text: str) -> str:
    lines = text.splitlines()
    while lines and lines[0].startswith(("//", "#!", "# ", '"""')):
        lines.pop(0)
    return re.sub(r"\b[A-Z]{2,7}-\d+\.\.(?:[A-Z]+-)?\d+", "", "\n".join(lines))


def tests_citations() -> set[str]:
    found: set[str] = set()
    for file in sorted((TOP / "tests").rglob("*")):
        if file.suffix in SOURCES - {".md", ".txt"} and file != pathlib.Path(__file__).resolve():
            found |= cited(without_preamble(file.read_text(encoding="utf-8", errors="replace")))
    return found


def citations(*folders: str) -> set[str]:
    found: set[str] = set()
    for folder in folders:
        path = TOP / folder
        for file in [path] if path.is_file() else sorted(path.rglob("*")):
            if file.suffix in SOURCES and file != pathlib.Path(__file__).resolve():
                found |= cited(file.read_text(encoding="utf-8", errors="replace"))
    return found


def main() -> int:
    known = rules((TOP / "def/contract.md").read_text(encoding="utf-8"))
    families = {rule.partition("-")[0] for rule in known}
    tested = tests_citations()
    wrong = {f"{rule}: no test cites it": 1 for rule in sorted(known - tested - UNPROVEN)}
    for rule in sorted(citations("src", "include", "tests", "def", "README.md", "SECURITY.md") - known):
        if rule.partition("-")[0] in families:
            wrong[f"{rule}: cited, but not in the contract"] = 1
    # What this check lives on, checked: that it can tell a rule, a citation, and a missing one.
    if cited("TEST(A, b_REG4_COM12) // PATH-1, VER-2..VER-4") != {"REG-4", "COM-12", "PATH-1", "VER-2", "VER-3", "VER-4"}:
        wrong["the pattern of citations is broken"] = 1
    if rules("| REG-1 | x |\n**COM-9** y, REG-7") != {"REG-1", "COM-9"} or len(known) < 100:
        wrong["the pattern of rules is broken"] = 1
    for line in wrong:
        print(f"FAIL {line}")
    print(f"{len(known) - len(UNPROVEN)} rules, {len(wrong)} faults")
    passed = max(len(known) - len(UNPROVEN) - len(wrong), 0)
    print(f"{passed} passed, {len(wrong)} failed, {len(UNPROVEN)} skipped")
    return 1 if wrong else 0


if __name__ == "__main__":
    sys.exit(main())
