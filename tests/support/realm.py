#!/usr/bin/env python3
"""Who may call, for the lifetime of a test: a Kerberos realm of its own (MIT's KDC on a loopback port) and a user file of
gss-ntlmssp, all of it below one temporary folder. No file of the system is read or changed.

    realm.py [--as USER] COMMAND [ARGUMENT...]  runs a command with the realm's environment, logged in as USER (Kerberos)
    realm.py --check                            only says whether what a realm needs is installed

The command sees the variables of Realm.environment, and NTDSB_REALM_FOLDER, which holds a credential cache NAME.ccache
for each user and expired.ccache. Over NTLM it is the user file's first, backup, if it names no other. Its exit status is passed on; 77 means that a realm cannot be made here, and why is said.

In Python:

    with Realm() as realm:
        subprocess.run(command, env=realm.full_environment())
"""
import os
import pathlib
import shutil
import socket
import subprocess
import sys
import tempfile
import time

# Debian packages: krb5-kdc, krb5-admin-server (kadmin.local), krb5-user (kinit), gss-ntlmssp.
PROGRAMS = ("krb5kdc", "kdb5_util", "kadmin.local", "kinit")
LEAKS = pathlib.Path(__file__).with_name("leaks_with_passwords.txt")
PATH = os.pathsep.join((os.environ.get("PATH", os.defpath), "/usr/sbin", "/sbin"))
NAME = "NTDSB.TEST"
DOMAIN = "NTDSB"
# The same in both: the realm and the NTLM domain. One password has a letter that is not ASCII (code page 1252 has it).
USERS = {"backup": "Backup-1", "restore": "Restore-1", "both": "Both-1", "nobody": "Nobody-1", "dagmar": "K\u00f6ln-1"}
# The keytab holds the keys of the first two; the third is another service's of the same realm.
SERVICE = "host/localhost"
SERVICE_BY_NAME = f"host/{socket.gethostname().lower()}"
OTHER_SERVICE = "other/localhost"
CANNOT = 77


class CannotMake(Exception):
    """What a realm needs is not there: the tests skip."""


def find(program):
    path = shutil.which(program, path=PATH)
    if path is None:
        raise CannotMake(f"{program} is not installed (Debian: krb5-kdc krb5-admin-server krb5-user gss-ntlmssp)")
    return path


def free_port():
    with socket.create_server(("127.0.0.1", 0)) as listener:
        return listener.getsockname()[1]


