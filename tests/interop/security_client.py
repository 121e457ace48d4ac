"""Our client against an independent server, against servers that misbehave, and with somebody on the way who changes
what the service answers: it ends with a code, and hands nothing out that the service did not say."""
import itertools
import os
import pathlib
import struct
import subprocess

from bad_servers import bad_servers
from man_in_the_middle import ManInTheMiddle
from ntdsb_service import check, equal
from realm import DOMAIN, NAME, OTHER_SERVICE, SERVICE, USERS
from secure_rpc import ALTER_ACK, BIND, BIND_ACK, FIRST, HEADER_SIGN, LAST, REQUEST, RESPONSE, fragment
from secure_server import DATABASE, SecureServer
from security_contexts import COMPLETED, INCOMPLETE, NTLM_OID, REJECT, NtlmServer, SpnegoServer, neg_token_resp
from security_suite import wine_ntlm


class Run:
    """One run of secure_client: its exit status, the code of each call, what it was told and what it has written."""

    def __init__(self, world, port, user="both", password=None, domain=DOMAIN, settings="", restore_from=None, **environment):
        number = next(world.numbers)
        config, log = world.work / f"client{number}.toml", world.work / f"client{number}.log"
        config.write_text(f"[transport.servers.svc]\ntransport = 'rpc'\naddress = 'localhost:{port}'\n{settings}"
                          f"[log]\nlevel = 'trace'\nfile = '{world.shown(log)}'\n", encoding="utf-8")
        config.chmod(0o600)
        self.file = world.work / f"copy{number}"
        password = USERS.get(user, "") if password is None else password
        words = [world.client, "svc", domain, user, password, world.shown(self.file)]
        words += [str(restore_from)] if restore_from else []
        done = subprocess.run([*world.start, *words], stdout=subprocess.PIPE, stderr=subprocess.STDOUT, timeout=120, text=True,
                              env={**world.environment, "NTDSBCLI_CONFIG": world.shown(config), **environment})
        self.status, self.output = done.returncode, done.stdout + (log.read_text(encoding="utf-8") if log.exists() else "")
        check(f"the client's log has not {password}", len(password) < 2 or password not in self.output)
        self.codes, self.told = {}, {}
        for line in done.stdout.splitlines():
            name, _, value = line.partition(" ")
            if value.startswith("0x"):
                self.codes[name] = int(value, 16)
            else:
                self.told[name] = value
        self.content = self.file.read_bytes() if self.file.exists() else b""

    def last(self):
        """The first code that is not S_OK."""
        return next((code for code in self.codes.values() if code), 0)


class World:
    """What the client lives in. `service` may be None; `start` starts the client, `shown` tells it a path."""

    def __init__(self, realm, service, work, client, start=(), shown=str):
        self.realm, self.service, self.client, self.start, self.shown = realm, service, client, list(start), shown
        self.work, self.numbers = pathlib.Path(work).resolve(), itertools.count(1)
        self.environment = realm.full_environment()
        if start:
            self.environment["PATH"] = wine_ntlm(self.work, DOMAIN, "both", USERS["both"])

    def succeeds(self, what, port, content, database, **more):
        run = Run(self, port, **more)
        check(f"{what}: {run.output}", run.status == 0)
        check(f"{what}: the content", run.content == content)
        equal(f"{what}: the database's name", run.told.get("database"), database)
        return run

    def fails(self, what, port, content, database, **more):
        """Some call fails; all that was handed out before is true."""
        run = Run(self, port, **more)
        check(f"{what}: ends with a code: {run.status}: {run.output}", run.status == 1 and run.last() != 0)
        check(f"{what}: what was read is true", content.startswith(run.content))
        check(f"{what}: what was told is true", run.told.get("database", database) == database and
              run.told.get("size", str(len(content))) == str(len(content)))
        return run


# --- somebody on the way


