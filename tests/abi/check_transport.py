"""Compares ntdsb/transport.h with a version's frozen table of it, transport.txt: where each member of
its structures lies, how large it is and of which type, and the codes. The compiler is asked for what
it makes of today's header, and nothing is run: so this holds x86 and x64 Windows, too, on any machine.
"""
import pathlib
import subprocess
from typing import NamedTuple

MARK = "#frozen"


class Row(NamedTuple):
    name: str  # STRUCTURE, STRUCTURE.MEMBER or a code
    bits64: str
    bits32: str
    type: str  # of a member, in C

    def expressions(self) -> list[str]:
        """What the compiler shall compute: size; or offset, size and whether the type fits; or value."""
        structure, _, member = self.name.partition(".")
        if not member:
            return [structure if structure.isupper() else f"sizeof({structure})"]
        value = f"(({structure} *)0)->{member}"
        return [f"offsetof({structure}, {member})", f"sizeof({value})",
                f"__builtin_types_compatible_p(__typeof__({value}), {self.type})"]


def read_table(path: pathlib.Path) -> list[Row]:
    lines = [line for line in path.read_text(encoding="utf-8").splitlines()
             if line and not line.startswith("#")]
    return [Row(*[*line.split(maxsplit=3), ""][:4]) for line in lines]


def source(rows: list[Row]) -> str:
    """A comment in the assembler's text for each row: `#frozen NUMBER VALUE...`."""
    lines = ["#include <stddef.h>", "#include <ntdsb/transport.h>",
             "#ifdef _WIN32", "#define CDECL __cdecl", "#else", "#define CDECL", "#endif",
             "void ask(void) {"]
    for number, expressions in enumerate([["sizeof(void *)"], *(row.expressions() for row in rows)]):
        places = " ".join(f"%c{place}" for place in range(len(expressions)))
        values = ", ".join(f'"i"({expression})' for expression in expressions)
        lines.append(f'__asm__ volatile("{MARK} {number} {places}" : : {values});')
    return "\n".join([*lines, "}\n"])


def ask(compiler: str, include: pathlib.Path, rows: list[Row]) -> list[list[int]]:
    done = subprocess.run([compiler, "-std=gnu11", "-O0", "-S", "-x", "c", "-I", str(include), "-o", "-", "-"],
                          input=source(rows), stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True,
                          check=False)
    if done.returncode != 0:
        raise RuntimeError(done.stderr)
    answers = {}
    for line in done.stdout.splitlines():
        words = line.split()
        if words[:1] == [MARK]:
            answers[int(words[1])] = [int(word) for word in words[2:]]
    return [answers[number] for number in range(len(rows) + 1)]


def difference(row: Row, expected: str, answer: list[int]) -> str:
    if len(answer) == 3:
        found = f"{answer[0]}+{answer[1]}"
        if found != expected:
            return f"{row.name} is at {found} (offset+size), not {expected}"
        return "" if answer[2] else f"{row.name} is of another type than {row.type}"
    # H-5: a structure may grow at its end.
    if row.name.isupper() and answer[0] != int(expected) or answer[0] < int(expected):
        return f"{row.name} is {answer[0]}, not {expected}"
    return ""


def compare(table: pathlib.Path, include: pathlib.Path, compiler: str) -> str:
    """What is not as frozen, or nothing."""
    rows = read_table(table)
    try:
        (pointer,), *answers = ask(compiler, include, rows)
    except RuntimeError as error:
        return str(error)
    column = {8: "bits64", 4: "bits32"}[pointer]
    wrong = [difference(row, getattr(row, column), answer) for row, answer in zip(rows, answers)]
    return "\n".join(filter(None, wrong))
