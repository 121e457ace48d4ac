"""A native ntdsbsrv that authenticates its callers in a test realm, over a directory made for it."""
import os

import ntdsb_service
from ntdsb_impacket import B_PING
from realm import DOMAIN, NAME, USERS
from secure_rpc import BACKUP, SecureClient
from security_contexts import NtlmClient

LEAKS = ntdsb_service.LEAKS


def principals(*users):
    """How [service] allow_backup and allow_restore name them: by NTLM and by Kerberos."""
    names = [f"{DOMAIN}\\{user}" for user in users] + [f"{user}@{NAME}" for user in users]
    return "[" + ", ".join(f"'{name}'" for name in names) + "]"


class Service(ntdsb_service.Service):
    """`settings` of [service] are added to allow_backup and allow_restore."""

    def __init__(self, realm, make_database, server, settings="protection = 'integrity'"):
        self.realm = realm
        settings = (f"{settings}\nallow_backup = {principals('backup', 'both', 'dagmar')}\n"
                    f"allow_restore = {principals('restore', 'both', 'dagmar')}\n"
                    f"[log]\nlevel = 'info'\nfile = '{os.path.abspath('ntdsbsrv.log')}'\n")
        super().__init__(False, [], make_database, server, settings, realm.full_environment(LSAN_OPTIONS=LEAKS))

    def client(self, interface, mechanism, **more):
        """Authenticated."""
        return SecureClient(self.port, interface, mechanism, **more).authenticate()

    def ntlm(self, user="both", password=None, domain=DOMAIN):
        return NtlmClient(user, USERS.get(user, "") if password is None else password, domain)

    def answers(self):
        """Whether it is alive, by a call of another client."""
        client = self.client(BACKUP, self.ntlm())
        try:
            return client.call(B_PING)["status"] == 0
        finally:
            client.close()

    def kept(self):
        """All that the directory instance keeps: what an operation that ran would have changed. Locks keep nothing."""
        return {str(file): file.read_bytes() for file in sorted(self.state.rglob("*"))
                if file.is_file() and file.suffix != ".lock"}
