"""A directory service in Python for the clients of def/ntdsb.idl: one backup of one file, authenticated and protected
by an acceptor of security_contexts.py. Subclasses misbehave."""
import socket
import struct
import threading

from ntdsb_impacket import B_CLOSE, B_END, B_NAMES, B_OPEN, B_PREPARE, B_READ
from secure_rpc import (ALTER, ALTER_ACK, AUTH3, BIND, BIND_ACK, FAULT, FIRST, HEADER_SIGN, INTEGRITY, LAST, ONLY, PRIVACY, REQUEST,
                        RESPONSE, TRAILER_SIGNATURE, NDR, Refused, Wire, fragment)

DATABASE = "/srv/ntds/ntds.dit"
SESSION = bytes(range(16))


class Connection(Wire):
    """One client's. The parts of a subclass: `authenticate`, `protect`, `fragments`, `run`."""
    piece = 4000  # octets of stub in a fragment of a reply

    def __init__(self, peer, server):
        self.socket, self.server, self.acceptor = peer, server, server.make_acceptor()
        self.trailer, self.stub, self.position, self.authenticated = None, b"", 0, False

    def serve(self):
        try:
            while True:
                self.take(self.receive())
        except Refused:
            pass
        except Exception as error:
            self.server.errors.append(f"{type(error).__name__}: {error}")
        finally:
            self.close()

    def take(self, asked):
        if asked.kind in (BIND, ALTER):
            self.trailer = asked.trailer
            token = self.authenticate(asked.token) if asked.trailer else None
            self.acknowledge(asked, token)
        elif asked.kind == AUTH3:
            self.authenticate(asked.token)
        elif asked.kind == REQUEST:
            self.stub = (b"" if asked.flags & FIRST else self.stub) + self.open(asked)
            if asked.flags & LAST:
                opnum = struct.unpack_from("<H", asked.body, 6)[0]
                stub = self.stub[:self.stub.rindex(TRAILER_SIGNATURE)] if self.trailer else self.stub
                self.send_reply(asked.call_id, self.run(opnum, stub))

    def authenticate(self, token):
        answer = self.acceptor.step(token)
        self.authenticated = self.acceptor.done
        return answer

    def acknowledge(self, asked, token):
        kind = BIND_ACK if asked.kind == BIND else ALTER_ACK
        address = b"1\0" if kind == BIND_ACK else b""
        body = struct.pack("<HHLH", 4280, 4280, 1, len(address)) + address
        body += bytes(-(16 + len(body)) % 4) + struct.pack("<BBH", 1, 0, 0) + struct.pack("<HH", 0, 0) + NDR
        flags = ONLY | (asked.flags & HEADER_SIGN)
        trailer = (self.trailer[0], self.trailer[1], self.trailer[4]) if token else None
        self.send(fragment(kind, body, asked.call_id, flags, trailer, token or b""))

    def open(self, asked):
        if not self.trailer:
            return asked.body[8:]
        data, around = asked.body[8:] + asked.padding, (asked.raw[:24], asked.raw[-len(asked.token) - 8:-len(asked.token)])
        if self.trailer[1] == PRIVACY:
            data = self.acceptor.unwrap(data, asked.token, *around)
        else:
            self.acceptor.verify(data, asked.token, *around)
        return data[:len(data) - len(asked.padding)]

    def protect(self, call_id, stub, flags):
        body = struct.pack("<LHBB", len(stub), 0, 0, 0)
        if not self.trailer or self.trailer[1] not in (INTEGRITY, PRIVACY):
            return fragment(RESPONSE, body + stub, call_id, flags)
        padding = -len(stub) % 16
        data, trailer = stub + bytes(padding), (self.trailer[0], self.trailer[1], self.trailer[4], padding)
        whole = fragment(RESPONSE, body + data, call_id, flags, trailer, bytes(16))
        around = whole[:24], whole[-24:-16]
        if self.trailer[1] == PRIVACY:
            data, token = self.acceptor.wrap(data, *around)
        else:
            token = self.acceptor.sign(data, *around)
        return fragment(RESPONSE, body + data, call_id, flags, trailer, token)

    def fragments(self, call_id, stub):
        parts = [stub[at:at + self.piece] for at in range(0, len(stub), self.piece)] or [b""]
        return [self.protect(call_id, part, (FIRST if index == 0 else 0) | (LAST if index == len(parts) - 1 else 0))
                for index, part in enumerate(parts)]

    def send_reply(self, call_id, stub):
        if stub is None:
            self.send(fragment(FAULT, struct.pack("<LHBBLL", 0, 0, 0, 0, 0x1C010002, 0), call_id, ONLY | 0x20))
        else:
            self.send(b"".join(self.fragments(call_id, stub)))

    # --- the operations

    def run(self, opnum, stub):
        self.server.calls.append(opnum)
        data = b""
        if opnum == B_PREPARE[0].opnum:
            token = b"token of a test "
            return struct.pack("<LLL", len(token), 0x20000, len(token)) + token + bytes(4) + SESSION + bytes(4)
        if opnum == B_NAMES[0].opnum:
            text = ("\x44" + DATABASE + "\0\0").encode("utf-16le")
            count = len(text) // 2
            return struct.pack("<LLL", count, 0x20000, count) + text + bytes(-len(text) % 4) + bytes(4)
        if opnum == B_OPEN[0].opnum:
            self.position = 0
            return struct.pack("<QL", len(self.server.content), 0)
        if opnum == B_READ[0].opnum:
            size = struct.unpack_from("<L", stub, 20)[0]
            data = self.server.content[self.position:self.position + size]
            self.position += len(data)
            return (struct.pack("<LLL", size, 0, len(data)) + data + bytes(-len(data) % 4) +
                    struct.pack("<LL", len(data), 0 if data else 38))
        if opnum == B_CLOSE[0].opnum:
            return bytes(4)
        if opnum == B_END[0].opnum:
            return bytes(24)
        return None


class SecureServer:
    """Listens on a free port of 127.0.0.1 while `with` lasts. `make_acceptor` gives a new acceptor."""

    def __init__(self, make_acceptor, content, connection=Connection):
        self.make_acceptor, self.content, self.connection = make_acceptor, content, connection
        self.errors, self.calls, self.legs = [], [], 0
        self.listener = socket.create_server(("127.0.0.1", 0))
        self.port = self.listener.getsockname()[1]
        self.thread = threading.Thread(target=self._accept, daemon=True)

    def __enter__(self):
        self.thread.start()
        return self

    def _accept(self):
        while True:
            try:
                peer, _ = self.listener.accept()
            except OSError:
                return
            peer.settimeout(60)
            threading.Thread(target=self.connection(peer, self).serve, daemon=True).start()

    def __exit__(self, *_):
        self.listener.shutdown(socket.SHUT_RDWR)
        self.listener.close()


