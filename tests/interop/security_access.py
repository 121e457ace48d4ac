"""Who may call, with what, and what for: mechanisms, levels, users, passwords, tickets, allow_backup and allow_restore."""
from unittest import mock

from impacket import ntlm
from impacket.dcerpc.v5 import transport

from ntdsb_impacket import (B_CLOSE, B_END, B_LOCATIONS, B_LOGS, B_NAMES, B_OPEN, B_PING, B_PREPARE, B_READ, B_TRUNCATE,
                            CHECK_TOKEN, COMPLETE, END, LOCATIONS, ONLINE, PREPARE, REGISTER, SET_LOG, entries, octets)
from ntdsb_service import check, equal
from realm import DOMAIN, NAME, OTHER_SERVICE, SERVICE, USERS
from secure_rpc import (BACKUP, BIND, BIND_ACK, CALL, CONNECT, HEADER_SIGN, INTEGRITY, NONE, NTLM, ONLY, PACKET,
                        PRIVACY, REQUEST, RESTORE, Refused, SecureClient, Wire, bind_body, fragment, verification_trailer)
from security_contexts import NTLM_OID, UNKNOWN_OID, Broken, KerberosClient, NtlmClient, SpnegoClient

S_OK, NOT_ALLOWED, HANDLE_EOF = 0, 5, 38


def mechanisms(service):
    """(name, how to make its context) of all that a client may speak."""
    ticket = service.realm.ccache("both", SERVICE)
    return [
        ("NTLM", lambda: service.ntlm()),
        ("SPNEGO with NTLM", lambda: SpnegoClient(service.ntlm())),
        ("SPNEGO with NTLM as second choice", lambda: SpnegoClient(service.ntlm(), [UNKNOWN_OID, NTLM_OID])),
        ("Kerberos", lambda: KerberosClient(ticket)),
        ("SPNEGO with Kerberos", lambda: SpnegoClient(KerberosClient(ticket))),
    ]


def refusal(action):
    """How the service refuses it; None if it does not."""
    try:
        action()
        return None
    except Refused as refused:
        return refused
    except Broken as broken:  # SPNEGO's own "reject"
        return Refused(f"mechanism: {broken}")


def is_refused(what, action):
    refused = refusal(action)
    check(f"{what} is refused", refused is not None)
    return refused


def every_mechanism(service):
    """AUTH-6: levels 5 and 6, no other; Kerberos with signed headers only."""
    for name, make in mechanisms(service):
        for level in (INTEGRITY, PRIVACY):
            for flags in (ONLY, ONLY | HEADER_SIGN):
                what = f"{name} at level {level}, flags {flags}"
                if "Kerberos" in name and not flags & HEADER_SIGN:
                    is_refused(what, lambda: SecureClient(service.port, BACKUP, make(), level=level,
                                                          flags=flags).authenticate().call(B_PING))
                    continue
                try:
                    mechanism = make()
                    client = SecureClient(service.port, BACKUP, mechanism, level=level, flags=flags)
                    client.authenticate()
                    for _ in range(3):
                        equal(what, client.call(B_PING)["status"], S_OK)
                    client.close()
                except (Refused, Broken, AssertionError) as error:
                    check(f"{what}: {type(error).__name__} {error}", False)
        for level in (NONE, CONNECT, CALL, PACKET):
            is_refused(f"{name} at level {level}",
                       lambda: SecureClient(service.port, BACKUP, make(), level=level).authenticate().exchange(8, b""))


class WithVersion(ntlm.NTLMAuthNegotiate):
    """gss-ntlmssp takes no first message without the version field."""

    def getData(self):
        return super().getData() + bytes(8)


def impacket_itself(service):
    """impacket's own client from its bind on; but it sends no verification trailer. Its Kerberos is left out: libkrb5 takes
    no DCE-style token in the frame that it puts around it."""
    for level in (INTEGRITY, PRIVACY):
        with mock.patch.object(ntlm, "NTLMAuthNegotiate", WithVersion):
            carrier = transport.DCERPCTransportFactory(f"ncacn_ip_tcp:localhost[{service.port}]")
            carrier.set_credentials("both", USERS["both"], DOMAIN)
            dce = carrier.get_dce_rpc()
            dce.set_auth_type(NTLM)
            dce.set_auth_level(level)
            dce.connect()
            dce.bind(BACKUP)
            for call_id in (2, 3):
                dce.call(B_PING[0].opnum, verification_trailer(BACKUP, call_id, B_PING[0].opnum))
                equal(f"impacket's own client at level {level}", dce.recv(), bytes(4))
            dce.disconnect()


