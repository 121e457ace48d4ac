#!/usr/bin/env python3
"""ntdsbsrv's authentication and protection against independent implementations of NTLM, Kerberos, SPNEGO and of the
fragments' security, in a Kerberos realm of the test's own.

    check_security.py MAKE_DATABASE NTDSBSRV [PART...]

PART: access, protection, negotiation, samba (all). Skips where impacket or a KDC is not installed. The last line is
`N passed, N failed, N skipped`.
"""
import sys

from security_suite import tally, timed

import security_access
import security_negotiation
import security_protection
import security_samba
from realm import CannotMake, Realm
from secure_service import Service

PARTS = {"access": security_access, "negotiation": security_negotiation, "protection": security_protection,
         "samba": security_samba}


def other_settings(realm, make, server):
    with Service(realm, make, server, "allow_anonymous = true") as service:
        security_access.defaults(service)
    with Service(realm, make, server, level="trace", roots=("restored",)) as service:
        security_access.roots(service)
        security_access.no_password(service.log())


def main():
    make, server, *parts = sys.argv[1:]
    try:
        realm = Realm()
    except CannotMake as why:
        tally.skip(why)
        return
    with realm:
        if not parts:
            other_settings(realm, make, server)
        with Service(realm, make, server) as service:
            for name in parts or PARTS:
                timed(name, PARTS[name].run, service)


main()
tally.finish()
