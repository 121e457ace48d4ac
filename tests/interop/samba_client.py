#!/usr/bin/env python3
"""Samba's own client: authenticates and asks the management interface three times whether it listens. Its bindings have
the vendor's interfaces alone; which one is called makes no difference to the security.

    samba_client.py PORT ntlm|spnego|krb5 sign|seal USER PASSWORD DOMAIN REALM PRINCIPAL

Kerberos takes its ticket from KRB5CCNAME. Prints each answer; exit status 77: the bindings are not installed.
"""
import os
import sys
import tempfile

try:
    from samba import credentials, param
    from samba.dcerpc import mgmt
except ImportError as error:
    print(error)
    sys.exit(77)


def main(port, kind, level, user, password, domain, realm, principal):
    with tempfile.TemporaryDirectory() as folder:
        settings = os.path.join(folder, "smb.conf")
        with open(settings, "w", encoding="utf-8") as file:
            file.write("[global]\n" + "".join(f"{name} directory = {folder}\n" for name in ("lock", "private", "state", "cache")))
        parameters = param.LoadParm()
        parameters.load(settings)
        who = credentials.Credentials()
        who.guess(parameters)
        who.set_username(user)
        who.set_password(password)
        who.set_domain(domain)
        who.set_kerberos_state(credentials.DONT_USE_KERBEROS)
        address = f"ncacn_ip_tcp:127.0.0.1[{port},{level},{kind}"
        if kind == "krb5":
            who.set_realm(realm)
            who.set_kerberos_state(credentials.MUST_USE_KERBEROS)
            who.set_named_ccache(os.environ["KRB5CCNAME"], credentials.SPECIFIED, parameters)
            address += f",target_principal={principal}@{realm}"
        client = mgmt.mgmt(address + "]", parameters, who)
        for _ in range(3):
            print(client.is_server_listening())


main(*sys.argv[1:])