def wrong_credentials(service):
    """AUTH-5."""
    cases = {
        "a wrong password": service.ntlm("both", "Both-2"),
        "an empty password": NtlmClient("both", "", DOMAIN),
        "an unknown user": service.ntlm("stranger", USERS["both"]),
        "another domain": service.ntlm("both", domain="OTHER"),
        "no domain": service.ntlm("both", domain=""),
        "nobody at all": NtlmClient("", "", ""),
    }
    for name, mechanism in cases.items():
        for kind, wrapped in (("NTLM", mechanism), ("SPNEGO", SpnegoClient(mechanism))):
            mechanism.negotiate, mechanism.done = None, False
            is_refused(f"{name} ({kind})", lambda: service.client(BACKUP, wrapped).call(B_PING))
    tickets = {
        "an expired ticket": service.realm.expired_ccache("both"),
        "a ticket for another service": service.realm.ccache("both", OTHER_SERVICE),
    }
    for name, ccache in tickets.items():
        is_refused(name, lambda: service.client(BACKUP, KerberosClient(ccache)).call(B_PING))
        is_refused(f"{name} (SPNEGO)", lambda: service.client(BACKUP, SpnegoClient(KerberosClient(ccache))).call(B_PING))
    replayed = KerberosClient(service.realm.ccache("both", SERVICE))
    equal("a ticket that is good", service.client(BACKUP, replayed).call(B_PING)["status"], S_OK)


def unauthenticated(service, port):
    """A bind without security, then a Ping; gives its stub."""
    wire = Wire(port)
    wire.send(fragment(BIND, bind_body([BACKUP])))
    answer = wire.receive()
    if answer.kind != BIND_ACK:
        raise Refused("nak", answer.status())
    wire.send(fragment(REQUEST, bytes(6) + b"\x08\x00", call_id=2))
    answer = wire.receive()
    wire.close()
    if answer.kind == 3:
        raise Refused("fault", answer.status())
    return answer.body[8:]


def anonymous(service):
    """ACC-7."""
    refused = is_refused("an anonymous caller", lambda: unauthenticated(service, service.port))
    if refused:
        equal("how an anonymous caller is refused", (refused.how, refused.status), ("fault", NOT_ALLOWED))


def may(service, user, interface, operation, **values):
    """Whether the user is let through to the operation; it may then fail for other reasons."""
    client = service.client(interface, service.ntlm(user))
    try:
        return client.call(operation, **values)["status"] != NOT_ALLOWED
    except Refused as refused:
        equal(f"how {user} is refused", (refused.how, refused.status), ("fault", NOT_ALLOWED))
        return False
    finally:
        client.close()


def rights(service):
    """ACC-5, and ACC-6 in both its forms."""
    for user in USERS:
        backs_up, restores = user not in ("restore", "nobody"), user not in ("backup", "nobody")
        equal(f"{user} may prepare a backup", may(service, user, BACKUP, B_PREPARE, instance="", grbit=0, type=1), backs_up)
        equal(f"{user} may prepare a restore",
              may(service, user, RESTORE, PREPARE, instance="", flags=0, size=0, token=None), restores)
        equal(f"{user} may set the current log", may(service, user, RESTORE, SET_LOG, instance="", number=0), backs_up)
    shouted = service.client(BACKUP, service.ntlm("BACKUP", USERS["backup"]))
    equal("a user's name is compared without case", shouted.call(B_PING)["status"], S_OK)
    shouted.close()


