#!/usr/bin/env python3
"""Holds the golden messages against an independent NDR implementation, impacket.

Each message is built from impacket's classes and compared to its golden, and the golden is read by impacket and
written again. Octets that a golden's comment calls padding may hold anything and are not compared. Skips where
impacket (Debian's python3-impacket) is not installed. Prints "N passed, N failed, N skipped".
"""
import pathlib
import sys

GOLDEN = pathlib.Path(__file__).resolve().parents[2] / "golden"

try:
    from impacket.dcerpc.v5.dtypes import LONG, ULONG
    from impacket.dcerpc.v5.ndr import NDRCALL, NDRUHYPER
except ImportError as error:
    print(f"skipped: impacket is not installed for {sys.executable} ({error})")
    print(f"0 passed, 0 failed, {len(list(GOLDEN.glob('*.hex')))} skipped")
    sys.exit(0)

sys.path.insert(0, str(GOLDEN.parent / "interop"))
from ntdsb_impacket import List, Octets, Pair, Pairs, Session, Text, Token

HANDLE = bytes(range(0x11, 0x21))
NONE = bytes(16)
TOKEN = b"\xde\xad\xbe\xef\x01"
SESSION, RESULT = ("session", Session), ("status", LONG)
LIST_REPLY = (("count", ULONG), ("list", List), RESULT)
END_REPLY = (SESSION, RESULT)
DATABASE = "Dc:\\ntds\\ntds.dit\0"

# Name of the golden, its parameters in order, their values.
MESSAGES = [
    ("restore.00.request", (("instance", Text),), ["lds1"]),
    ("restore.00.reply", (("online", ULONG), RESULT), [1, 0]),
    ("restore.01.request", (("instance", Text), ("flags", ULONG), ("size", ULONG), ("token", Token)),
     ["", 4, 5, TOKEN]),
    ("restore.01.request.restricted", (("instance", Text), ("flags", ULONG), ("size", ULONG), ("token", Token)),
     ["lds", 0, 0, None]),
    ("restore.01.reply", END_REPLY, [HANDLE, 0]),
    ("restore.01.reply.failed", END_REPLY, [NONE, 5]),
    ("restore.02.request", (SESSION, ("checkpoint", Text), ("log", Text), ("count", LONG), ("pairs", Pairs),
                            ("backup", Text), ("low", ULONG), ("high", ULONG)),
     [HANDLE, "c:\\ntds", "d:\\logs\\", 2, [("c:\\ntds", "c:\\ntds"), ("c:\\a.dit", "d:\\\ud800")], "e:\\backup", 1,
      0xfffff]),
    ("restore.02.reply", (RESULT,), [0]),
    ("restore.03.request", (SESSION, ("state", LONG)), [HANDLE, 0x80004005 - 2**32]),
    ("restore.03.reply", (RESULT,), [0]),
    ("restore.04.request", (SESSION,), [HANDLE]),
    ("restore.04.reply", LIST_REPLY, [37, DATABASE + "\x82c:\\ntds\0\x83c:\\ntds\0\0", 0]),
    ("restore.04.reply.failed", LIST_REPLY, [0, None, 87]),
    ("restore.05.request", (SESSION,), [HANDLE]),
    ("restore.05.reply", END_REPLY, [NONE, 0]),
    ("restore.06.request", (("instance", Text), ("number", ULONG)), ["abc", 0x12345]),
    ("restore.06.reply", (RESULT,), [0]),
    ("restore.07.request", (("instance", Text), ("size", ULONG), ("token", Token)), ["", 5, TOKEN]),
    ("restore.07.reply", (RESULT,), [87]),
    ("backup.00.request", (("instance", Text), ("grbit", ULONG), ("type", ULONG)), ["lds1", 0, 1]),
    ("backup.00.reply", (("size", ULONG), ("token", Token), SESSION, RESULT), [5, TOKEN, HANDLE, 0]),
    ("backup.00.reply.failed", (("size", ULONG), ("token", Token), SESSION, RESULT), [0, None, NONE, 5]),
    ("backup.01.request", (SESSION,), [HANDLE]),
    ("backup.01.reply", END_REPLY, [NONE, 0]),
    ("backup.02.request", (SESSION,), [HANDLE]),
    ("backup.02.reply", LIST_REPLY, [19, DATABASE + "\0", 0]),
    ("backup.03.request", (SESSION, ("name", Text), ("hint", ULONG)), [HANDLE, "Dc:\\ntds\\ntds.dit", 0x10000]),
    ("backup.03.reply", (("size", NDRUHYPER), RESULT), [0x123456000, 0]),
    ("backup.04.request", (SESSION, ("size", ULONG)), [HANDLE, 4096]),
    ("backup.04.reply", (("data", Octets), ("count", ULONG), RESULT), [b"hello", 5, 0]),
    ("backup.04.reply.end", (("data", Octets), ("count", ULONG), RESULT), [b"", 0, 38]),
    ("backup.04.reply.failed", (("data", Octets), ("count", ULONG), RESULT), [b"hel\0\0\0", 0, 23]),
    ("backup.05.request", (SESSION,), [HANDLE]),
    ("backup.05.reply", (RESULT,), [0]),
    ("backup.06.request", (SESSION,), [HANDLE]),
    ("backup.06.reply", LIST_REPLY, [2, "\0\0", 0]),
    ("backup.07.request", (SESSION,), [HANDLE]),
    ("backup.07.reply", (RESULT,), [0]),
    ("backup.08.request", (), []),
    ("backup.08.reply", (RESULT,), [0]),
    ("backup.09.request", (SESSION,), [HANDLE]),
    ("backup.09.reply", LIST_REPLY, [11, "Dc:\\n.dit\0\0", 0]),
]


