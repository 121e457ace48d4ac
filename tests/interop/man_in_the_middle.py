"""A proxy on loopback that passes DCE/RPC fragments on, and changes some on their way."""
import socket
import threading

from secure_rpc import Refused, Wire


class Side(Wire):
    def __init__(self, peer):
        self.socket = peer
        peer.settimeout(60)
        peer.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)


class ManInTheMiddle:
    """`to_client` and `to_server` are told how many fragments of its kind came before, and the fragment; they give what
    is to be sent instead (octets), or None to hang up. Counts begin anew with each connection."""

    def __init__(self, port, to_client=None, to_server=None):
        self.port_behind = port
        self.to_client, self.to_server = to_client, to_server
        self.changed = 0
        self.listener = socket.create_server(("127.0.0.1", 0))
        self.port = self.listener.getsockname()[1]

    def __enter__(self):
        threading.Thread(target=self._accept, daemon=True).start()
        return self

    def __exit__(self, *_):
        self.listener.shutdown(socket.SHUT_RDWR)
        self.listener.close()

    def _accept(self):
        while True:
            try:
                client = Side(self.listener.accept()[0])
                server = Side(socket.create_connection(("127.0.0.1", self.port_behind), timeout=60))
            except OSError:
                return
            threading.Thread(target=self._pass, args=(client, server, self.to_server), daemon=True).start()
            threading.Thread(target=self._pass, args=(server, client, self.to_client), daemon=True).start()

    def _pass(self, one, other, change):
        counts = {}
        try:
            while True:
                fragment = one.receive()
                count = counts.get(fragment.kind, 0)
                counts[fragment.kind] = count + 1
                sent = fragment.raw if change is None else change(count, fragment)
                if sent is None:
                    break
                if sent != fragment.raw:
                    self.changed += 1
                    # Who waits for more of what was changed waits in vain, and would for long.
                    for side in (one, other):
                        side.socket.settimeout(0.3)
                other.send(sent)
        except (Refused, AssertionError, OSError):
            pass
        for side in (one, other):
            try:
                side.socket.shutdown(socket.SHUT_RDWR)
            except OSError:
                pass
            side.close()
