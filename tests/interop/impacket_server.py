#!/usr/bin/env python3
"""widl_server.c again, on impacket: the same made-up answers and the same log, but fragments, NDR and presentation
contexts are impacket's. Prints where it listens; ends when it is killed.

What impacket's DCERPCServer lacks is added of impacket's own PDU classes: it keeps only the last fragment of a request,
and gives every fragment of a reply the length of the whole.
"""
import struct
import sys

try:
    from impacket.dcerpc.v5.rpcrt import (DCERPCServer, MSRPC_FAULT, MSRPC_REQUEST, MSRPC_RESPONSE, MSRPCHeader,
                                          MSRPCRequestHeader, MSRPCRespHeader, PFC_FIRST_FRAG, PFC_LAST_FRAG)
except ImportError as error:
    print(f"skipped: impacket is not installed for {sys.executable} ({error})")
    sys.exit(0)

import ntdsb_impacket as wire

ACCESS_DENIED, HANDLE_EOF, READ_VERIFY_FAILURE = 5, 38, 0xC80003FA - 2**32
FRAGMENT = 4280
NO_SESSION = bytes(16)
FILE_SIZE, SMALL_FILE_SIZE = 0x123456789, 5


def say(line):
    print(line, flush=True)


# --- arguments, as widl_server.c writes them down

def text(value):
    """A Text as it was received."""
    octets = value.fields["Data"]
    units = struct.unpack(f"<{len(octets) // 2}H", octets)
    assert units[-1] == 0, "the terminator"
    return '"' + "".join(chr(unit) if 0x20 <= unit < 0x7f else f"{{{unit:04x}}}" for unit in units[:-1]) + '"'


def token(request):
    value = request.fields["token"]
    if value.fields["ReferentID"] == 0:
        assert request["size"] == 0
        return "none"
    octets = b"".join(request["token"])
    assert len(octets) == request["size"]
    return octets.hex()


def pairs(request):
    assert len(request["pairs"]) == request["count"]
    return ",".join(f"{text(pair.fields['source'].fields['Data'])}>{text(pair.fields['target'].fields['Data'])}"
                    for pair in request["pairs"])


# --- answers

class Open:
    """A session."""

    def __init__(self, number, kind):
        self.number, self.kind, self.file, self.offset = number, kind, "", 0


sessions, numbers = {}, iter(range(1, 2**32))


def open_session(kind):
    number = next(numbers)
    identity = struct.pack("<QQ", number, 0x6e74647362)
    sessions[identity] = Open(number, kind)
    return identity


def run_down():
    for session in sessions.values():
        say(f"{session.kind} session {session.number} is run down")
    sessions.clear()


def status_for(instance):
    return ACCESS_DENIED if instance == '"failing"' else 0


class Fault(Exception):
    """Instead of an answer."""


def raise_for(instance):
    """`raise-STATUS`, in hex, stands for a service that cannot answer."""
    if instance.startswith('"raise-'):
        raise Fault(int(instance[len('"raise-'):-1], 16))


def give(reply, name, items):
    """Sets a list, or with None a null pointer."""
    if items is None:
        reply.fields[name].fields["ReferentID"] = 0
    else:
        reply[name] = items


def session_of(request):
    return sessions[request["session"]["uuid"]]


def nothing_more(name, status=0):
    """An operation of a session that only answers."""
    def run(request, reply):
        say(f"{name} {session_of(request).number}")
        reply["status"] = status
    return run


def list_of(name, entries):
    def run(request, reply):
        say(f"{name} {session_of(request).number}")
        units = [ord(character) for character in "".join(entry + "\0" for entry in entries) + "\0"]
        reply["count"], reply["status"] = len(units), 0
        give(reply, "list", units)
    return run


def end(name):
    def run(request, reply):
        say(f"{name} {session_of(request).number}")
        del sessions[request["session"]["uuid"]]
        reply["session"]["uuid"], reply["status"] = NO_SESSION, 0
    return run


def is_online(request, reply):
    instance = text(request.fields["instance"])
    say(f"IsDirectoryOnline {instance}")
    raise_for(instance)
    reply["status"] = status_for(instance)
    reply["online"] = int(reply["status"] == 0)


def restore_prepare(request, reply):
    instance = text(request.fields["instance"])
    say(f"RestorePrepare {instance} {request['flags']} {token(request)}")
    reply["status"] = status_for(instance)
    reply["session"]["uuid"] = NO_SESSION if reply["status"] else open_session("restore")


def register(request, reply):
    paths = [text(request.fields[name]) for name in ("checkpoint", "log", "backup")]
    say(f"RestoreRegister {session_of(request).number} {paths[0]} {paths[1]} {pairs(request)} {paths[2]} "
        f"{request['low']} {request['high']}")
    reply["status"] = 0


def complete(request, reply):
    say(f"RestoreRegisterComplete {session_of(request).number} {request['state'] % 2**32}")
    reply["status"] = request["state"]


def set_log(request, reply):
    instance = text(request.fields["instance"])
    say(f"SetCurrentLogNumber {instance} {request['number']}")
    reply["status"] = status_for(instance)


def check_token(request, reply):
    instance = text(request.fields["instance"])
    say(f"CheckExpiryToken {instance} {token(request)}")
    reply["status"] = status_for(instance)


