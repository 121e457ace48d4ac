#!/usr/bin/env python3
"""Writes the seeds that are named by what they are: tests/fuzz/corpus/TARGET/NAME.

Requests and replies come from the golden files, fragments are built here after C706; what the targets make themselves
(ESE files, directories) takes a few octets. Other files in a corpus were found by the fuzzer and are left alone.
"""
import binascii
import itertools
import pathlib
import struct

FUZZ = pathlib.Path(__file__).resolve().parent
CORPUS = FUZZ / "corpus"
GOLDEN = FUZZ.parent / "golden"

# As tests/fuzz/ndr.cpp counts them.
OPERATIONS = [f"restore.{number:02}" for number in range(8)] + [f"backup.{number:02}" for number in range(10)]


def write(target, name, octets):
    folder = CORPUS / target
    folder.mkdir(parents=True, exist_ok=True)
    (folder / name).write_bytes(octets)


def golden(file):
    lines = (line.split("#")[0] for line in file.read_text().splitlines())
    return bytes.fromhex("".join(lines))


def crc(octets):
    return octets + struct.pack("<I", binascii.crc32(octets))


# --- NDR

def ndr():
    for file in sorted(GOLDEN.glob("*.hex")):
        interface, number, kind, *variant = file.name.removesuffix(".hex").split(".")
        index = OPERATIONS.index(f"{interface}.{number}")
        name = ".".join([interface, number, *variant])
        stub = golden(file)
        head = bytes([index])
        if kind == "reply" and index == OPERATIONS.index("backup.04"):
            head += struct.pack("<HB", 4096, 7)
        write("ndr_request" if kind == "request" else "ndr_reply", name, head + stub)
    stub = golden(GOLDEN / "restore.00.request.hex")
    write("ndr_request", "restore.00.padded", b"\0" + stub + bytes(-len(stub) % 4))


# --- DCE/RPC

NDR_SYNTAX = bytes.fromhex("045d888aeb1cc9119fe808002b104860") + struct.pack("<I", 2)
FEATURES = bytes.fromhex("2c1cb76c12984045") + struct.pack("<HHI", 3, 0, 0) + struct.pack("<I", 1)
INTERFACES = {
    "restore": bytes.fromhex("8c3cfea895687d42a91c95cc81b46064") + struct.pack("<I", 1),
    "backup": bytes.fromhex("5909c8fb7d3ce44ab3ed4afb9ec73267") + struct.pack("<I", 1),
    "management": bytes.fromhex("80bda8af8a7dc911bef408002b102989") + struct.pack("<I", 1),
    "endpoint_mapper": bytes.fromhex("0883afe11f5dc91191a408002b14a0fa") + struct.pack("<I", 3),
}
REQUEST, RESPONSE, FAULT, BIND, BIND_ACK, BIND_NAK, ALTER, AUTH3, CANCEL, ORPHANED = 0, 2, 3, 11, 12, 13, 14, 16, 18, 19


def pdu(kind, body=b"", call=1, flags=3, token=b"", level=5):
    trailer = b""
    if token:
        pad = -len(body) % 16
        body += bytes(pad)
        trailer = struct.pack("<BBBBI", 9, level, pad, 0, level - 5) + token
    length = 16 + len(body) + len(trailer)
    return struct.pack("<BBBBIHHI", 5, 0, kind, flags, 0x10, length, len(token), call) + body + trailer


def bind(*contexts, kind=BIND, call=1, group=0, token=b""):
    body = struct.pack("<HHIB3x", 4280, 4280, group, len(contexts))
    for number, (interface, transfers) in enumerate(contexts):
        body += struct.pack("<HBx", number, len(transfers)) + INTERFACES[interface] + b"".join(transfers)
    return pdu(kind, body, call, token=token)


def request(opnum, stub, call=2, context=0, flags=3, **kwargs):
    return pdu(REQUEST, struct.pack("<IHH", len(stub), context, opnum) + stub, call, flags, **kwargs)


def ack(outcome=0, reason=0, address=b"49152\0", kind=BIND_ACK):
    body = struct.pack("<HHIH", 4280, 4280, 1, len(address)) + address
    body += bytes(-len(body) % 4)
    return pdu(kind, body + struct.pack("<B3xHH", 1, outcome, reason) + NDR_SYNTAX, 1)


def response(stub, call, flags=3):
    return pdu(RESPONSE, struct.pack("<IHBx", len(stub), 0, 0) + stub, call, flags)


def secure_response(stub, call, number):
    return pdu(RESPONSE, struct.pack("<IHBx", len(stub), 0, 0) + stub, call, token=bytes([number]) * 16, level=6)


def fault(status, call):
    return pdu(FAULT, struct.pack("<IHBxII", 0, 0, 0, status, 0), call)


