#!/usr/bin/env python3
"""Our client with credentials: against ntdsbsrv, an independent server, servers that misbehave, and a man in the middle.

    check_secure_client.py service MAKE_DATABASE NTDSBSRV SECURE_CLIENT [WINE...]
    check_secure_client.py independent SECURE_CLIENT WINE...

WINE... is what starts Windows programs. Skips where impacket, a KDC or, with Wine, ntlm_auth is not installed. The last
line is `N passed, N failed, N skipped`.
"""
import pathlib
import sys
import tempfile

from security_suite import tally, timed

import security_client
from realm import CannotMake, Realm
from secure_service import Service


def shown(path):
    return "Z:" + str(path).replace("/", "\\")


def run(groups, world):
    for group in groups:
        timed(group.__name__, group, world)


def independent(realm, client, *wine):
    with tempfile.TemporaryDirectory(dir=".") as work:
        world = security_client.World(realm, None, work, client, wine, shown)
        run((security_client.independent, security_client.misbehaving), world)


def service(realm, make, server, client, *wine):
    if not pathlib.Path(client).exists():
        tally.skip(f"{client} is not built")
        return
    with Service(realm, make, server) as running:
        world = security_client.World(realm, running, running.work, client, wine, shown if wine else str)
        run(security_client.GROUPS_UNDER_WINE if wine else security_client.GROUPS, world)
        tally.check("the service answers afterwards", running.answers())


def main():
    kind, *words = sys.argv[1:]
    try:
        with Realm() as realm:
            {"service": service, "independent": independent}[kind](realm, *words)
    except CannotMake as why:
        tally.skip(why)


main()
tally.finish()
