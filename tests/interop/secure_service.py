"""A native ntdsbsrv that authenticates its callers in a test realm, over a directory made for it."""
import pathlib
import re
import shutil
import tempfile
import time

import ntdsb_service
from ntdsb_impacket import B_PING
from ntdsb_service import check
from realm import DOMAIN, NAME, USERS
from secure_rpc import BACKUP, SecureClient
from security_contexts import NtlmClient


def principals(*users):
    """How [service] allow_backup and allow_restore name them: by NTLM and by Kerberos."""
    names = [f"{DOMAIN}\\{user}" for user in users] + [f"{user}@{NAME}" for user in users]
    return "[" + ", ".join(f"'{name}'" for name in names) + "]"


class Service(ntdsb_service.Service):
    """`settings` of [service] are added to allow_backup and allow_restore."""

    def __init__(self, realm, make_database, server, settings="protection = 'integrity'", level="info", **more):
        self.realm = realm
        self.log_file = pathlib.Path(tempfile.mkdtemp(prefix="log.", dir=".")).resolve() / "ntdsbsrv.log"
        settings = (f"{settings}\nallow_backup = {principals('backup', 'both', 'dagmar')}\n"
                    f"allow_restore = {principals('restore', 'both', 'dagmar')}\n"
                    f"[log]\nlevel = '{level}'\nfile = '{self.log_file}'\n")
        super().__init__(False, [], make_database, server, settings, realm.full_environment(), **more)

    def __exit__(self, failure, *more):
        super().__exit__(failure, *more)
        if failure is None:
            shutil.rmtree(self.log_file.parent, ignore_errors=True)

    def log(self):
        return self.log_file.read_text(encoding="utf-8")

    def logs(self, what, action, pattern):
        """What `action` does is logged in a line that has the pattern, at the latest soon after it."""
        before, deadline = len(self.log()), time.monotonic() + 10
        action()
        while not re.search(pattern, self.log()[before:]) and time.monotonic() < deadline:
            time.sleep(0.01)
        check(f"the log of {what} has {pattern}: {self.log()[before:]}", re.search(pattern, self.log()[before:]))

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