def rpc_server():
    for how, (interface, count) in itertools.product((0, 3), (("restore", 8), ("backup", 10))):
        stream = bind((interface, [NDR_SYNTAX]))
        for number in range(count):
            stub = golden(GOLDEN / f"{interface}.{number:02}.request.hex")
            stream += request(number, stub, call=number + 2)
        write("rpc_server", f"{interface}.all_operations.{'small' if how else 'whole'}", bytes([how]) + stream)
    plain = bind(("management", [NDR_SYNTAX]), ("endpoint_mapper", [FEATURES, NDR_SYNTAX]))
    calls = b"".join(request(number, struct.pack("<II", 4, 0), call=number + 2) for number in range(6))
    write("rpc_server", "management.all_operations", bytes([2]) + plain + calls)
    write("rpc_server", "endpoint_mapper.lookup",
          bytes([2]) + plain + request(2, lookup(), context=1) + request(3, mapping("restore"), 3, 1))
    parts = [request(0, b"abcdefgh", flags=flags) for flags in (1, 0, 2)]
    whole = bind(("backup", [NDR_SYNTAX]))
    write("rpc_server", "request.in_fragments", b"\0" + whole + b"".join(parts))
    write("rpc_server", "request.too_long", b"\1" + whole + request(0, bytes(1400), flags=1) * 1
          + request(0, bytes(1400), flags=0) * 4)
    write("rpc_server", "request.with_object",
          b"\0" + whole + pdu(REQUEST, struct.pack("<IHH", 0, 0, 8) + bytes(range(16)), 2, 0x83))
    write("rpc_server", "request.unknown_context", b"\0" + whole + request(0, b"", context=9))
    write("rpc_server", "request.unknown_operation", b"\0" + whole + request(99, b""))
    write("rpc_server", "request.cancelled",
          b"\0" + whole + parts[0] + pdu(CANCEL, call=2) + parts[2] + pdu(CANCEL, call=2))
    write("rpc_server", "request.orphaned", b"\0" + whole + parts[0] + pdu(ORPHANED, call=2) + request(8, b"", call=3)
          + pdu(ORPHANED, call=3))
    write("rpc_server", "request.too_many",
          b"\1" + whole + b"".join(request(8, b"", call=call) for call in range(2, 9)))
    write("rpc_server", "request.protected", b"\0" + whole + request(8, b"", token=bytes(16)))
    secure_bind = bind(("backup", [NDR_SYNTAX]), token=b"Cx")
    write("rpc_server", "secure.call", b"\6" + secure_bind + secure_request(0) + secure_request(1))
    write("rpc_server", "secure.three_legs", b"\4" + bind(("backup", [NDR_SYNTAX]), token=b"A")
          + bind(("backup", [NDR_SYNTAX]), kind=ALTER, token=b"B") + pdu(AUTH3, b"    ", token=b"C") + secure_request(0))
    write("rpc_server", "secure.denied", b"\4" + bind(("backup", [NDR_SYNTAX]), token=b"D"))
    write("rpc_server", "secure.call_without", b"\4" + secure_bind + request(8, b""))
    write("rpc_server", "secure.call_too_early", b"\4" + bind(("backup", [NDR_SYNTAX]), token=b"A") + secure_request(0))
    write("rpc_server", "secure.without_end", b"\4" + bind(("backup", [NDR_SYNTAX]), token=b"A")
          + bind(("backup", [NDR_SYNTAX]), kind=ALTER, token=b"B") * 9)
    write("rpc_server", "request.goes_on", b"\0" + whole + request(8, b"") + request(8, b"", flags=2))
    write("rpc_server", "bind.too_many_contexts", b"\1" + bind(*[("backup", [NDR_SYNTAX])] * 5))
    write("rpc_server", "bind.with_token", b"\0" + bind(("backup", [NDR_SYNTAX]), token=b"NTLMSSP\0" + bytes(24))
          + pdu(AUTH3, b"    ", token=b"NTLMSSP\0" + bytes(24)))
    write("rpc_server", "bind.unknown_group", b"\0" + bind(("backup", [NDR_SYNTAX]), group=7))
    write("rpc_server", "bind.no_contexts", b"\0" + bind())
    write("rpc_server", "bind.no_transfer_syntax", b"\0" + bind(("backup", [FEATURES]), ("restore", [])))
    write("rpc_server", "alter_context",
          b"\0" + whole + bind(("restore", [NDR_SYNTAX]), ("backup", [NDR_SYNTAX]), kind=ALTER, call=2)
          + request(0, golden(GOLDEN / "restore.00.request.hex"), 3))
    write("rpc_server", "no_bind", b"\0" + request(0, b""))
    write("rpc_server", "no_fragment", b"\0GET / HTTP/1.0\r\n\r\n")


def verification_trailer(call, context, opnum, interface):
    header = struct.pack("<BBHIIHH", 0, 0, 0, 0x10, call, context, opnum)
    return (bytes.fromhex("8ae3137102f43671") + struct.pack("<HHI", 1, 4, 0)
            + struct.pack("<HH", 2, 40) + INTERFACES[interface] + NDR_SYNTAX
            + struct.pack("<HH", 0x4003, len(header)) + header)


