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
import time

sys.path.insert(0, str(pathlib.Path(__file__).resolve().parents[1] / "support"))

import ntdsb_service as tally
from ntdsb_service import check

try:
    from impacket.uuid import uuidtup_to_bin
    from ntdsb_impacket import B_PING, BACKUP_INTERFACE, Client
    from secure_rpc import BACKUP, INTEGRITY, KERBEROS, NEGOTIATE, NTLM, ONLY, PRIVACY, Refused, SecureClient
    from security_contexts import Broken, NtlmClient
except ImportError as error:
    tally.skip(f"impacket is not installed for {sys.executable} ({error})")
    tally.finish()

DOMAIN, USER, PASSWORD = "NTDSB", "both", "Both-1"
# Wine's NTLM is Samba's ntlm_auth, which asks winbind; told the password, it needs none.
KNOWS_THE_PASSWORD = f"""#!/bin/sh
case "$*" in *=squid-2.5-ntlmssp*) set -- "$@" --password='{PASSWORD}' ;; esac
exec '{shutil.which("ntlm_auth")}' "$@"
"""


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

    def refuses(self, what, mechanism, level, pattern):
        """The caller's first call at the latest; and the log says why."""
        before, deadline = len(self.log.read_text(encoding="utf-8")), time.monotonic() + 10
        try:
            client = SecureClient(self.service.port, BACKUP, mechanism, level=level, flags=ONLY)
            client.authenticate().call(B_PING)
            check(f"{what} is refused", False)
        except (Refused, Broken):
            check(what, True)
        said = ""
        while not re.search(pattern, said) and time.monotonic() < deadline:
            time.sleep(0.01)
            said = self.log.read_text(encoding="utf-8")[before:]
        check(f"the log of {what} has {pattern}: {said}", re.search(pattern, said))

    def serves(self, after):
        client = Client(self.service.port, uuidtup_to_bin(BACKUP_INTERFACE))
        check(f"it serves after {after}", client.call(B_PING)["status"] == 0)
        client.drop()


def passwords(world):
    for level in (INTEGRITY, PRIVACY):
        what = f"the right password at level {level}"
        world.refuses(what, NtlmClient(USER, PASSWORD, DOMAIN), level, r"AUTH-5: could not ask for the caller's name.*Wine")
        world.serves(what)
        for wrong in ("Both-2", ""):
            what = f"the password {wrong!r} at level {level}"
            world.refuses(what, NtlmClient(USER, wrong, DOMAIN), level,
                          r"AUTH-5: could not accept the caller's authentication")
            world.serves(what)


def rubbish(world):
    negotiate = NtlmClient(USER, PASSWORD, DOMAIN).step(None)
    for kind in (NTLM, KERBEROS, NEGOTIATE):
        for what, first in (("nothing", b""), ("an octet", b"\0"), ("noise", bytes(range(256)) * 4),
                            ("a lone signature", b"NTLMSSP\0"), ("half a message", negotiate[:17]),
                            ("an authenticate message", b"NTLMSSP\0\3\0\0\0" + b"\xff" * 80)):
            what = f"{what} as the first token of mechanism {kind}"
            world.refuses(what, Rubbish(kind, first, b"more"), PRIVACY, "AUTH-" if first else "without an authentication")
            world.serves(what)
    for what, then in (("noise", b"\xa5" * 3000), ("the first message once more", negotiate),
                       ("fields out of bounds", b"NTLMSSP\0\3\0\0\0" + b"\xff" * 80)):
        world.refuses(f"{what} as NTLM's second token", Rubbish(NTLM, negotiate, then), PRIVACY, "AUTH-")
        world.serves(what)


def main():
    if shutil.which("ntlm_auth") is None:
        tally.skip("Samba's ntlm_auth is not installed, which is Wine's NTLM")
        return
    wine, (make_database, server) = sys.argv[1:-2], sys.argv[-2:]
    work = pathlib.Path(tempfile.mkdtemp(dir=".")).resolve()
    log, helper = work / "ntdsbsrv.log", work / "bin" / "ntlm_auth"
    helper.parent.mkdir()
    helper.write_text(KNOWS_THE_PASSWORD, encoding="utf-8")
    helper.chmod(0o755)
    environment = dict(os.environ, PATH=f"{helper.parent}:{os.environ['PATH']}")
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
