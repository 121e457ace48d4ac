"""Connection-oriented DCE/RPC fragments with security, written down octet by octet so that tests can break each part:
C706 chapter 12, MS-RPCE 2.2.2.11 (security trailer) and 2.2.2.13 (verification trailer). SecureClient is a client over
a plain socket; the security itself is a mechanism of security_contexts.py."""
import dataclasses
import socket
import struct

from impacket.uuid import uuidtup_to_bin

from ntdsb_impacket import BACKUP_INTERFACE, RESTORE_INTERFACE, fill

BACKUP, RESTORE = uuidtup_to_bin(BACKUP_INTERFACE), uuidtup_to_bin(RESTORE_INTERFACE)
REQUEST, RESPONSE, FAULT, BIND, BIND_ACK, BIND_NAK, ALTER, ALTER_ACK, AUTH3, ORPHANED = 0, 2, 3, 11, 12, 13, 14, 15, 16, 19
FIRST, LAST, ONLY, HEADER_SIGN = 1, 2, 3, 4
NONE, CONNECT, CALL, PACKET, INTEGRITY, PRIVACY = 1, 2, 3, 4, 5, 6
NEGOTIATE, NTLM, KERBEROS = 9, 10, 16
ACCESS_DENIED, CONTEXT_MISMATCH, SECURITY_ERROR = 5, 0x1C00001A, 1825  # 1825: RPC_S_SEC_PKG_ERROR
NDR = bytes.fromhex("045d888aeb1cc9119fe808002b104860") + struct.pack("<L", 2)
TRAILER_SIGNATURE = bytes.fromhex("8ae3137102f43671")
BITMASK, PCONTEXT, HEADER2 = 1, 2, 3
END, MUST_PROCESS = 0x4000, 0x8000
CONTEXT_ID = 0x4E54


@dataclasses.dataclass
class Fragment:
    """A received fragment, taken apart. `body` is behind the header of 16 octets, `padding` before the trailer."""
    raw: bytes
    kind: int
    flags: int
    call_id: int
    body: bytes
    padding: bytes = b""
    trailer: tuple = None  # type, level, padding, reserved, context id
    token: bytes = b""

    @classmethod
    def parse(cls, raw):
        kind, flags = raw[2], raw[3]
        length, token_size, call_id = struct.unpack_from("<HHL", raw, 8)
        assert length == len(raw)
        if not token_size:
            return cls(raw, kind, flags, call_id, raw[16:])
        at = length - token_size - 8
        trailer = struct.unpack_from("<BBBBL", raw, at)
        return cls(raw, kind, flags, call_id, raw[16:at - trailer[2]], raw[at - trailer[2]:at], trailer, raw[at + 8:])

    def status(self):
        """Of a fault; the reason of a bind_nak."""
        return struct.unpack_from("<L", self.body, 8)[0] if self.kind == FAULT else struct.unpack_from("<H", self.body)[0]


def fragment(kind, body, call_id=1, flags=ONLY, trailer=None, token=b""):
    """Encodes one; `trailer` is (type, level, context id), what its padding is is in `body` already with its length as
    a fourth element."""
    tail = b""
    if trailer is not None:
        kind_of, level, context, padding = trailer if len(trailer) == 4 else (*trailer, 0)
        tail = struct.pack("<BBBBL", kind_of, level, padding, 0, context) + token
    length = 16 + len(body) + len(tail)
    return struct.pack("<BBBBLHHL", 5, 0, kind, flags, 0x10, length & 0xFFFF, len(token), call_id) + body + tail


def bind_body(interfaces, longest=4280, group=0, first_context=0):
    items = b"".join(struct.pack("<HBB", first_context + index, 1, 0) + interface + NDR
                     for index, interface in enumerate(interfaces))
    return struct.pack("<HHLBBH", longest, longest, group, len(interfaces), 0, 0) + items


def bind_results(body):
    """(result, reason) of each context of a bind_ack or alter_context_response."""
    size = struct.unpack_from("<H", body, 8)[0]
    at = (16 + 10 + size + 3) // 4 * 4 - 16
    return [struct.unpack_from("<HH", body, at + 4 + 24 * index) for index in range(body[at])]