def golden(name):
    """The octets of a golden, and for each whether it counts."""
    octets, counts = bytearray(), []
    for line in (GOLDEN / f"{name}.hex").read_text().splitlines():
        pairs, _, comment = line.partition("#")
        some = bytes.fromhex(pairs)
        octets += some
        counts += [comment.strip() != "padding"] * len(some)
    return bytes(octets), counts


def fill(call, parameters, values):
    """Sets the parameters of a call; the referents are numbered as the codec does."""
    referents = iter(range(0x20000, 0x30000, 4))
    for (name, kind), value in zip(parameters, values):
        if kind is Session:
            call[name]["uuid"] = value
        elif kind is Pairs:
            for source, target in value:
                pair = Pair()
                for member, text in (("source", source), ("target", target)):
                    pair[member] = text
                    pair.fields[member].fields["ReferentID"] = next(referents)
                call[name].append(pair)
        elif kind in (Token, List):
            if value is None:
                call.fields[name].fields["ReferentID"] = 0
            else:
                call[name] = list(value) if kind is Token else [ord(unit) for unit in value]
                call.fields[name].fields["ReferentID"] = next(referents)
        elif kind is Octets:
            call[name] = [bytes([octet]) for octet in value]
            call.fields[name].fields["MaximumCount"] = 4096
        elif kind is Text:
            call.fields[name]["Data"] = value
        else:
            call[name] = value


passed = failed = 0


def compare(what, octets, expected, counts):
    global passed, failed
    same = len(octets) == len(expected) and all(
        a == b for a, b, counted in zip(octets, expected, counts) if counted)
    if same:
        passed += 1
    else:
        failed += 1
        print(f"FAILED: {what}\n  impacket {octets.hex(' ')}\n  golden   {expected.hex(' ')}")


for golden_name, fields, given in MESSAGES:
    shape = type("Call", (NDRCALL,), {"structure": fields})
    expected, counts = golden(golden_name)
    call = shape()
    fill(call, fields, given)
    compare(f"{golden_name}, written", call.getData(), expected, counts)
    compare(f"{golden_name}, read and written again", shape(expected).getData(), expected, counts)

names = {message[0] for message in MESSAGES}
files = {file.stem for file in GOLDEN.glob("*.hex")}
compare("each golden has its message here", repr(sorted(names)).encode(), repr(sorted(files)).encode(),
        [True] * len(repr(sorted(files))))
print(f"{passed} passed, {failed} failed, 0 skipped")
sys.exit(1 if failed else 0)
