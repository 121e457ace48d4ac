"""Requests that somebody on the way has altered, repeated, reordered, cut or stripped: none may run. The operation is
SetCurrentLogNumber, which leaves its number in the directory's state."""
import itertools
import struct

from ntdsb_impacket import B_PING, SET_LOG, fill
from realm import SERVICE
from secure_rpc import (ALTER, BACKUP, BITMASK, FIRST, HEADER2, HEADER_SIGN, INTEGRITY, LAST, MUST_PROCESS, NDR, ONLY, ORPHANED,
                        PCONTEXT, PRIVACY, REQUEST, RESTORE, SecureClient, bind_body, fragment, verification_trailer)
from security_contexts import KerberosClient
from ntdsb_service import check, equal

numbers = itertools.count(1)
# Which octets of a request only say how much memory it may need, or nothing.
ALLOCATION_HINT = range(16, 20)


class Way:
    """One mechanism at one level."""

    def __init__(self, service, name, make, level, flags=ONLY):
        self.service, self.name, self.make, self.level, self.flags = service, name, make, level, flags
        self.signs_headers = name.startswith("NTLM") or bool(flags & HEADER_SIGN)

    def connect(self):
        return SecureClient(self.service.port, RESTORE, self.make(), level=self.level, flags=self.flags).authenticate()


def ways(service):
    ticket = service.realm.ccache("both", SERVICE)
    out = []
    for level in (INTEGRITY, PRIVACY):
        out.append(Way(service, f"NTLM {level}", service.ntlm, level))
        # Without signed headers the service takes no Kerberos (security_access.py).
        out.append(Way(service, f"Kerberos {level}", lambda: KerberosClient(ticket), level, ONLY | HEADER_SIGN))
    return out


def stub():
    return fill(SET_LOG, instance="", number=next(numbers)).getData()


def answers_to(client, octets):
    """Sends it as the last of this connection; gives the replies that came, and how it ended."""
    replies = []
    refused = client.all_answers(octets, lambda: replies.append(client.reply()))
    return len(replies), refused


def does_not_run(way, what, client, octets, before=None, allowed=0):
    """The service answers at most `allowed` of it, then refuses or hangs up; the state stays as it was."""
    state = before if before is not None else way.service.kept()
    try:
        count, _ = answers_to(client, octets)
    except Exception as error:  # whatever our own reading of the answer stumbles over
        check(f"{way.name}: {what}: {type(error).__name__}: {error}", False)
        return
    check(f"{way.name}: {what}: {count} answers", count <= allowed)
    check(f"{way.name}: {what}: nothing has run", way.service.kept() == state)


def flip(octets, at, bit=1):
    return octets[:at] + bytes([octets[at] ^ bit]) + octets[at + 1:]


def altered_octets(way):
    """One octet of each part: header, stub, padding, trailer, token."""
    client, state = way.connect(), way.service.kept()
    whole = client.request(SET_LOG[0].opnum, stub())[0]
    equal(f"{way.name}: answers to an unaltered request", answers_to(client, whole)[0], 1)
    check(f"{way.name}: an unaltered request runs", way.service.kept() != state)
    token = struct.unpack_from("<H", whole, 10)[0]
    trailer = len(whole) - token - 8
    places = {
        "header": [(0, 1), (2, 2), (3, LAST), (3, FIRST), (3, 0x80), (4, 0x10), (8, 1), (8, 0x10), (10, 1), (10, 4), (12, 1),
                   (15, 0x80), (20, 1), (22, 1), (23, 1)],
        "stub": [(at, 0x10) for at in range(24, trailer - 16, 11)],
        "end of the stub and padding": [(at, 1) for at in range(trailer - 16, trailer, 3)],
        "trailer": [(trailer, 3), (trailer + 1, 3), (trailer + 2, 1), (trailer + 2, 4), (trailer + 2, 0x80), (trailer + 4, 1)],
        "token": [(at, 1) for at in range(trailer + 8, len(whole), 3)] + [(len(whole) - 1, 0x80)],
    }
    if way.signs_headers:
        places["unused parts"] = [(at, 1) for at in ALLOCATION_HINT] + [(trailer + 3, 1), (3, 0x20)]
    for part, where in places.items():
        for at, bit in where:
            client = way.connect()
            sent = client.request(SET_LOG[0].opnum, stub())[0]
            does_not_run(way, f"octet {at} of the {part} altered by {bit:#x}", client, flip(sent, at, bit))