def verification_trailer(interface, call_id, opnum, context=0, commands=(PCONTEXT, HEADER2), transfer=NDR):
    """What a client appends to the last octets of a protected request's stub. A command is a number, or (type, value)."""
    values = {
        BITMASK: struct.pack("<L", 1),
        PCONTEXT: interface + transfer,
        HEADER2: struct.pack("<BBHLLHH", REQUEST, 0, 0, 0x10, call_id, context, opnum),
    }
    out = TRAILER_SIGNATURE
    for index, command in enumerate(commands):
        kind, value = command if isinstance(command, tuple) else (command, values[command])
        out += struct.pack("<HH", kind | (END if index == len(commands) - 1 else 0), len(value)) + value
    return out


class Refused(Exception):
    """How the other side refused: `how` is fault, nak or closed."""

    def __init__(self, how, status=0):
        super().__init__(f"{how} {status:#x}" if status else how)
        self.how, self.status = how, status


class NoAnswer(AssertionError):
    pass


class Wire:
    """A connection that speaks whole fragments."""

    def __init__(self, port, timeout=30):
        self.socket = socket.create_connection(("127.0.0.1", port), timeout=timeout)
        self.socket.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)

    def send(self, octets):
        try:
            self.socket.sendall(octets)
        except OSError:
            pass  # hung up: what it had to say is read next

    def _read(self, count):
        data = b""
        while len(data) < count:
            try:
                more = self.socket.recv(count - len(data))
            except TimeoutError:
                raise NoAnswer("no answer, and the connection stays open") from None
            except OSError:
                more = b""
            if not more:
                raise Refused("closed")
            data += more
        return data

    def receive(self):
        """The next fragment; Refused if the other side has hung up."""
        header = self._read(16)
        return Fragment.parse(header + self._read(struct.unpack_from("<H", header, 8)[0] - 16))

    def all_answers(self, octets, take):
        """Sends it, and takes all that is answered until the other side hangs up. It is told that nothing more comes only
        when it has answered nothing for a while: what it is about to run, it must have had the time to."""
        self.send(octets)
        self.socket.settimeout(0.3)
        try:
            while True:
                try:
                    take()
                except NoAnswer:
                    if self.socket.gettimeout() > 1:
                        raise
                    self.socket.shutdown(socket.SHUT_WR)
                    self.socket.settimeout(30)
        except OSError:
            return Refused("closed")
        except Refused as refused:
            return refused
        finally:
            self.close()

    def close(self):
        self.socket.close()


