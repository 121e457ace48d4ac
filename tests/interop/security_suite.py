"""How the scripts about security begin: they see tests/support, and skip where impacket is not installed. Import it first."""
import os
import pathlib
import shutil
import sys
import time

sys.path.insert(0, str(pathlib.Path(__file__).resolve().parents[1] / "support"))

import ntdsb_service as tally
from realm import CannotMake

try:
    import security_contexts as _
except ImportError as error:
    tally.skip(f"impacket is not installed for {sys.executable} ({error})")
    tally.finish()

KNOWS_WHO = """#!/bin/sh
case "$*" in
*=squid-2.5-ntlmssp*) set -- "$@" --password='{password}' ;;
*--use-cached-creds*) set -- --helper-protocol=ntlmssp-client-1 --domain='{domain}' --username='{user}' --password='{password}' ;;
esac
exec '{ntlm_auth}' "$@"
"""


def wine_ntlm(folder, domain, user, password):
    """A PATH for programs under Wine, whose NTLM is Samba's ntlm_auth. That one asks winbind for what it is not told: the
    password of who calls a service, and who is logged on, which is the process's own identity. Here it is told."""
    ntlm_auth = shutil.which("ntlm_auth")
    if ntlm_auth is None:
        raise CannotMake("Samba's ntlm_auth is not installed, which is Wine's NTLM")
    program = folder / "bin" / "ntlm_auth"
    program.parent.mkdir()
    program.write_text(KNOWS_WHO.format(domain=domain, user=user, password=password, ntlm_auth=ntlm_auth), encoding="utf-8")
    program.chmod(0o755)
    return f"{program.parent}:{os.environ['PATH']}"


def timed(name, action, *words):
    start = time.monotonic()
    action(*words)
    print(f"{name}: {time.monotonic() - start:.1f} s", flush=True)