def cut(way):
    """Tokens cut, trailers taken off, protection stripped or exchanged."""
    def resized(whole, drop, token=None):
        token = struct.unpack_from("<H", whole, 10)[0] - drop if token is None else token
        whole = whole[:len(whole) - drop] if drop else whole
        return whole[:8] + struct.pack("<HH", len(whole), token) + whole[12:]
    for drop in (1, 8, 15):
        client = way.connect()
        does_not_run(way, f"a token cut by {drop}", client, resized(client.request(SET_LOG[0].opnum, stub())[0], drop))
    client = way.connect()
    whole = client.request(SET_LOG[0].opnum, stub())[0]
    token = struct.unpack_from("<H", whole, 10)[0]
    does_not_run(way, "a token cut away", client, resized(whole, token))
    client = way.connect()
    whole = client.request(SET_LOG[0].opnum, stub())[0]
    does_not_run(way, "the trailer cut away", client, resized(whole, token + 8, 0))
    client = way.connect()
    does_not_run(way, "a request without protection", client,
                 fragment(REQUEST, struct.pack("<LHH", 0, 0, SET_LOG[0].opnum) + stub(), 2))
    client = way.connect()
    plain = stub()
    plain += bytes(-len(plain) % 4) + verification_trailer(RESTORE, 2, SET_LOG[0].opnum)
    does_not_run(way, "a verification trailer without protection", client,
                 fragment(REQUEST, struct.pack("<LHH", 0, 0, SET_LOG[0].opnum) + plain, 2))
    if way.level == PRIVACY:
        client = way.connect()
        client.level = INTEGRITY
        does_not_run(way, "integrity where privacy was agreed", client, client.request(SET_LOG[0].opnum, stub())[0])
    client = way.connect()
    client.context_id += 1
    does_not_run(way, "another security context's id", client, client.request(SET_LOG[0].opnum, stub())[0])


def replayed_and_reordered(way):
    client = way.connect()
    first = client.request(SET_LOG[0].opnum, stub())[0]
    client.send(first)
    client.reply()
    state = way.service.kept()
    client.exchange(SET_LOG[0].opnum, stub())
    check(f"{way.name}: what runs changes the state", way.service.kept() != state)
    does_not_run(way, "a request sent again", client, first)

    does_not_run(way, "another connection's request", way.connect(), first)

    client = way.connect()
    one, two = (client.request(SET_LOG[0].opnum, stub())[0] for _ in range(2))
    does_not_run(way, "two requests exchanged", client, two + one)

    client = way.connect()
    client.request(SET_LOG[0].opnum, stub())
    does_not_run(way, "a request dropped", client, client.request(SET_LOG[0].opnum, stub())[0])

    for what, order in (("a fragment dropped", (0, 2)), ("fragments exchanged", (1, 0, 2)), ("a fragment repeated", (0, 0, 1, 2)),
                        ("the first fragment dropped", (1, 2)), ("the last fragment missing", (0, 1)),
                        ("the last fragment first", (2, 0, 1))):
        client = way.connect()
        parts = client.request(SET_LOG[0].opnum, stub(), piece=32)
        equal("fragments of the request", len(parts), 3)
        does_not_run(way, what, client, b"".join(parts[index] for index in order))
    # The flags of a fragment are signed where headers are; elsewhere the verification trailer must come last.
    client = way.connect()
    parts = client.request(SET_LOG[0].opnum, stub(), piece=32)
    does_not_run(way, "a request that ends early", client, flip(parts[0], 3, LAST))