def secure_request(number, opnum=8):
    """The `number`-th protected fragment, as tests/fuzz/rpc.cpp's made mechanism signs it."""
    call = 2 + number
    return request(opnum, verification_trailer(call, 0, opnum, "backup"), call, token=bytes([number]) * 16)


def rpc_protection():
    for name, rest in (("nothing", b""), ("trailer", bytes(8) + verification_trailer(2, 0, 8, "backup")),
                       ("trailer.cut", verification_trailer(2, 0, 8, "backup")[:-1]),
                       ("trailer.other_call", verification_trailer(3, 0, 8, "backup")),
                       ("trailer.unknown_command",
                        bytes.fromhex("8ae3137102f43671") + struct.pack("<HHI", 0xC009, 4, 0))):
        for stub in (b"", b"abc", b"abcdefgh"):
            write("rpc_protection", f"{name}.{len(stub)}",
                  struct.pack("<BIHHB", len(stub) % 2, 2, 0, 8, len(stub)) + stub + rest)


def rpc_client():
    def seed(name, stream, longest=0, calls=3, reads=0, room=4096, size=3):
        write("rpc_client", name, struct.pack("<BBBHB", longest, calls - 1, reads, room, size) + stream)

    lists = golden(GOLDEN / "backup.02.reply.hex")
    read = golden(GOLDEN / "backup.04.reply.hex")
    seed("list_and_status", ack() + response(lists, 2) + response(bytes(4), 3) + response(lists, 4))
    seed("read", ack() + response(read, 2) + response(golden(GOLDEN / "backup.04.reply.end.hex"), 3)
         + response(golden(GOLDEN / "backup.04.reply.failed.hex"), 4), reads=7)
    seed("reply.in_fragments", ack() + response(lists[:16], 2, 1) + response(lists[16:24], 2, 0)
         + response(lists[24:], 2, 2), longest=1, size=255)
    seed("reply.too_long", ack() + response(lists, 2), room=8)
    seed("reply.out_of_order", ack() + response(lists, 2, 2))
    seed("reply.of_another_call", ack() + response(lists, 9))
    seed("reply.cut", ack() + response(lists, 2)[:-3])
    seed("reply.cancelled_before", ack() + response(bytes(4), 2), reads=0x80)
    for status in (0x1C010002, 0x1C00000D, 5, 0x6F7, 0):
        seed(f"fault.{status:08x}", ack() + fault(status, 2) + response(bytes(4), 3))
    answer = pdu(BIND_ACK, ack()[16:], token=b"Cx", level=6)
    seed("secure.call", answer + secure_response(lists, 2, 0) + secure_response(bytes(4), 3, 1), reads=0x40)
    seed("secure.three_legs", pdu(BIND_ACK, ack()[16:], token=b"A", level=6) + pdu(15, ack()[16:], token=b"B", level=6)
         + pdu(15, ack()[16:], token=b"C", level=6) + secure_response(lists, 2, 0), reads=0x40)
    seed("secure.reply_too_long", answer + secure_response(lists, 2, 0), reads=0x40, room=8)
    seed("secure.without_end", pdu(BIND_ACK, ack()[16:], token=b"A", level=6)
         + pdu(15, ack()[16:], token=b"B", level=6) * 9, reads=0x40)
    seed("bind_nak.checksum", pdu(BIND_NAK, struct.pack("<HBBBx", 9, 1, 5, 0)), reads=0x40)
    seed("bind.address_without_end", ack(address=b"49152"))
    seed("secure.answered_without", answer + response(lists, 2), reads=0x40)
    seed("secure.not_offered", ack() + response(lists, 2), reads=0x40)
    seed("secure.denied", pdu(BIND_ACK, ack()[16:], token=b"D", level=6), reads=0x40)
    seed("bind_nak", pdu(BIND_NAK, struct.pack("<HBBBx", 4, 1, 5, 0)))
    seed("bind.rejected", ack(2, 1))
    seed("bind.answered_with_fault", fault(5, 1))
    seed("bind.no_address", ack(address=b""))
    seed("bind.protected", pdu(BIND_ACK, bytes(24), token=bytes(16)))


# --- the two standard interfaces

def lookup(inquiry=0, interface=None, most=1):
    body = struct.pack("<II", inquiry, 0)
    if interface:
        uuid_and_version = INTERFACES[interface]
        body += struct.pack("<I", 1) + uuid_and_version
    else:
        body += struct.pack("<I", 0)
    return body + struct.pack("<I", 1) + bytes(20) + struct.pack("<I", most)


def floor(left, right):
    return struct.pack("<H", len(left)) + left + struct.pack("<H", len(right)) + right


def mapping(interface, most=4):
    def syntax(octets):
        return floor(b"\x0d" + octets[:18], octets[18:20])

    tower = struct.pack("<H", 5) + syntax(INTERFACES[interface]) + syntax(NDR_SYNTAX)
    tower += floor(b"\x0b", bytes(2)) + floor(b"\x07", bytes(2)) + floor(b"\x09", bytes(4))
    body = struct.pack("<III", 0, 1, len(tower)) + struct.pack("<I", len(tower)) + tower
    return body + bytes(-len(body) % 4) + bytes(20) + struct.pack("<I", most)


