"""A call that stays in the service until it is let go, for scripts that stop a service under it: DCE/RPC by hand, which
needs nothing installed. It is held by the lock in the state folder that it needs (def/contract.md, COM-14: for at most
10 s)."""
import select
import socket
import struct
import time
import urllib.request
import uuid

RESTORE_INTERFACE = uuid.UUID("a8fe3c8c-6895-427d-a91c-95cc81b46064")  # def/ntdsb.idl
NDR = uuid.UUID("8a885d04-1ceb-11c9-9fe8-08002b104860")
LOCK = "default/decide.lock"  # in the state folder
REQUEST, RESPONSE, BIND, BIND_ACK = 0, 2, 11, 12
IS_DIRECTORY_ONLINE = 0


def comes_true(question, seconds=60):
    end = time.monotonic() + seconds
    while not question():
        if time.monotonic() > end:
            return False
        time.sleep(0.02)
    return True


class Caller:
    """A bound connection; `connected` becomes its socket. `metrics_port` is where the service tells its figures."""

    def __init__(self, connected, metrics_port):
        self.socket, self.metrics_port, self.calls = connected, metrics_port, 1
        self.socket.settimeout(60)
        syntaxes = RESTORE_INTERFACE.bytes_le + struct.pack("<I", 1) + NDR.bytes_le + struct.pack("<I", 2)
        self._send(BIND, struct.pack("<HHIB3xHBx", 5840, 5840, 0, 1, 0, 1) + syntaxes)
        assert self._receive()[0] == BIND_ACK

    def _send(self, kind, body):
        self.socket.sendall(struct.pack("<BBBBIHHI", 5, 0, kind, 3, 0x10, 16 + len(body), 0, self.calls) + body)

    def _receive(self):
        header = self._octets(16)
        return header[2], self._octets(struct.unpack_from("<H", header, 8)[0] - 16)

    def _octets(self, count):
        octets = b""
        while len(octets) < count:
            more = self.socket.recv(count - len(octets))
            if not more:
                raise ConnectionError("the service hung up")
            octets += more
        return octets

    def ask(self, instance=""):
        """Asks whether the directory is online, which needs the lock."""
        self.calls += 1
        units = len(instance) + 1
        name = struct.pack("<III", units, 0, units) + (instance + "\0").encode("utf-16le")
        self._send(REQUEST, struct.pack("<IHH", 0, 0, IS_DIRECTORY_ONLINE) + name)

    def answer(self):
        """(online, status), or what came instead, or why nothing did."""
        try:
            kind, body = self._receive()
        except OSError as error:
            return error
        return struct.unpack_from("<II", body, 8) if kind == RESPONSE else (kind, body)

    def is_answered(self, seconds):
        return bool(select.select([self.socket], [], [], seconds)[0])

    def is_running(self):
        """Whether the service says that a call runs."""
        with urllib.request.urlopen(f"http://127.0.0.1:{self.metrics_port}/metrics", timeout=30) as page:
            return b"\nntdsb_calls_running 1\n" in page.read()


def free_port():
    with socket.create_server(("127.0.0.1", 0)) as listener:
        return listener.getsockname()[1]