def flipped(octets, at, bit=1):
    at %= len(octets)
    return octets[:at] + bytes([octets[at] ^ bit]) + octets[at + 1:]


def of_response(number, change):
    """Changes one response alone."""
    return lambda count, one: change(one) if (one.kind, count) == (RESPONSE, number) else one.raw


def of_request(number, change):
    return lambda count, one: change(one) if (one.kind, count) == (REQUEST, number) else one.raw


def stripped(one):
    """Without its protection, as if nobody had asked for any."""
    return fragment(RESPONSE, one.body, one.call_id, one.flags)


# Of a signature's sixteen octets Wine 8 compares those from here on, half of its checksum and the number: what else is
# changed there goes unnoticed, and changes nothing that is handed out.
NTLM_COMPARED_BY_WINE = 8


def trailer_of(one):
    """Where a fragment's security trailer begins, whose token is as long as its mechanism has it."""
    return len(one.raw) - len(one.token) - 8


def alterations(first_of_token=0):
    """(name, what happens to the response). In the order of a fragment: header, stub, trailer, token."""
    for at, bit in ((2, 1), (3, LAST), (3, FIRST), (4, 0x10), (8, 1), (10, 1), (12, 1), (20, 1)):
        yield f"octet {at} of the header", lambda one, at=at, bit=bit: flipped(one.raw, at, bit)
    for at in (24, 40):
        yield f"octet {at}, of the stub", lambda one, at=at: flipped(one.raw, at)
    for at in (-6, -2):
        yield f"octet {at} before the trailer", lambda one, at=at: flipped(one.raw, trailer_of(one) + at)
    for at in (0, 1, 2, 4):
        yield f"octet {at} of the trailer", lambda one, at=at: flipped(one.raw, trailer_of(one) + at, 2)
    for part in range(5):
        yield (f"an octet {part} fourths into the token from {first_of_token} on",
               lambda one, part=part: flipped(one.raw, trailer_of(one) + 8 + first_of_token +
                                              (len(one.token) - 1 - first_of_token) * part // 4))
    yield "no protection", stripped
    yield "sent twice", lambda one: one.raw + one.raw
    yield "left out", lambda one: b""
    yield "cut off", lambda one: one.raw[:len(one.raw) // 2]


def on_the_way(world):
    """AUTH-4, AUTH-6. What is given goes with privacy only (AUTH-3), so integrity is for the process's own identity."""
    for way, more in (("NTLM, privacy", {"settings": "authentication = 'ntlm'\n"}), ("NTLM, integrity", OWN_BY_NTLM)):
        replies_changed(world, way, more)
        requests_changed(world, way, more)
    if not world.start:  # Wine has no ticket for its programs
        replies_changed(world, "Kerberos, privacy", kerberos(world))
        replies_changed(world, "Kerberos, integrity", kerberos(world, "protection = 'integrity'\n"))


# The process's own identity, natively the first of the user file: who may back up, at least.
OWN_BY_NTLM = {"user": "-", "settings": "authentication = 'ntlm'\nprotection = 'integrity'\n"}


def kerberos(world, settings=""):
    """What lets a run use a ticket of its own."""
    return {"user": "-", "KRB5CCNAME": f"FILE:{world.realm.ccache('both')}",
            "settings": f"authentication = 'kerberos'\n{settings}"}


def replies_changed(world, way, more):
    service, database = world.service, str(world.service.database)
    content = service.database.read_bytes()
    with ManInTheMiddle(service.port) as proxy:
        world.succeeds(f"nobody meddles, {way}", proxy.port, content, database, **more)
    # Response 3 is the first one of the file's content, 4 and 5 neither first nor last of their call; 1 is the list of names.
    cases = [(f"response 3, {way}: {what}", of_response(3, change))
             for what, change in alterations(NTLM_COMPARED_BY_WINE if world.start else 0)]
    cases += [(f"the list of names altered, {way}", of_response(1, lambda one: flipped(one.raw, 40))),
              (f"a fragment in the middle left out, {way}", of_response(4, lambda one: b"")),
              (f"fragments exchanged, {way}", exchanged()), (f"a fragment in another's place, {way}", repeated())]
    for what, change in cases:
        with ManInTheMiddle(service.port, change) as proxy:
            world.fails(what, proxy.port, content, database, **more)
            check(f"{what}: something was changed", proxy.changed > 0)


def requests_changed(world, way, more):
    """The service, which knows what our library signs, takes nothing else; what it refuses does not run."""
    service, database = world.service, str(world.service.database)
    content = service.database.read_bytes()
    wrong, bare = "a fragment's signature is wrong", "a request without protection, or with another"
    # Request 1 asks for the list of names.
    for what, reason, change in (
            ("an octet of the header", wrong, lambda one: flipped(one.raw, 22)),
            ("an octet of the stub", wrong, lambda one: flipped(one.raw, 24)),
            ("an octet of the signature", wrong, lambda one: flipped(one.raw, trailer_of(one) + 8 + 4)),
            ("the last octet", wrong, lambda one: flipped(one.raw, -1)),
            ("no protection", bare, lambda one: fragment(REQUEST, one.body, one.call_id, one.flags)),
            ("sent twice", wrong, lambda one: one.raw + one.raw)):
        what, before = f"request 1, {way}: {what}", len(service.log())
        with ManInTheMiddle(service.port, None, of_request(1, change)) as proxy:
            service.logs(what, lambda: world.fails(what, proxy.port, content, database, **more),
                         rf" warning rpc: {DOMAIN}\\\w+ \({way}\) at \S+: AUTH-5: the caller is refused: {reason}")
            equal(f"{what}: requests changed", proxy.changed, 1)
        check(f"{what}: does not run", "sent twice" in what or "BackupGetDatabaseNames by" not in service.log()[before:])


def exchanged():
    """Two fragments in the middle of the content: their flags do not tell."""
    held = []

    def change(count, one):
        if one.kind != RESPONSE or count not in (4, 5):
            return one.raw
        held.append(one.raw)
        return b"" if count == 4 else held[1] + held[0]
    return change


def repeated():
    """The fragment before once more, and not the one that is due."""
    held = []

    def change(count, one):
        if one.kind == RESPONSE and count == 4:
            held.append(one.raw)
        return held[0] if one.kind == RESPONSE and count == 5 else one.raw
    return change


def unsigned_headers(kind):
    """The offer, or its answer, to sign headers is taken out."""
    return lambda count, one: flipped(one.raw, 3, HEADER_SIGN) if one.kind == kind and one.flags & HEADER_SIGN else one.raw


def without_token(count, one):
    if one.kind != BIND_ACK:
        return one.raw
    return fragment(BIND_ACK, one.body, one.call_id, one.flags)


def without_authentication(count, one):
    return fragment(BIND, one.body, one.call_id, one.flags) if one.kind == BIND else one.raw


def at_the_bind(world):
    """AUTH-4: no answer makes the client do without what it has asked for."""
    service, database = world.service, str(world.service.database)
    content = service.database.read_bytes()

    def case(what, to_client=None, to_server=None, **more):
        with ManInTheMiddle(service.port, to_client, to_server) as proxy:
            run = world.fails(what, proxy.port, content, database, **more)
            check(f"{what}: nothing was handed out: {run.output}", run.codes.get("DsBackupPrepareA", 0) != 0)
            check(f"{what}: something was changed", proxy.changed > 0)

    def token_changed(change):
        def changed(count, one):
            if one.kind not in (BIND_ACK, ALTER_ACK) or not one.token:
                return one.raw
            return fragment(one.kind, one.body + one.padding, one.call_id, one.flags,
                            (one.trailer[0], one.trailer[1], one.trailer[4], len(one.padding)), change(one.token))
        return changed
    case("an answer without authentication", without_token)
    case("a bind whose authentication is taken off", to_server=without_authentication)
    # NTLM signs headers in any case; that its client had offered it stands in the verification trailer.
    case("NTLM: an offer to sign headers taken out", to_server=unsigned_headers(BIND), settings="authentication = 'ntlm'\n")
    case("a token of noise", token_changed(lambda token: os.urandom(len(token))))
    case("a token cut in half", token_changed(lambda token: token[:len(token) // 2]))
    case("SPNEGO: rejected", token_changed(lambda token: neg_token_resp(REJECT)))
    case("SPNEGO: completed at once", token_changed(lambda token: neg_token_resp(COMPLETED, NTLM_OID)))
    case("SPNEGO: another mechanism chosen", token_changed(lambda token: neg_token_resp(INCOMPLETE, bytes.fromhex("06032a0304"),
                                                                                        token)))

    def weaker(token):  # NTLM's challenge without sealing, signing or extended session security
        at = token.find(b"NTLMSSP\0\2\0\0\0")
        if at < 0:
            return token
        flags = struct.unpack_from("<L", token, at + 20)[0] & ~0x40080030
        return token[:at + 20] + struct.pack("<L", flags) + token[at + 24:]
    case("NTLM: weaker flags", token_changed(weaker))
    case("NTLM: weaker flags, bare", token_changed(weaker), settings="authentication = 'ntlm'\n")
    for what, to_client, to_server in (
            ("an answer without authentication", without_token, None),
            ("a bind whose authentication is taken off", None, without_authentication),
            ("an offer to sign headers taken out", None, unsigned_headers(BIND)),
            ("a token of noise", token_changed(lambda token: os.urandom(len(token))), None),
            ("weaker flags", token_changed(weaker), None)):
        case(f"NTLM, integrity: {what}", to_client, to_server, **OWN_BY_NTLM)
    if world.start:  # Wine has no ticket for its programs
        return
    for what, to_client, to_server in (
            ("an answer without authentication", without_token, None),
            ("a bind whose authentication is taken off", None, without_authentication),
            ("an offer to sign headers taken out", None, unsigned_headers(BIND)),
            ("the answer to that offer taken out", unsigned_headers(BIND_ACK), None),
            ("a token of noise", token_changed(lambda token: os.urandom(len(token))), None),
            ("a token with an octet changed", token_changed(lambda token: flipped(token, -1)), None)):
        for level in ("privacy", "integrity"):
            case(f"Kerberos, {level}: {what}", to_client, to_server, **kerberos(world, f"protection = '{level}'\n"))


# --- servers of our own


def users():
    return {(DOMAIN, user): password for user, password in USERS.items()}


def independent(world):
    """A server that shares nothing with the client. Credentials that are given go with privacy only (AUTH-3); integrity
    is for the process's own, which Wine's Negotiate does not find."""
    content = os.urandom(300000)
    for name, make, kind in (("NTLM", lambda: NtlmServer(users(), DOMAIN), "ntlm"),
                             ("SPNEGO", lambda: SpnegoServer(NtlmServer(users(), DOMAIN)), "negotiate")):
        for level, user in (("privacy", "both"), ("integrity", "-")):
            if world.start and (level, kind) == ("integrity", "negotiate"):
                continue
            settings = f"authentication = '{kind}'\nprotection = '{level}'\n"
            with SecureServer(make, content) as server:
                world.succeeds(f"an independent server, {name}, {level}", server.port, content, DATABASE, settings=settings,
                               user=user)
                equal(f"the independent server's errors, {name}, {level}", server.errors, [])
                if level == "integrity":
                    run = world.fails("integrity for credentials that are given", server.port, content, DATABASE,
                                      settings=settings)
                    equal("the code of integrity for credentials that are given", run.codes.get("DsBackupPrepareA"), 50)


def misbehaving(world):
    """AUTH-4, AUTH-5."""
    content = os.urandom(300000)
    for what, make, connection, kind in bad_servers(users(), DOMAIN):
        if kind == "kerberos" and world.start:  # Wine has no ticket for its programs
            continue
        more = kerberos(world) if kind == "kerberos" else {"settings": f"authentication = '{kind}'\n"}
        with SecureServer(make, content, connection) as server:
            run = world.fails(what, server.port, content, DATABASE, **more)
            check(f"{what}: nothing was believed: {run.output}", run.codes.get("DsBackupPrepareA", 0) != 0)
            check(f"{what}: {server.legs} legs", server.legs < 20)


# --- the service itself


def credentials(world):
    """AUTH-5: others than the right ones; then a whole restore with these."""
    service, database = world.service, str(world.service.database)
    content = service.database.read_bytes()
    for what, more in (("a wrong password", {"password": "Both-2"}), ("an unknown user", {"user": "stranger", "password": "x"}),
                       ("another domain", {"domain": "OTHER"}), ("who may not back up", {"user": "nobody"})):
        run = world.fails(what, service.port, content, database, settings="authentication = 'ntlm'\n", **more)
        equal(f"the code for {what}", run.codes.get("DsBackupPrepareA"), 5)
    world.succeeds("a password that is not ASCII", service.port, content, database, user="dagmar")
    run = world.succeeds("a backup and a restore", service.port, content, database, restore_from=service.work / "backup")
    equal("the restore's end", run.codes.get("DsRestoreRegisterComplete"), 0)
    check("the database is what it was", service.database.read_bytes() == content)


def own_identity(world):
    """The process's own by NTLM, at both levels: a whole restore."""
    service, database = world.service, str(world.service.database)
    content = service.database.read_bytes()
    for level in ("privacy", "integrity"):
        settings = f"authentication = 'ntlm'\nprotection = '{level}'\n"
        service.logs(f"a restore at {level}",
                     lambda: world.succeeds(f"a backup and a restore at {level}", service.port, content, database, user="-",
                                            settings=settings, restore_from=service.work / "backup"),
                     rf" info RestoreRegisterComplete by {DOMAIN}\\both \(NTLM, {level}\) at \S+: S_OK ")
        check("the database is what it was", service.database.read_bytes() == content)


def tickets(world):
    service, database = world.service, str(world.service.database)
    content = service.database.read_bytes()
    for kind in ("kerberos", "negotiate"):
        world.succeeds(f"a ticket of one's own, {kind}", service.port, content, database, user="-",
                       settings=f"authentication = '{kind}'\n", KRB5CCNAME=f"FILE:{world.realm.ccache('both')}")
        world.succeeds(f"a ticket by password, {kind}", service.port, content, database, user="dagmar", domain=NAME,
                       settings=f"authentication = '{kind}'\nprincipal = '{SERVICE}'\n")
    for what, ccache in (("an expired ticket", world.realm.expired_ccache("both")),
                         ("no ticket", world.realm.folder / "none.ccache")):
        run = world.fails(what, service.port, content, database, user="-", settings="authentication = 'kerberos'\n",
                          KRB5CCNAME=f"FILE:{ccache}")
        equal(f"the code for {what}", run.codes.get("DsBackupPrepareA"), 5)
    run = world.fails("a service of another name", service.port, content, database, user="-",
                      settings=f"authentication = 'kerberos'\nprincipal = '{OTHER_SERVICE}'\n",
                      KRB5CCNAME=f"FILE:{world.realm.ccache('both')}")
    equal("the code for a service of another name", run.codes.get("DsBackupPrepareA"), 5)


GROUPS = (credentials, tickets, independent, misbehaving, at_the_bind, on_the_way)
# Wine's programs get no Kerberos ticket; the servers of our own meet them where the suite `independent` runs.
GROUPS_UNDER_WINE = (credentials, own_identity, at_the_bind, on_the_way)