def standard_interfaces():
    def seed(name, management, opnum, stub):
        write("standard_interfaces", name, bytes([management, opnum]) + stub)

    seed("ept_insert", 0, 0, b"")
    seed("ept_lookup.all", 0, 2, lookup())
    seed("ept_lookup.none_wanted", 0, 2, lookup(most=0))
    for inquiry in (1, 2, 3):
        seed(f"ept_lookup.inquiry_{inquiry}", 0, 2, lookup(inquiry, "backup", 9))
    seed("ept_map.restore", 0, 3, mapping("restore"))
    seed("ept_map.backup", 0, 3, mapping("backup", 1))
    seed("ept_map.not_served", 0, 3, mapping("management"))
    seed("ept_lookup_handle_free", 0, 4, bytes(20))
    seed("mgmt.inq_if_ids", 1, 0, b"")
    seed("mgmt.inq_stats", 1, 1, struct.pack("<I", 4))
    seed("mgmt.is_server_listening", 1, 2, b"")
    seed("mgmt.stop_server_listening", 1, 3, b"")
    seed("mgmt.inq_princ_name", 1, 4, struct.pack("<II", 9, 64))
    seed("mgmt.unknown", 1, 7, b"")


# --- the service's sockets: steps of up to three clients, as tests/fuzz/server_sockets.cpp counts them

COMMON, SMALL = b"\0", b"\1"
CONNECT, CONNECT_BY_TCP, HANG_UP = bytes([0, 0]), bytes([0, 1]), bytes([1])
BIND_USUAL, BIND_LONG, PING, CANCEL_LAST, ORPHAN_LAST = bytes([2, 0]), bytes([2, 2]), bytes([3]), bytes([6, 0]), bytes([7, 0])
SEND_ALL, TAKE, HALF_CLOSE, STOP = bytes([11]), bytes([14]), bytes([15, 0]), bytes([15, 3])
OPEN_BACKUP, CLOSE_FILE, NAMES, OPEN_FILE, END = bytes([17]), *(bytes([19, what]) for what in range(4))


def of_client(number, step):
    return bytes([64 * number + step[0]]) + step[1:]


def send(octets):
    return bytes([9, octets])


