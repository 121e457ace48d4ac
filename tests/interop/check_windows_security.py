#!/usr/bin/env python3
"""ntdsbsrv as a Windows program, whose callers authenticate by SSPI, as far as Wine carries that: its acceptors judge
passwords (NTLM), but do not say who the caller is, so that nobody gets in; nor may anybody bring the service down.

    check_windows_security.py WINE... MAKE_DATABASE NTDSBSRV

WINE... is what starts Windows programs. Skips where impacket or ntlm_auth is not installed. The last line is
`N passed, N failed, N skipped`.
"""
import os
import pathlib
import re
import shutil
import sys
import tempfile

from security_suite import tally, wine_ntlm

from held_call import comes_true
from impacket.uuid import uuidtup_to_bin
from ntdsb_impacket import B_PING, BACKUP_INTERFACE, Client
from ntdsb_service import check, equal
from realm import CannotMake
from secure_rpc import BACKUP, INTEGRITY, KERBEROS, NEGOTIATE, NTLM, ONLY, PRIVACY, Refused, SecureClient
from security_contexts import NtlmClient

DOMAIN, USER, PASSWORD = "NTDSB", "both", "Both-1"
INTERNAL_ERROR, INVALID_TOKEN, LOGON_DENIED = 0x80090304, 0x80090308, 0x8009030C  # SEC_E_..., as Wine 8 has them
BIND_REFUSED, CALL_REFUSED = "nak 0x9", "fault 0x5"
TOO_EARLY = "AUTH-5: the caller is refused: a call before the authentication has succeeded"


class Rubbish(NtlmClient):
    """Says `first`, and `then` to whatever the answer is; protects nothing."""

    def __init__(self, kind, first, then):
        self.kind, self.words = kind, [first, then]

    done = property(lambda self: not self.words)

    def last_leg_is_silent(self):
        return True

    def step(self, _):
        return self.words.pop(0)

    def wrap(self, data, before=b"", after=b""):
        return data, bytes(16)


class World:
    def __init__(self, service, log):
        self.service, self.log = service, log

    def refuses(self, what, mechanism, level, how, *reasons):
        """`how` the caller is told, and what alone the log says of it: a line that begins so for each of `reasons`."""
        before = len(self.log.read_text(encoding="utf-8"))
        client = SecureClient(self.service.port, BACKUP, mechanism, level=level, flags=ONLY)
        line = rf" (?:info|warning) rpc: .* at 127\.0\.0\.1:{client.socket.getsockname()[1]}: (.*)$"
        try:
            client.authenticate().call(B_PING)
            told = "served"
        except Refused as refused:
            told = str(refused)
        client.close()
        equal(what, told, how)

        def logged():
            return re.findall(line, self.log.read_text(encoding="utf-8")[before:], re.M)
        comes_true(lambda: len(logged()) >= len(reasons), 10)
        found = logged()
        check(f"the log of {what} has {reasons} alone: {found}", len(found) == len(reasons) and
              all(one.startswith(reason) for one, reason in zip(found, reasons)))

    def serves(self, after):
        client = Client(self.service.port, uuidtup_to_bin(BACKUP_INTERFACE))
        check(f"it serves after {after}", client.call(B_PING)["status"] == 0)
        client.drop()


def not_accepted(error, at_the_bind=False):
    """How who is not accepted is told, and what the log says: of the bind, or of the leg and of the call behind it."""
    reason = f"could not accept the caller's authentication (error 0x{error:X})"
    if at_the_bind:
        return BIND_REFUSED, f"AUTH-5: the caller is refused: {reason}"
    return CALL_REFUSED, f"AUTH-5: {reason}", TOO_EARLY


def passwords(world):
    for level in (INTEGRITY, PRIVACY):
        what = f"the right password at level {level}"
        world.refuses(what, NtlmClient(USER, PASSWORD, DOMAIN), level, CALL_REFUSED,
                      "AUTH-5: could not ask for the caller's name (error 0x80090302); this system cannot (Wine", TOO_EARLY)
        world.serves(what)
        for wrong in ("Both-2", ""):
            what = f"the password {wrong!r} at level {level}"
            world.refuses(what, NtlmClient(USER, wrong, DOMAIN), level, *not_accepted(LOGON_DENIED))
            world.serves(what)


def rubbish(world):
    negotiate = NtlmClient(USER, PASSWORD, DOMAIN).step(None)
    for kind in (NTLM, KERBEROS, NEGOTIATE):
        at_the_bind = not_accepted(INVALID_TOKEN if kind == KERBEROS else INTERNAL_ERROR, at_the_bind=True)
        # NTLM begins to answer it.
        half = at_the_bind if kind == KERBEROS else not_accepted(LOGON_DENIED)
        for what, first, refusal in (
                ("nothing", b"", ("fault 0x1c01000b", "the connection ends: an auth3 without an authentication")),
                ("an octet", b"\0", at_the_bind), ("noise", bytes(range(256)) * 4, at_the_bind),
                ("a lone signature", b"NTLMSSP\0", at_the_bind), ("half a message", negotiate[:17], half),
                ("an authenticate message", b"NTLMSSP\0\3\0\0\0" + b"\xff" * 80, at_the_bind)):
            what = f"{what} as the first token of mechanism {kind}"
            world.refuses(what, Rubbish(kind, first, b"more"), PRIVACY, *refusal)
            world.serves(what)
    for what, then, error in (("noise", b"\xa5" * 3000, INVALID_TOKEN), ("the first message once more", negotiate, LOGON_DENIED),
                              ("fields out of bounds", b"NTLMSSP\0\3\0\0\0" + b"\xff" * 80, LOGON_DENIED)):
        world.refuses(f"{what} as NTLM's second token", Rubbish(NTLM, negotiate, then), PRIVACY, *not_accepted(error))
        world.serves(what)


def main():
    wine, (make_database, server) = sys.argv[1:-2], sys.argv[-2:]
    work = pathlib.Path(tempfile.mkdtemp(dir=".")).resolve()
    log = work / "ntdsbsrv.log"
    try:
        environment = dict(os.environ, PATH=wine_ntlm(work, DOMAIN, USER, PASSWORD))
    except CannotMake as why:
        work.rmdir()
        tally.skip(why)
        return
    settings = (f"allow_anonymous = true\nprotection = 'integrity'\nallow_backup = ['{DOMAIN}\\{USER}']\n"
                f"[log]\nlevel = 'info'\nfile = 'Z:{log}'\n")
    with tally.Service(True, wine, make_database, server, settings, environment) as service:
        world = World(service, log)
        world.serves("its start")
        passwords(world)
        rubbish(world)
    shutil.rmtree(work, ignore_errors=True)


main()
tally.finish()