class Realm:
    """Started by `with`; the KDC ends and the folder goes at its end. CannotMake where something is not installed."""

    def __init__(self, folder=None):
        self.programs = {name: find(name) for name in PROGRAMS}
        self.folder = pathlib.Path(tempfile.mkdtemp(prefix="realm.", dir=folder)).resolve()
        self.kdc = None
        self.environment = {
            "KRB5_CONFIG": str(self.folder / "krb5.conf"),
            "KRB5_KDC_PROFILE": str(self.folder / "kdc.conf"),
            "KRB5_KTNAME": f"FILE:{self.folder / 'service.keytab'}",
            # A cache that is not there: what a test is to use it names.
            "KRB5CCNAME": f"FILE:{self.folder / 'none.ccache'}",
            "KRB5RCACHENAME": f"file2:{self.folder / 'replays'}",
            "NTLM_USER_FILE": str(self.folder / "ntlm.users"),
            "LSAN_OPTIONS": f"suppressions='{LEAKS}':print_suppressions=0",
        }

    def full_environment(self, **more):
        return {**os.environ, **self.environment, **more}

    def __enter__(self):
        try:
            self._make_users()
            for _ in range(5):  # another process may take the port first
                self._write_settings(free_port())
                if self._start():
                    return self
            raise RuntimeError(f"the KDC does not start: {self._log()}")
        except BaseException:
            self.__exit__()
            raise

    def __exit__(self, *_):
        if self.kdc is not None:
            self.kdc.terminate()
            self.kdc.wait(30)
        shutil.rmtree(self.folder, ignore_errors=True)

    def principal(self, user):
        return f"{user}@{NAME}"

    def ccache(self, user, service=None, password=None, options=()):
        """A new credential cache of `user` with a ticket-granting ticket, or with one for `service` alone."""
        kind = "" if service is None else "." + service.split("/")[0]
        path = self.folder / f"{user}{kind}.ccache"
        command = [self.programs["kinit"], "-c", f"FILE:{path}", *options]
        if service is not None:
            command += ["-S", service]
        done = self._run(command + [self.principal(user)], USERS[user] if password is None else password)
        if done.returncode != 0:
            raise RuntimeError(f"kinit: {done.stdout}")
        return path

    def expired_ccache(self, user):
        """A cache that looks good to its owner, whose ticket for SERVICE ended a day ago as the service reads it."""
        from impacket.krb5.ccache import CCache
        path = self.ccache(user, SERVICE)
        cache = CCache.loadFile(str(path))
        for credential in cache.credentials:
            credential.ticket["data"] = self._aged(credential.ticket["data"])
        path = self.folder / "expired.ccache"
        cache.saveFile(str(path))
        return path

    def service_key(self):
        """The service's key for the strongest cipher, as impacket's Key."""
        from impacket.krb5.crypto import Key
        from impacket.krb5.keytab import Keytab
        entries = [entry for entry in Keytab.loadFile(str(self.folder / "service.keytab")).entries
                   if entry.main_part["principal"].prettyPrint() == f"{SERVICE}@{NAME}".encode()]
        block = max((entry.main_part["keyblock"] for entry in entries), key=lambda one: one["keytype"])
        return Key(block["keytype"], block["keyvalue"]["data"])

    def _aged(self, ticket):
        """The ticket with times a day old, sealed again with the service's key (RFC 4120 5.3, key usage 2)."""
        from impacket.krb5.asn1 import EncTicketPart, Ticket
        from impacket.krb5.crypto import _enctype_table
        from pyasn1.codec.der import decoder, encoder
        key = self.service_key()
        cipher = _enctype_table[key.enctype]
        ticket = decoder.decode(ticket, asn1Spec=Ticket())[0]
        part = decoder.decode(cipher.decrypt(key, 2, bytes(ticket["enc-part"]["cipher"])), asn1Spec=EncTicketPart())[0]
        for name, age in (("authtime", 48), ("starttime", 48), ("endtime", 24), ("renew-till", 24)):
            if part[name].hasValue():
                then = time.gmtime(time.time() - age * 3600)
                part[name] = time.strftime("%Y%m%d%H%M%SZ", then)
        ticket["enc-part"]["cipher"] = cipher.encrypt(key, 2, encoder.encode(part), None)
        return encoder.encode(ticket)

    # --- making it

    def _run(self, command, text=""):
        return subprocess.run(command, input=text + "\n", stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True,
                              env=self.full_environment(), timeout=60)

    def _must(self, command, text=""):
        done = self._run(command, text)
        if done.returncode != 0:
            raise RuntimeError(f"{' '.join(command)}: {done.stdout}")
        return done.stdout

    def _make_users(self):
        self._write_settings(1)
        lines = [f'addprinc -pw "{password}" {user}' for user, password in USERS.items()]
        lines += [f"addprinc -randkey {service}" for service in sorted({SERVICE, SERVICE_BY_NAME, OTHER_SERVICE})]
        lines += [f"ktadd -norandkey {service}" for service in sorted({SERVICE, SERVICE_BY_NAME})]
        self._must([self.programs["kdb5_util"], "create", "-s", "-r", NAME, "-P", "master"])
        said = self._must([self.programs["kadmin.local"], "-r", NAME], "\n".join(lines))
        if not (self.folder / "service.keytab").exists():
            raise RuntimeError(f"kadmin.local: {said}")
        users = self.folder / "ntlm.users"
        users.write_text("".join(f"{DOMAIN}:{user}:{password}\n" for user, password in USERS.items()), encoding="utf-8")
        users.chmod(0o600)

    def _write_settings(self, port):
        ciphers = "aes256-cts-hmac-sha1-96 aes128-cts-hmac-sha1-96"
        (self.folder / "krb5.conf").write_text(f"""[libdefaults]
  default_realm = {NAME}
  dns_lookup_kdc = false
  dns_lookup_realm = false
  dns_canonicalize_hostname = false
  rdns = false
  udp_preference_limit = 1
  default_tkt_enctypes = {ciphers}
  default_tgs_enctypes = {ciphers}
  permitted_enctypes = {ciphers}
[realms]
  {NAME} = {{
    kdc = 127.0.0.1:{port}
  }}
[domain_realm]
  localhost = {NAME}
  {socket.gethostname().lower()} = {NAME}
""", encoding="utf-8")
        (self.folder / "kdc.conf").write_text(f"""[kdcdefaults]
  kdc_listen = ""
  kdc_tcp_listen = 127.0.0.1:{port}
[realms]
  {NAME} = {{
    database_name = {self.folder}/principal
    key_stash_file = {self.folder}/stash
    acl_file = {self.folder}/acl
    default_principal_flags = +preauth
    supported_enctypes = aes256-cts:normal aes128-cts:normal
  }}
[logging]
  kdc = FILE:{self.folder}/kdc.log
  admin_server = FILE:{self.folder}/admin.log
""", encoding="utf-8")
        self.port = port

    def _start(self):
        with open(self.folder / "kdc.out", "wb") as output:
            self.kdc = subprocess.Popen([self.programs["krb5kdc"], "-n", "-r", NAME], env=self.full_environment(),
                                        stdin=subprocess.DEVNULL, stdout=output, stderr=output)
        for _ in range(1000):
            if self.kdc.poll() is not None:
                return False
            try:
                with socket.create_connection(("127.0.0.1", self.port), timeout=1):
                    # Somebody else's listener would let the KDC end.
                    time.sleep(0.02)
                    return self.kdc.poll() is None
            except OSError:
                time.sleep(0.01)
        return False

    def _log(self):
        return "\n".join(file.read_text(encoding="utf-8", errors="replace")
                         for file in (self.folder / "kdc.out", self.folder / "kdc.log") if file.exists())


def main(command):
    if not command or command[0] in ("-h", "--help"):
        print(__doc__)
        return 0 if command else 2
    try:
        if command == ["--check"]:
            print("\n".join(find(name) for name in PROGRAMS))
            return 0
        user = None
        if command[0] == "--as":
            user, command = command[1], command[2:]
        with Realm() as realm:
            for one in USERS:
                realm.ccache(one)
            try:
                realm.expired_ccache("both")
            except ImportError as error:
                print(f"realm.py: no expired.ccache, impacket is not installed ({error})", file=sys.stderr)
            environment = realm.full_environment(NTDSB_REALM_FOLDER=str(realm.folder))
            if user is not None:
                environment["KRB5CCNAME"] = f"FILE:{realm.folder / user}.ccache"
            return subprocess.run(command, env=environment).returncode
    except CannotMake as error:
        print(f"realm.py: {error}", file=sys.stderr)
        return CANNOT


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
