"""Samba's own client, which does as Windows' does: with signed headers its first request has a verification trailer of
bitmask and pcontext, the later ones have none (AUTH-6); within SPNEGO it signs the list of mechanisms."""
import pathlib
import subprocess

from ntdsb_service import equal, skip
from realm import DOMAIN, NAME, SERVICE, USERS

CLIENT = pathlib.Path(__file__).with_name("samba_client.py")
NOT_INSTALLED = 77


def run(service):
    ticket = f"FILE:{service.realm.ccache('both', SERVICE)}"
    for kind in ("ntlm", "spnego", "krb5"):
        for level in ("sign", "seal"):
            # The system's Python has the system's packages.
            done = subprocess.run(["/usr/bin/python3", CLIENT, str(service.port), kind, level, "both", USERS["both"], DOMAIN, NAME,
                                   SERVICE], stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True, timeout=120,
                                  env=service.realm.full_environment(KRB5CCNAME=ticket))
            if done.returncode == NOT_INSTALLED:
                skip(f"Samba's Python bindings are not installed ({done.stdout.strip()}; Debian: python3-samba)")
                return
            equal(f"Samba's client, {kind}, {level}", (done.returncode, done.stdout), (0, "(0, 1)\n" * 3))