def interleaved(client):
    """Two calls of two fragments each, in turns: stubs first, then verification trailers."""
    out = []
    stubs, tails = ([make(call) for call in (7, 8)] for make in (
        lambda _: stub(), lambda call: verification_trailer(RESTORE, call, SET_LOG[0].opnum)))
    for flags, parts in ((FIRST, stubs), (LAST, tails)):
        for call, part in zip((7, 8), parts):
            out.append(client.protect(struct.pack("<LHH", len(part), 0, SET_LOG[0].opnum), part, call, flags))
    return out


def headers_of_fragments(way):
    """What only a signed header tells: which call a fragment belongs to, that it is the first or the last, its padding."""
    def renamed(piece, call):
        return piece[:12] + struct.pack("<L", call) + piece[16:]

    def flagged(piece, flags):
        return piece[:3] + bytes([flags]) + piece[4:]
    client = way.connect()
    parts = interleaved(client)
    does_not_run(way, "two interleaved calls exchange their beginnings", client,
                 renamed(parts[0], 8) + renamed(parts[1], 7) + parts[2] + parts[3])

    def two_parts(client):
        text = stub()
        tail = verification_trailer(RESTORE, 2, SET_LOG[0].opnum)
        return [client.protect(struct.pack("<LHH", 0, 0, SET_LOG[0].opnum), part, 2, flags)
                for part, flags in ((text, FIRST), (text + tail, LAST))]
    client = way.connect()
    one, two = two_parts(client)
    does_not_run(way, "a first fragment refused, its last one run alone", client,
                 flagged(one[:20] + b"\x63\0" + one[22:], ONLY) + flagged(two, ONLY))
    client = way.connect()
    one, two = two_parts(client)
    does_not_run(way, "a call orphaned, its last fragment run alone", client,
                 one + fragment(ORPHANED, b"", 2) + flagged(two, ONLY))
    client = way.connect()
    one, two = two_parts(client)
    trailer = len(one) - client.mechanism.token_size(way.level) - 8
    does_not_run(way, "a first fragment all of which is padding", client,
                 one[:trailer + 2] + bytes([trailer - 24]) + one[trailer + 3:] + two)


def verification(way):
    signs = way.flags & HEADER_SIGN
    header = struct.pack("<BBHLLHH", REQUEST, 0, 0, 0x10, 2, 0, SET_LOG[0].opnum)
    other = struct.pack("<BBHLLHH", REQUEST, 0, 0, 0x10, 3, 0, SET_LOG[0].opnum)
    cases = {
        "no verification trailer": (),
        "no pcontext": (HEADER2,),
        "pcontext of another interface": ((PCONTEXT, BACKUP + NDR), HEADER2),
        "pcontext of another transfer syntax": ((PCONTEXT, RESTORE + bytes(20)), HEADER2),
        "a short pcontext": ((PCONTEXT, RESTORE), HEADER2),
        "header2 of another call": (PCONTEXT, (HEADER2, other)),
        "header2 of another operation": (PCONTEXT, (HEADER2, header[:14] + b"\x05\x00")),
        "header2 of another context": (PCONTEXT, (HEADER2, header[:12] + b"\x01\x00" + header[14:])),
        "header2 of a response": (PCONTEXT, (HEADER2, b"\x02" + header[1:])),
        "a short header2": (PCONTEXT, (HEADER2, header[:8])),
        "an empty header2": (PCONTEXT, (HEADER2, b"")),
        "an unknown command that must be understood": (PCONTEXT, HEADER2, (MUST_PROCESS | 0x99, b"abcd")),
        "a second header2 that differs": (PCONTEXT, HEADER2, (HEADER2, other)),
    }
    if not signs:
        cases["no header2"] = (PCONTEXT,)
        cases["a bitmask, pcontext, no header2"] = ((BITMASK, bytes(4)), PCONTEXT)
        cases["a bitmask for headers that the bind did not offer"] = (BITMASK, PCONTEXT, HEADER2)
    for what, commands in cases.items():
        client = way.connect()
        does_not_run(way, what, client, client.request(SET_LOG[0].opnum, stub(), commands=commands)[0])
    good = verification_trailer(RESTORE, 2, SET_LOG[0].opnum)
    for what, tail in (("octets behind the trailer", good + b"\0\0\0\0"), ("a trailer cut short", good[:-4]),
                       ("a trailer without an end", good[:-20] + b"\3\0" + good[-18:]),
                       ("a command longer than the trailer", good[:-18] + b"\x20\0" + good[-16:]),
                       ("half a signature", good[4:])):
        client = way.connect()
        does_not_run(way, what, client, client.request(SET_LOG[0].opnum, stub(), tail=tail)[0])
    runs(way, "an unknown command", way.connect(), ((0x55, b"abcd"), PCONTEXT, HEADER2))
    later_requests(way)