def every_operation(service):
    """A backup and a restore, each operation of both interfaces at least once, in fragments of 160 octets of stub."""
    def call(client, operation, **values):
        return client.call(operation, piece=160, **values)
    backup = service.client(BACKUP, service.ntlm("backup"))
    equal("Ping", call(backup, B_PING)["status"], S_OK)
    prepared = call(backup, B_PREPARE, instance="", grbit=0, type=1)
    equal("BackupPrepare", prepared["status"], S_OK)
    token, session = octets(prepared, "token"), prepared["session"]["uuid"]
    names = entries(call(backup, B_NAMES, session=session))
    equal("BackupGetDatabaseNames", [name[1:] for name in names], [str(service.database)])
    equal("BackupGetBackupLogs", entries(call(backup, B_LOGS, session=session)), [])
    equal("BackupGetDatabaseLocations", len(entries(call(backup, B_LOCATIONS, session=session))), 3)
    equal("BackupOpenFile", call(backup, B_OPEN, session=session, name=names[0], hint=0)["status"], S_OK)
    content = b""
    while (read := call(backup, B_READ, session=session, size=65536))["status"] == S_OK and read["count"]:
        content += octets(read, "data")[:read["count"]]
    equal("BackupRead at the end", read["status"], HANDLE_EOF)
    check("the octets read are the file's", content == service.database.read_bytes())
    equal("BackupClose", call(backup, B_CLOSE, session=session)["status"], S_OK)
    equal("BackupTruncateLogs", call(backup, B_TRUNCATE, session=session)["status"], S_OK)
    equal("BackupEnd", call(backup, B_END, session=session)["status"], S_OK)
    equal("SetCurrentLogNumber", call(service.client(RESTORE, service.ntlm("backup")), SET_LOG, instance="",
                                      number=0)["status"], S_OK)
    restore = service.client(RESTORE, SpnegoClient(KerberosClient(service.realm.ccache("restore", SERVICE))))
    equal("IsDirectoryOnline", call(restore, ONLINE, instance="")["status"], S_OK)
    equal("CheckExpiryToken", call(restore, CHECK_TOKEN, instance="", size=len(token), token=token)["status"], S_OK)
    session = call(restore, PREPARE, instance="", flags=0, size=len(token), token=token)["session"]["uuid"]
    equal("RestoreGetDatabaseLocations", len(entries(call(restore, LOCATIONS, session=session))), 3)
    folder = str(service.database.parent)
    registered = call(restore, REGISTER, session=session, checkpoint=folder, log=folder, count=1,
                      pairs=[(str(service.database), str(service.database))], backup=str(service.work / "backup"), low=0,
                      high=0)
    equal("RestoreRegister", registered["status"], S_OK)
    equal("RestoreRegisterComplete", call(restore, COMPLETE, session=session, state=0)["status"], S_OK)
    equal("RestoreEnd", call(restore, END, session=session)["status"], S_OK)
    return token


def token_of_backup(service):
    backup = service.client(BACKUP, service.ntlm("backup"))
    prepared = backup.call(B_PREPARE, instance="", grbit=0, type=1)
    backup.call(B_END, session=prepared["session"]["uuid"])
    backup.close()
    return octets(prepared, "token")


def roots(service):
    """ACC-4, of a service whose restore_roots is the folder `restored` alone."""
    restored, outside, folder = service.work / "restored", service.work / "outside", str(service.database.parent)
    for place in (restored / "inner", outside):
        place.mkdir(parents=True)
    (restored / "out").symlink_to(outside)
    (restored / "up").symlink_to("..")
    (restored / "in").symlink_to(restored / "inner")
    (restored / "ntds.dit").symlink_to(outside / "ntds.dit")
    ours, token = str(service.database), token_of_backup(service)
    client = service.client(RESTORE, SpnegoClient(KerberosClient(service.realm.ccache("restore", SERVICE))))
    session = client.call(PREPARE, instance="", flags=0, size=len(token), token=token)["session"]["uuid"]

    def register(backup=str(restored), target=ours):
        return client.call(REGISTER, session=session, checkpoint=folder, log=folder, count=1, pairs=[(ours, target)],
                           backup=str(backup), low=0, high=0)["status"]
    state = service.kept()
    named = {
        "a folder outside of the roots": outside, "the roots' parent": service.work, "the whole computer": "/",
        "a way up and out": restored / ".." / "outside", "a folder whose name begins like a root's": f"{restored}-2",
        "a link out of the roots": restored / "out", "a folder behind a link": restored / "out" / "deeper",
        "a link upwards": restored / "up" / "outside",
    }
    (service.work / "restored-2").mkdir()
    (outside / "deeper").mkdir()
    caller = rf"restore@{NAME} \(Kerberos, privacy\) at 127\.0\.0\.1:\d+"
    for what, path in named.items():
        service.logs(what, lambda: equal(f"Register of {what}", register(backup=path), NOT_ALLOWED),
                     rf" warning RestoreRegister by {caller}: 0x0*5 in \d+ us: ACC-4: szBackupLogPath is .*, which .*restore_roots")
    for what, path in (("a target outside", outside / "ntds.dit"), ("a target behind a link", restored / "out" / "ntds.dit"),
                       ("a target that is a link", restored / "ntds.dit")):
        service.logs(what, lambda: equal(f"Register of {what}", register(target=str(path)), NOT_ALLOWED),
                     rf" warning RestoreRegister by {caller}: 0x0*5 in \d+ us: ACC-4: a new database name of rgrstmap is ")
    # Here it is no name of a share; on Windows it is another computer's (unit_service).
    check("a share of another computer is refused", register(backup="\\\\other\\share\\logs") != S_OK)
    check("nothing was registered", service.kept() == state)
    check("nothing came to be outside", sorted(path.name for path in outside.iterdir()) == ["deeper"])
    equal("Register of a link within the roots", register(backup=restored / "in"), S_OK)
    equal("its completion", client.call(COMPLETE, session=session, state=0)["status"], S_OK)
    equal("its end", client.call(END, session=session)["status"], S_OK)