def receive(octets):
    return bytes([13, octets // 16])


def pause(microseconds):
    return bytes([16, microseconds // 64])


def read(octets):
    return bytes([18]) + struct.pack("<H", octets // 64)


def raw(octets):
    return bytes([21, len(octets)]) + octets


def alter_context(count):
    return bytes([20, count])


def call(opnum, flags, stub=b""):
    return bytes([4, 0, opnum, flags, len(stub)]) + stub


def send_but(octets):
    return bytes([10]) + struct.pack("<H", octets)


def repeat(times, steps):
    return bytes([63, times, len(steps)]) + steps


def parts(count, octets, ends):
    return bytes([5, count - 1, octets // 40, ends])


def server_sockets():
    def seed(name, limits, *steps):
        write("server_sockets", name, limits + b"".join(steps))

    bound = CONNECT + BIND_USUAL
    reading = bound + OPEN_BACKUP + SEND_ALL + read(1 << 20)
    seed("calls", COMMON, bound, PING, TAKE, PING, PING, SEND_ALL, TAKE)
    seed("calls_in_pieces", COMMON, bound, PING, send(7), pause(200), send(40), pause(200), send(30), TAKE)
    seed("maybe_and_pending_cancel", COMMON, bound, call(8, 0x40), call(8, 4), call(4, 0, b"rubbish"), PING, TAKE)
    seed("many_calls", COMMON, bound, SEND_ALL, PING * 9, SEND_ALL, pause(400), TAKE)
    seed("backup", COMMON, bound, OPEN_BACKUP, read(70000), NAMES, CLOSE_FILE, OPEN_FILE, read(4096), END, TAKE)
    for limits, kind in ((COMMON, ""), (SMALL, "_small_limits")):
        seed("slow_reader" + kind, limits, reading, SEND_ALL, receive(2048), pause(500), PING, SEND_ALL, TAKE)
        seed("cancelled" + kind, limits, reading, SEND_ALL, CANCEL_LAST, SEND_ALL, TAKE)
        seed("orphaned" + kind, limits, reading, SEND_ALL, ORPHAN_LAST, PING, SEND_ALL, TAKE)
        seed("vanishes" + kind, limits, reading, SEND_ALL, pause(300), HANG_UP, bound, PING, TAKE)
        seed("half_closes" + kind, limits, reading, SEND_ALL, HALF_CLOSE)
        seed("stops_amid" + kind, limits, reading, SEND_ALL, of_client(1, PING), of_client(1, BIND_USUAL), STOP)
        seed("two_clients" + kind, limits, *(of_client(number, step) for step in (
            CONNECT, BIND_USUAL, SEND_ALL, OPEN_BACKUP, read(1 << 20), PING, SEND_ALL, TAKE) for number in (0, 1)))
        seed("unfinished_request" + kind, limits, bound, parts(3, 1400, 0), SEND_ALL, PING, SEND_ALL, HANG_UP)
        seed("request_in_parts" + kind, limits, bound, parts(3, 1400, 1), PING, SEND_ALL, TAKE)
    seed("stranger", COMMON, CONNECT_BY_TCP, BIND_USUAL, PING, SEND_ALL, TAKE)
    seed("noise", COMMON, CONNECT, raw(b"GET / HTTP/1.1\r\n\r\n"), SEND_ALL, TAKE)
    # Each time what is answered at once, and the first octets of a call; how many pings come before says at which of the
    # two answers the socket is full.
    for pings in range(6):
        seed(f"attended_{pings}", COMMON, CONNECT, BIND_LONG, SEND_ALL, TAKE, PING * pings, SEND_ALL, repeat(
            130, alter_context(20) + parts(1, 9000, 1) + send_but(9008) + pause(16000) + SEND_ALL))
    for limits, kind in ((COMMON, ""), (SMALL, "_small_limits")):
        seed("floods" + kind, limits, bound, repeat(250, PING + alter_context(30) + SEND_ALL), TAKE)


# --- files of the service

def expiry_token():
    taken = 133000000000000000
    now = struct.pack("<Q", taken + 864000000000)
    head = b"NTDSBTOK" + struct.pack("<IQI", 1, taken, 180)
    none = crc(head + struct.pack("<I", 0))
    one = crc(head + struct.pack("<I", 1) + bytes(range(28)) + struct.pack("<QQI", 1 << 20, 1000, 0x1234))
    for name, token in (("no_database", none), ("one_database", one)):
        write("expiry_token", name, b"\xb4\0" + now + b"\0" + token)
        write("expiry_token", name + ".sealed", b"\xb4\0" + now + b"\1" + token)
    write("expiry_token", "from_the_future", b"\xb4\0" + struct.pack("<Q", 5) + b"\0" + none)
    write("expiry_token", "of_a_later_version",
          b"\xb4\0" + now + b"\0" + crc(b"NTDSBTOK" + struct.pack("<IQII", 2, taken, 180, 0)))


def registration_record():
    request_stub = bytes(20) + golden(GOLDEN / "restore.02.request.hex")[20:]
    for state, name in enumerate(("registered", "failed", "completed", "started", "unknown_state"), 1):
        body = b"NTDSBREG" + struct.pack("<IIIQQI", 1, state, 0, 1, 2, 77)
        body += struct.pack("<I", 6) + b"holder" + struct.pack("<I", len(request_stub)) + request_stub
        write("registration_record", name, b"\1" + crc(body))
    write("registration_record", "of_a_later_version", b"\0NTDSBREG" + struct.pack("<I", 2) + bytes(60))


CONFIGURATIONS = {
    "empty": "",
    "directory": """[directory]
database = "/srv/ntds/ntds.dit"
log_path = "/srv/ntds/logs"
checkpoint_path = "/srv/ntds"
snapshot_path = ""
online = "yes"
state_path = "/var/lib/ntdsbcli"
tombstone_lifetime_days = 60
verify = "headers"
path_style = "unc"
registry_mirror = false
""",
    "instances": """[directory]
database = "/a/ntds.dit"
state_path = "/state"
[instances.lds1]
database = "/b/adamntds.dit"
[instances.lds2]
database = "/c/adamntds.dit"
verify = "off"
""",
    "transport": """[transport]
default = "mine"
[transport.servers.dc1]
transport = "rpc"
address = "127.0.0.1:49152"
instance = "lds1"
connect_timeout_s = 5
[transport.servers.DC2]
[transport.plugins.mine]
path = "/opt/mine/transport.so"
[transport.plugins.other]
x64 = "/opt/x64.so"
x86 = "/opt/x86.so"
""",
    "service": """[service]
listen = ["127.0.0.1:49152", "[::1]:0"]
allow_backup = ["EXAMPLE\\\\backup"]
allow_restore = []
allow_anonymous = true
restore_roots = ["/srv"]
metrics = "127.0.0.1:9100"
max_connections = 10
max_calls = 2
bind_timeout_s = 3
stop_timeout_s = 0
[log]
level = "debug"
file = "/var/log/ntdsb.log"
""",
    "unknown_key": "[directory]\ndatbase = 1\n",
    "not_toml": "[directory\n",
    "state_within_logs": "[directory]\ndatabase = '/a/n.dit'\nstate_path = '/a/state'\n",
    "same_database_twice": "[directory]\ndatabase='/a/n.dit'\nstate_path='/s'\n[instances.b]\ndatabase='/a/./n.dit'\n",
    "local_socket": "[service]\nlisten=['unix:/run/n.sock']\nallow_anonymous=true\n",
    "local_socket_of_no_path": "[service]\nlisten=['unix:run']\n",
    "principal": "[transport.servers.a]\ntransport='rpc'\naddress='h:1'\nprincipal='host/h@R'\n",
    "principal_of_no_host": "[transport.servers.a]\nprincipal='host'\n",
    "plugin_without_library": "[transport.plugins.a]\n",
    "plugin_called_rpc": "[transport.plugins.rpc]\npath='/a'\n",
    "no_number": "[service]\nmax_calls='1'\n",
    "no_word": "[log]\nlevel=1\n",
    # What the fuzzer found.
    "no_letter_of_a_key": "[!x]\n",
    "letter_outside_of_quotes": "[log]\nlevel = 'off' \u00a7\n\u00e4 = 1\n",
    "line_break_in_a_key": "'a' = 1\n\"a\\nb\" = 2\n",
    "half_a_word": "[service]\nallow_anonymous=tr\n",
    "listens_to_everybody": "[service]\nlisten=['0.0.0.0:1']\nallow_anonymous=true\n",
}


def manifest():
    sums = "0" * 64
    files = (
        '{"name":"ntds.dit","kind":"database","live_path":"/srv/ntds/ntds.dit","size":8192,"sha256":"%s"},'
        '{"name":"edb00003.log","kind":"log","live_path":"/srv/ntds/edb00003.log","size":8192,"sha256":"%s"},'
        '{"name":"token.bin","kind":"token","size":80,"sha256":"%s"}' % (sums, sums, sums))
    whole = ('{"format":"ntdsbctl backup","version":%d,"taken_at":"2026-11-23T05:55:45Z","server":"localhost",'
             '"gen_low":%d,"gen_high":%d,"files":[%s]}')
    write("manifest", "whole", (whole % (1, 3, 3, files)).encode())
    write("manifest", "without_logs", (whole % (1, 0, 0, files)).replace(files.split("},")[1] + "},", "").encode())
    write("manifest", "of_a_later_version", (whole % (2, 3, 3, files)).encode())
    write("manifest", "leads_out", (whole % (1, 3, 3, files)).replace("ntds.dit", "../ntds.dit").encode())
    write("manifest", "not_json", b"{")


# --- what the targets make of a few octets

def ese():
    for size, name in enumerate(("2k", "4k", "8k", "16k", "32k")):
        write("ese_database", f"clean.{name}", bytes([1, size, 0]))
        write("ese_database", f"dirty.legacy.{name}", bytes([7, size, 0]))
    write("ese_database", "header_damaged", bytes([9, 1, 0]))
    write("ese_database", "both_headers_damaged", bytes([25, 1, 0]))
    write("ese_database", "no_database", bytes(64))
    write("ese_database", "cut_in_header", bytes(5) + struct.pack("<I", 0x89ABCDEF) + bytes(228) + struct.pack("<I", 8192))
    for name, offset, value in (("state", 52, 4), ("page_size", 236, 5), ("format_version", 8, 0x623),
                                ("file_type", 667, 3), ("magic", 4, 0), ("required", 296, 0)):
        write("ese_database", f"changed.{name}", bytes([1 + 32 + 64, 1, 1]) + struct.pack("<HI", offset, value))
    for name, how, generation in (("first", 1, 1), ("five_digits", 1, 0xFFFFF), ("eight_digits", 1, 0x100000),
                                  ("zero", 3, 0), ("highest", 3, 0x7FFFFFFF)):
        write("ese_log", f"generation.{name}", bytes([how]) + struct.pack("<I", generation) + bytes([0, 0]))
    write("ese_log", "too_short", bytes([1]) + struct.pack("<I", 7) + bytes([0xF0, 0]))
    write("ese_log", "reserve", bytes(4097))
    write("ese_log", "changed.sector_size", bytes([3]) + struct.pack("<IBBHI", 7, 0, 1, 8, 4096))
    for name, how in (("whole", 1), ("from_shadow", 3), ("both_damaged", 7)):
        write("ese_checkpoint", name, bytes([how]) + struct.pack("<I", 3) + b"\0")
    write("ese_checkpoint", "changed.file_type", bytes([25]) + struct.pack("<IBHI", 3, 1, 667, 1))
    write("ese_checkpoint", "none", bytes(16))


def restore_set():
    def seed(name, how, *octets):
        write("restore_set", name, bytes([how, *octets]))

    seed("clean.no_checkpoint", 0, 0, 0, 1)
    seed("dirty.logs_in_log_path", 1 + 2 + 4 + 8, 2, 2, 0, 1, 1, 1, 0)
    seed("dirty.logs_in_backup_path", 1 + 2 + 4 + 8, 2, 2, 0, 2, 2, 2, 0)
    seed("dirty.logs_in_both", 1 + 4, 2, 2, 1, 3, 3, 3, 1)
    seed("dirty.log_missing", 1 + 4, 2, 2, 0, 1, 0, 1, 0)
    seed("dirty.requires_more", 1, 2, 1, 3, 1, 1)
    seed("checkpoint_too_high", 1 + 4, 2, 2, 0, 1, 1, 1, 3)
    seed("from_generation_zero", 1 + 4 + 16, 2, 2, 0, 3, 3, 3, 0)
    sound = [1 + 2 + 4 + 8, 2, 2, 0, 1, 2, 3, 0]
    for name, change in (("database.page", (0, 4500, 1)), ("database.state", (9, 52, 1)),
                         ("log.signature", (1, 44, 9)), ("log.generation", (3, 4, 9)), ("log.record", (4, 5000, 1)),
                         ("checkpoint.signature", (7, 20, 9))):
        seed(f"changed.{name}", sound[0], *sound[1:], *struct.pack("<BHI", *change))


def string_lists():
    def seed(name, text):
        write("string_lists", name, b"\1" + text)
        write("string_lists", name + ".utf16", b"\0" + b"".join(bytes([octet, 0]) for octet in text))

    seed("database_names", b"D/srv/ntds/ntds.dit\0\0")
    seed("backup_logs", b"!/srv/edb00001.log\0!/srv/edb00002.log\0\0")
    seed("locations", b"D/srv/ntds.dit\0\x82/srv\0\x83/srv\0\0")
    seed("empty", b"\0\0")
    seed("without_end", b"D/srv")
    write("string_lists", "prefix_beyond_an_octet", b"\0" + "\u0100/a\0D/b\0\0".encode("utf-16-le"))
    write("string_lists", "lone_surrogate", b"\0D\0\x00\xd8\0\0\0\0")


def names_and_paths():
    def seed(name, first, second):
        write("names_and_paths", name, bytes([len(first)]) + first + second)

    seed("server", b"", b"\\\\Dc1.example.com")
    seed("server.address", b"", b"127.0.0.1:49152")
    seed("server.ipv6", b"", b"[fe80::1]:49152")
    seed("server.underscore", b"", b"dc_1")
    seed("path.posix", b"/srv/ntds", b"/srv//ntds/./x/../ntds.dit/")
    seed("path.drive", b"C:\\NTDS", b"c:/ntds\\.\\ntds.dit. ")
    seed("path.share", b"\\\\host\\share", b"\\\\HOST\\share\\folder\\")
    seed("path.long", b"\\\\?\\C:\\a", b"\\\\?\\C:\\a\\b. ")
    seed("path.volume", b"C:\\a", b"\\\\?\\Volume{0123}\\a")
    seed("path.device", b"C:\\a", b"\\\\?\\GLOBALROOT\\Device\\x")
    seed("path.end_behind_long", b"C:\\a", b"\\\\?\\C:\\a\\b. ")
    seed("path.long_share", b"\\\\?\\UNC\\h\\s\\a", b"\\\\h\\s\\a\\..\\..\\b")
    write("names_and_paths", "utf16.surrogates", b"\0" + "/\U0001f600".encode("utf-16-le") + b"\x00\xd8")


def plugin_table():
    for name, size, version, holes in (("whole", 40, 1, 0), ("short", 39, 1, 0), ("tiny", 0, 1, 0), ("later", 48, 1, 0),
                                       ("too_new", 40, 2, 0), ("hole", 40, 1, 4)):
        write("plugin_table", f"table.{name}", b"\1" + struct.pack("<IIB", size, version, holes))

    def seed(name, *octets, identity=0):
        write("plugin_table", f"connection.{name}", b"\0" + bytes([identity]) + struct.pack("<H", 512) + bytes(octets))

    lists = golden(GOLDEN / "backup.02.reply.hex")
    read = golden(GOLDEN / "backup.04.reply.hex")
    seed("sound", 0, 0, 1, len(lists) | 1, *lists, *b"\0" * ((len(lists) | 1) - len(lists)), 0, 1, 255, *read)
    seed("refused", 1, 5, *b"why\n?", identity=1)
    seed("denied", 3, 255, *b"x" * 255)
    seed("overcommits", 0, 0, 3, 4, 16, 0, 0, 0, 2, 255, 255, 2, 1, 0, 0)
    seed("lends_again", 0, 0, 4, 0, 1, 0, 0, 0, 4, 2, 0, 0, 0, 0, 255, 255, 255, 255, 2, 1, 0, 0)
    seed("writes_too_much", 0, 0, 15, *([255] + [65] * 255) * 4, 0)
    seed("fails_after_reply", 0, 0, 1, 9, *b"abcdefghi", 2)


# One octet for the form, one for the call, then its arguments: tests/fuzz/api_calls.cpp.
def api_calls():
    wide = itertools.cycle((0, 1))
    good = 4  # a token, or a server's name

    def prepare(slot=0, server=0, flags=0, token=good):
        return bytes([next(wide), 0, slot, server, flags, token])

    def register(slot=0, wrong=15):
        return bytes([next(wide), 1, slot, wrong])

    def complete(slot=0, failed=0):
        return bytes([next(wide), 3, slot, failed])

    def end(slot=0):
        return bytes([next(wide), 4, slot])

    def locations(kind=0, slot=0):
        return bytes([next(wide), 5, kind, slot])

    def prepare_backup(slot=0, server=0, wrong=0):
        return bytes([next(wide), 6, slot, server, wrong])

    def lists(slot=0, logs=0):
        return bytes([next(wide), 7, slot, logs])

    def open_file(slot=0, file=0, prefix=0):
        return bytes([next(wide), 8, slot, file, prefix, 0])

    def read(slot=0, size=255):
        return bytes([next(wide), 9, slot, size])

    def close(slot=0):
        return bytes([next(wide), 11, slot])

    def truncate(slot=0):
        return bytes([next(wide), 12, slot])

    def end_backup(slot=0):
        return bytes([next(wide), 13, slot])

    def online(server=0):
        return bytes([next(wide), 14, server])

    def current_log(number, server=0):
        return bytes([next(wide), 15, server, number])

    def start_or_stop():
        return bytes([next(wide), 17])

    def change(what):
        return bytes([next(wide), 18, 1, what])

    def identity(given):
        return bytes([next(wide), 18, 0, given])

    whole_backup = prepare_backup() + lists() + lists(logs=1)
    for file in range(4):
        whole_backup += open_file(file=file, prefix=1) + read() + read() + close()
    seeds = {
        "restore.completed_and_started": prepare() + locations() + register() + complete() + end() + start_or_stop()
        + online() + start_or_stop(),
        "restore.failed_then_again": prepare() + register() + complete(failed=1) + start_or_stop() + register()
        + complete() + end(),
        "restore.orphaned": prepare() + register() + end() + start_or_stop() + prepare_backup() + prepare(1)
        + register(1) + complete(1),
        "restore.two_sessions": prepare(0) + prepare(1) + register(0) + register(1) + complete(1) + complete(0)
        + register(1) + end(0) + end(0) + end(1),
        "restore.restricted": prepare(token=0) + locations() + register() + complete() + end(),
        "restore.tokens": b"".join(prepare(token=token) for token in (1, 2, 3, 4)),
        "restore.servers": b"".join(prepare(server=server) for server in (6, 7, 8, 9, 3)),
        "restore.arguments": prepare() + b"".join(register(wrong=wrong) for wrong in range(3, 11)),
        "restore.maps": b"".join(prepare() + register(wrong=wrong) + complete() + end() for wrong in range(3)),
        "restore.damaged_database": prepare() + register() + change(0) + complete() + change(0) + complete(),
        "restore.unreadable_record": prepare() + register() + end() + change(1) + start_or_stop() + prepare()
        + register() + complete(),
        "restore.while_running": prepare() + start_or_stop() + register() + start_or_stop() + register(),
        "backup.whole": whole_backup + truncate() + end_backup(),
        "backup.truncated_too_early": prepare_backup() + truncate() + end_backup(),
        "backup.two": prepare_backup(0) + prepare_backup(1) + end_backup(0) + prepare_backup(1),
        "backup.while_registered": prepare() + register() + prepare_backup() + complete() + prepare_backup()
        + register() + end_backup() + register(),
        "backup.while_running": start_or_stop() + prepare_backup() + start_or_stop() + prepare_backup()
        + start_or_stop(),
        "backup.wrong_files": prepare_backup() + open_file(file=4) + open_file(file=5) + read() + close() + open_file()
        + open_file(file=1) + read(size=0) + end_backup() + read(),
        "backup.arguments": b"".join(prepare_backup(wrong=wrong) for wrong in range(4)),
        "server.functions": online() + online(6) + online(7) + current_log(5) + current_log(0) + current_log(0, 8),
        "identity": b"".join(identity(given) + online() for given in range(8)),
        "handles.wrong": prepare() + prepare_backup()
        + b"".join(bytes([0, 19, choice, 0, 1, 0, 0, 0]) for choice in range(4)) + bytes([0, 16, 4]),
    }
    for name, octets in seeds.items():
        write("api_calls", name, octets)


def metrics_request():
    rest = b" HTTP/1.1\r\nHost: x\r\n\r\n"
    whole = struct.pack("<H", 4095)
    for name, octets in {"page": b"GET /metrics" + rest, "other_page": b"GET /" + rest, "post": b"POST /metrics" + rest,
                         "unfinished": b"GET /metrics HTTP/1.1\r\n\r", "too_long": bytes(5000), "empty_head": b"\r\n\r\n"}.items():
        write("metrics_request", name, whole + octets)
    write("metrics_request", "page.by_octets", bytes(2) + b"GET /metrics" + rest)


def main():
    for make in (ndr, rpc_server, rpc_client, rpc_protection, server_sockets, standard_interfaces, metrics_request, expiry_token,
                 registration_record, manifest, ese, restore_set, string_lists, names_and_paths, plugin_table, api_calls):
        make()
    for name, text in CONFIGURATIONS.items():
        write("configuration", name, text.encode())


if __name__ == "__main__":
    main()