def backup_prepare(request, reply):
    instance = text(request.fields["instance"])
    say(f"BackupPrepare {instance} {request['grbit']} {request['type']}")
    reply["status"] = status_for(instance)
    refused = reply["status"] != 0
    reply["size"] = 0 if refused else 40001
    give(reply, "token", None if refused else [i % 251 for i in range(40001)])
    reply["session"]["uuid"] = NO_SESSION if refused else open_session("backup")


def open_file(request, reply):
    session = session_of(request)
    session.file, session.offset = text(request.fields["name"]), 0
    say(f"BackupOpenFile {session.number} {session.file} {request['hint']}")
    reply["size"], reply["status"] = FILE_SIZE, 0


def read(request, reply):
    session, size, status = session_of(request), request["size"], 0
    say(f"BackupRead {session.number} {size}")
    if session.file.startswith('"y'):
        size, status = 0, READ_VERIFY_FAILURE
    elif session.file.startswith('"x'):
        size = min(size, SMALL_FILE_SIZE - session.offset)
        status = 0 if size else HANDLE_EOF
    reply["data"] = [bytes([i % 253]) for i in range(session.offset, session.offset + size)]
    reply.fields["data"].fields["MaximumCount"] = request["size"]
    session.offset += size
    reply["count"], reply["status"] = size, status


def ping(_, reply):
    say("BackupPing")
    reply["status"] = 0


RESTORE_ANSWERS = {
    wire.ONLINE: is_online, wire.PREPARE: restore_prepare, wire.REGISTER: register, wire.COMPLETE: complete,
    wire.LOCATIONS: list_of("RestoreGetDatabaseLocations", ["DC:\\ntds\\ntds.dit", "\x82C:\\logs", "\x83C:\\ntds"]),
    wire.END: end("RestoreEnd"), wire.SET_LOG: set_log, wire.CHECK_TOKEN: check_token,
}
BACKUP_ANSWERS = {
    wire.B_PREPARE: backup_prepare, wire.B_END: end("BackupEnd"),
    wire.B_NAMES: list_of("BackupGetDatabaseNames", ["DC:\\ntds\\ntds.dit"]),
    wire.B_OPEN: open_file, wire.B_READ: read, wire.B_CLOSE: nothing_more("BackupClose"),
    wire.B_LOGS: list_of("BackupGetBackupLogs", [f"!C:\\logs\\edb{i:05x}.log" for i in range(1, 4001)]),
    wire.B_TRUNCATE: nothing_more("BackupTruncateLogs"), wire.B_PING: ping,
    wire.B_LOCATIONS: list_of("BackupGetDatabaseLocations", ["DE:\\ntds\\ntds.dit"]),
}


# --- the service

def callback(operation, answer):
    def run(stub):
        request, reply = operation[0](stub), operation[1]()
        answer(request, reply)
        return reply.getData()
    return run


class Server(DCERPCServer):
    def octets(self, count):
        received = b""
        while len(received) < count:
            more = self._clientSock.recv(count - len(received))
            if not more:
                return None
            received += more
        return received

    def recv(self):
        """A whole request as one packet, or another packet; None when the client is gone."""
        stub = b""
        while True:
            begin = self.octets(MSRPCHeader._SIZE)
            if begin is None:
                run_down()
                return None
            length = struct.unpack_from("<H", begin, 8)[0]
            packet = begin + self.octets(length - len(begin))
            header = MSRPCHeader(packet)
            if header["type"] != MSRPC_REQUEST:
                return packet
            assert bool(header["flags"] & PFC_FIRST_FRAG) == (stub == b""), "the first fragment, and only it, says so"
            stub += MSRPCRequestHeader(packet)["pduData"]
            if header["flags"] & PFC_LAST_FRAG:
                return packet, stub

    def processRequest(self, data):
        if not isinstance(data, tuple):
            return super().processRequest(data)
        request, response = MSRPCRequestHeader(data[0]), MSRPCRespHeader()
        response["call_id"], response["ctx_id"] = request["call_id"], request["ctx_id"]
        run = self._listenUUIDS[self._boundUUID]["CallBacks"].get(request["op_num"])
        response["type"] = MSRPC_RESPONSE
        try:
            if run is None:
                raise Fault(0x1C010002)
            response["pduData"] = run(data[1])
        except Fault as fault:
            response["type"], response["pduData"] = MSRPC_FAULT, struct.pack("<LL", fault.args[0], 0)
        return response

    def send(self, data):
        stub, flags = data["pduData"], PFC_FIRST_FRAG
        most = (FRAGMENT - MSRPCRespHeader._SIZE) // 8 * 8
        while True:
            fragment = MSRPCRespHeader()
            for name in ("type", "call_id", "ctx_id"):
                fragment[name] = data[name]
            fragment["alloc_hint"], fragment["pduData"], stub = len(stub), stub[:most], stub[most:]
            fragment["flags"] = flags | (0 if stub else PFC_LAST_FRAG)
            self._clientSock.sendall(fragment.get_packet())
            flags = 0
            if not stub:
                return


def main():
    server = Server()
    for interface, answers in ((wire.RESTORE_INTERFACE, RESTORE_ANSWERS), (wire.BACKUP_INTERFACE, BACKUP_ANSWERS)):
        server.addCallbacks(interface, str(server.getListenPort()),
                            {operation[0].opnum: callback(operation, answer) for operation, answer in answers.items()})
    server._sock.listen(10)
    say(f"listening on 127.0.0.1:{server.getListenPort()}")
    server.run()


main()