def runs(way, what, client, commands):
    state = way.service.kept()
    client.exchange(SET_LOG[0].opnum, stub(), commands=commands)
    check(f"{way.name}: {what}: it runs", way.service.kept() != state)


def later_requests(way):
    """Where headers are signed, a trailer has nothing more to say once its context is verified: Samba leaves it out."""
    client = way.connect()
    if way.flags & HEADER_SIGN:
        runs(way, "a first request with pcontext alone", client, (PCONTEXT,))
        runs(way, "a later request without trailer", client, ())
        runs(way, "a later request with header2", client, (HEADER2,))
        return
    runs(way, "a first request with both", client, (PCONTEXT, HEADER2))
    runs(way, "a later request with header2 alone", client, (HEADER2,))
    does_not_run(way, "a later request without trailer", client, client.request(SET_LOG[0].opnum, stub(), commands=())[0])
    client = way.connect()
    client.exchange(SET_LOG[0].opnum, stub())
    does_not_run(way, "a later request with pcontext alone", client,
                 client.request(SET_LOG[0].opnum, stub(), commands=(PCONTEXT,))[0])


def context_defined_anew(way):
    """An alter_context that somebody on the way puts in gives a verified presentation context another interface."""
    client = way.connect()
    client.exchange(SET_LOG[0].opnum, stub())
    client.send(fragment(ALTER, bind_body([BACKUP]), 9))
    client.receive()
    commands = () if way.flags & HEADER_SIGN else (HEADER2,)
    does_not_run(way, "a request of a context that was defined anew", client,
                 client.request(SET_LOG[0].opnum, stub(), commands=commands)[0])


def other_interface(service, make, level):
    """A request for one presentation context that is turned to the other's interface or operation."""
    way = Way(service, f"{make().__class__.__name__} {level}", make, level)
    for what, at, value in (("context", 20, 1), ("operation", 22, 5)):
        client = SecureClient(service.port, BACKUP, make(), level=level)
        client.interfaces = [BACKUP, RESTORE]
        client.authenticate()
        ping = client.request(B_PING[0].opnum, b"")[0]
        does_not_run(way, f"a request turned to another {what}", client, ping[:at] + bytes([value, 0]) + ping[at + 2:])


def run(service):
    for way in ways(service):
        altered_octets(way)
        cut(way)
        replayed_and_reordered(way)
        if way.signs_headers:
            headers_of_fragments(way)
        verification(way)
        context_defined_anew(way)
        other_interface(service, way.make, way.level)
        check(f"{way.name}: the service answers afterwards", service.answers())
    for level in (INTEGRITY, PRIVACY):  # with headers that its bind offers to sign
        way = Way(service, f"NTLM {level}, signed headers", service.ntlm, level, ONLY | HEADER_SIGN)
        verification(way)
        context_defined_anew(way)