def logged(service):
    """Who called how, what came of it and how long it took; why who was refused; and never a password."""
    ticket = service.realm.ccache("both", SERVICE)

    def set_log(make, level):
        client = service.client(RESTORE, make(), level=level)
        equal("SetCurrentLogNumber", client.call(SET_LOG, instance="", number=0)["status"], S_OK)
        client.close()
    at = r"at 127\.0\.0\.1:\d+"
    for level, shown in ((INTEGRITY, "integrity"), (PRIVACY, "privacy")):
        for make, caller in ((service.ntlm, rf"{DOMAIN}\\both \(NTLM, {shown}\)"),
                             (lambda: SpnegoClient(KerberosClient(ticket)), rf"both@{NAME} \(Kerberos, {shown}\)")):
            for pattern in (rf" info rpc: {caller} {at} has authenticated, and may back up and may restore\n",
                            rf" info SetCurrentLogNumber by {caller} {at}: S_OK in \d+ us\n"):
                service.logs("a call", lambda: set_log(make, level), pattern)

    def refused(mechanism, interface, operation, **values):
        is_refused("a caller", lambda: service.client(interface, mechanism).call(operation, **values))
    service.logs("a caller whom no list names",
                 lambda: refused(service.ntlm("nobody"), BACKUP, B_PING),
                 rf" warning rpc: {DOMAIN}\\nobody \(NTLM, privacy\) {at}: BackupPing is "
                 r"answered with a fault, 0x0*5, in \d+ us: ACC-5: .*allow_backup")
    service.logs("a caller whom the other list names",
                 lambda: refused(service.ntlm("backup"), RESTORE, PREPARE, instance="", flags=0, size=0, token=None),
                 rf" warning rpc: {DOMAIN}\\backup \(NTLM, privacy\) {at}: RestorePrepare is "
                 r"answered with a fault, 0x0*5, in \d+ us: ACC-5: .*allow_restore")
    service.logs("a wrong password", lambda: refused(service.ntlm("both", "Both-2"), BACKUP, B_PING),
                 rf" warning rpc: anonymous {at}: AUTH-5: the caller's authentication is refused: ")
    service.logs("an expired ticket",
                 lambda: refused(KerberosClient(service.realm.expired_ccache("both")), BACKUP, B_PING),
                 rf" warning rpc: anonymous {at}: AUTH-5: .*expired")
    service.logs("an anonymous caller",
                 lambda: is_refused("an anonymous caller", lambda: unauthenticated(service, service.port)),
                 rf" warning rpc: anonymous {at}: .*COM-9: .*allow_anonymous")
    no_password(service.log())


def no_password(log):
    for password in {*USERS.values(), "Both-2"}:
        check(f"the log has not {password}", password not in log)


def defaults(service):
    """AUTH-6: privacy is the least; ACC-7: anonymous callers where the setting allows it, on loopback."""
    equal("an anonymous caller where the setting allows it", unauthenticated(service, service.port), bytes(4))
    check("and one with credentials", service.answers())
    for name, make in mechanisms(service):
        refused = is_refused(f"{name} with integrity alone", lambda: service.client(BACKUP, make(), level=INTEGRITY))
        equal(f"how {name} with integrity alone is refused", refused and refused.how, "nak")


def run(service):
    every_mechanism(service)
    impacket_itself(service)
    wrong_credentials(service)
    anonymous(service)
    rights(service)
    every_operation(service)
    logged(service)
    check("the service answers afterwards", service.answers())