class SecureClient(Wire):
    """Binds to one interface with one mechanism. `start` is the bind alone; `authenticate` all legs."""

    def __init__(self, port, interface, mechanism, level=PRIVACY, kind=None, context_id=CONTEXT_ID, flags=ONLY | HEADER_SIGN):
        super().__init__(port)
        self.interface, self.mechanism, self.level = interface, mechanism, level
        self.kind = mechanism.kind if kind is None else kind
        self.context_id, self.flags = context_id, flags
        self.last_call = 1
        self.longest = 1432
        self.wants_headers = bool(flags & HEADER_SIGN)  # Kerberos signs them where the answer says so, too
        self.interfaces = [interface]  # presentation contexts 0, 1, ...

    def trailer(self, padding=0):
        return (self.kind, self.level, self.context_id, padding)

    def start(self, token, interfaces=None, call_id=1):
        self.send(fragment(BIND, bind_body(interfaces or self.interfaces), call_id, self.flags, self.trailer(), token))
        return self.take_ack(self.receive())

    def take_ack(self, answer):
        if answer.kind == BIND_NAK:
            raise Refused("nak", answer.status())
        if answer.kind == FAULT:
            raise Refused("fault", answer.status())
        assert answer.kind in (BIND_ACK, ALTER_ACK), answer.kind
        if answer.kind == BIND_ACK:
            self.longest = struct.unpack_from("<HH", answer.body)[1]
            if self.wants_headers:
                assert answer.flags & HEADER_SIGN, "the server does not sign headers"
                self.mechanism.sign_headers()
        results = bind_results(answer.body)
        if results[0][0] != 0:
            raise Refused("context", results[0][1])
        return answer.token

    def alter(self, token, interfaces=None, **more):
        self.send(fragment(ALTER, bind_body(interfaces or self.interfaces, **more), 1, self.flags, self.trailer(), token))
        return self.take_ack(self.receive())

    def auth3(self, token):
        self.send(fragment(AUTH3, b"    ", 1, self.flags, self.trailer(), token))

    def authenticate(self):
        """All legs. The last one goes by auth3 where the mechanism waits for no answer, else by alter_context."""
        answer = self.start(self.mechanism.step(None))
        while not self.mechanism.done or answer:
            token = self.mechanism.step(answer)
            if token is None:
                break
            if self.mechanism.last_leg_is_silent():
                self.auth3(token)
                break
            answer = self.alter(token)
        return self

    # --- calls

    def protect(self, body, stub, call_id, flags=ONLY, kind=REQUEST):
        """One fragment; the stub is padded to 16 octets (MS-RPCE 2.2.2.11)."""
        if self.level not in (INTEGRITY, PRIVACY):
            return fragment(kind, body + stub, call_id, flags)
        padding = -len(stub) % 16
        data = stub + b"\xbb" * padding
        trailer, room = self.trailer(padding), bytes(self.mechanism.token_size(self.level))
        whole = fragment(kind, body + data, call_id, flags, trailer, room)
        before, after = whole[:16 + len(body)], whole[-len(room) - 8:-len(room)]
        if self.level == PRIVACY:
            data, token = self.mechanism.wrap(data, before, after)
        else:
            token = self.mechanism.sign(data, before, after)
        assert len(token) == len(room)
        return fragment(kind, body + data, call_id, flags, trailer, token)

    def open(self, answer):
        """The stub of a protected fragment; Broken if anything of it was changed."""
        assert answer.trailer is not None, "an unprotected reply"
        assert (answer.trailer[0], answer.trailer[1], answer.trailer[4]) == (self.kind, self.level, self.context_id)
        data = answer.body[8:] + answer.padding
        around = answer.raw[:24], answer.raw[-len(answer.token) - 8:-len(answer.token)]
        if self.level == PRIVACY:
            data = self.mechanism.unwrap(data, answer.token, *around)
        else:
            self.mechanism.verify(data, answer.token, *around)
        return data[:len(data) - len(answer.padding)]

    def request(self, opnum, stub, call_id=None, commands=(PCONTEXT, HEADER2), context=0, piece=None, tail=None):
        """The fragments of one request with its verification trailer (none with `commands` empty)."""
        if call_id is None:
            self.last_call += 1
            call_id = self.last_call
        if tail is None and commands:
            tail = verification_trailer(self.interface, call_id, opnum, context, commands)
        stub += bytes(-len(stub) % 4) + tail if tail else b""
        piece = piece or (self.longest - 24 - 8 - 96) // 16 * 16
        parts = [stub[at:at + piece] for at in range(0, len(stub), piece)] or [b""]
        out = []
        for index, part in enumerate(parts):
            flags = (FIRST if index == 0 else 0) | (LAST if index == len(parts) - 1 else 0)
            body = struct.pack("<LHH", len(part), context, opnum)
            out.append(self.protect(body, part, call_id, flags))
        return out

    def reply(self):
        """The stub of the next reply, its protection checked; Refused for a fault or a closed connection."""
        stub = b""
        while True:
            answer = self.receive()
            if answer.kind == FAULT:
                raise Refused("fault", answer.status())
            assert answer.kind == RESPONSE, answer.kind
            stub += self.open(answer) if self.level in (INTEGRITY, PRIVACY) else answer.body[8:]
            if answer.flags & LAST:
                return stub

    def exchange(self, opnum, stub, **more):
        for one in self.request(opnum, stub, **more):
            self.send(one)
        return self.reply()

    def call(self, operation, piece=None, **values):
        """One operation of ntdsb_impacket.py."""
        request, reply = fill(operation, **values), operation[1]
        return reply(self.exchange(request.opnum, request.getData(), piece=piece))
