#!/usr/bin/env python3
"""Drives ntdsbsrv with an independent DCE/RPC client, impacket: the standard interfaces, and a whole backup and restore
with every operation.

    check_impacket_client.py native|windows [WINE...] MAKE_DATABASE NTDSBSRV

WINE... is what starts Windows programs. Skips where impacket is not installed. The last line is
`N passed, N failed, N skipped`.
"""
import socket
import sys
import time

try:
    from impacket.dcerpc.v5 import epm, mgmt
    from impacket.dcerpc.v5.rpcrt import DCERPCException
    from impacket.uuid import bin_to_string, uuidtup_to_bin
except ImportError as error:
    print(f"SKIP impacket is not installed for {sys.executable} ({error})")
    print("0 passed, 0 failed, 1 skipped")
    sys.exit(0)

from ntdsb_impacket import (B_CLOSE, B_END, B_LOCATIONS, B_LOGS, B_NAMES, B_OPEN, B_PING, B_PREPARE, B_READ, B_TRUNCATE,
                            BACKUP_INTERFACE, CHECK_TOKEN, Client, COMPLETE, END, entries, fill, LOCATIONS, octets, ONLINE, PREPARE,
                            REGISTER, RESTORE_INTERFACE, SET_LOG)
from ntdsb_service import check, equal, finish, Service, skip

RESTORE, BACKUP = uuidtup_to_bin(RESTORE_INTERFACE), uuidtup_to_bin(BACKUP_INTERFACE)
S_OK, HANDLE_EOF, READ_VERIFY_FAILURE = 0, 38, 0xC80003FA - 2**32
PAGE = 8192


def standard_interfaces(port):
    found = epm.hept_lookup("127.0.0.1", dce=Client(port, None).dce)
    for uuid, name in ((BACKUP, b"NTDS Backup Interface\0"), (RESTORE, b"NTDS Restore Interface\0")):
        here = [entry for entry in found if entry["annotation"] == name]
        equal(f"entries called {name}", len(here), 1)
        floors = here[0]["tower"]["Floors"]
        equal("their interface", bin_to_string(floors[0]["InterfaceUUID"]), bin_to_string(uuid[:16]))
        equal("their binding", epm.PrintStringBinding(floors), f"ncacn_ip_tcp:127.0.0.1[{port}]")
        binding = epm.hept_map("127.0.0.1", uuid, protocol="ncacn_ip_tcp", dce=Client(port, None).dce)
        equal("what ept_map says", binding, f"ncacn_ip_tcp:127.0.0.1[{port}]")
    dce = Client(port, mgmt.MSRPC_UUID_MGMT).dce
    vector = mgmt.hinq_if_ids(dce)["if_id_vector"]
    ids = [bin_to_string(one["Data"]["Uuid"]) for one in vector["if_id"]]
    check("mgmt lists both interfaces", all(bin_to_string(uuid[:16]) in ids for uuid in (BACKUP, RESTORE)))
    equal("is_server_listening", mgmt.his_server_listening(dce)["status"], 0)
    try:
        mgmt.hstop_server_listening(dce)
        check("a client cannot stop the server", False)
    except DCERPCException as refused:
        check(f"a client cannot stop the server: {refused}", "access_denied" in str(refused))


def back_up(port, shown_database, files):
    client = Client(port, BACKUP)
    equal("Ping", client.call(B_PING)["status"], S_OK)
    prepared = client.call(B_PREPARE, instance="", grbit=0, type=1)
    equal("BackupPrepare", prepared["status"], S_OK)
    token, session = octets(prepared, "token"), prepared["session"]["uuid"]
    equal("the token's size", len(token), prepared["size"])
    names = entries(client.call(B_NAMES, session=session))
    equal("BackupGetDatabaseNames", [name[1:] for name in names], [shown_database])
    equal("BackupGetBackupLogs", entries(client.call(B_LOGS, session=session)), [])
    check("BackupGetDatabaseLocations", len(entries(client.call(B_LOCATIONS, session=session))) == 3)
    opened = client.call(B_OPEN, session=session, name=names[0], hint=0)
    equal("BackupOpenFile", (opened["status"], opened["size"]), (S_OK, files.stat().st_size))
    content = b""
    while True:
        read = client.call(B_READ, session=session, size=300000)
        if read["status"] == HANDLE_EOF:
            break
        equal("BackupRead", read["status"], S_OK)
        content += octets(read, "data")[:read["count"]]
        if not read["count"]:
            break
    check("the octets read are the file's", content == files.read_bytes())
    equal("BackupClose", client.call(B_CLOSE, session=session)["status"], S_OK)
    equal("BackupTruncateLogs", client.call(B_TRUNCATE, session=session)["status"], S_OK)
    ended = client.call(B_END, session=session)
    equal("BackupEnd", (ended["status"], ended["session"]["uuid"]), (S_OK, bytes(16)))
    equal("BackupEnd, again", client.call(B_END, session=session)["status"], 87)
    return token, content


def back_up_damaged(port, files):
    """The one form of the reply in which the count is not the array's length: a page in the middle of a read is damaged.
    What was sent of the file before stays, zeros follow, and the next read fails anew."""
    sound, at, size = files.read_bytes(), 100 * PAGE, 1048576
    files.write_bytes(sound[:at + 5000] + bytes([sound[at + 5000] ^ 1]) + sound[at + 5001:])
    client = Client(port, BACKUP)
    session = client.call(B_PREPARE, instance="", grbit=0, type=1)["session"]["uuid"]
    name = entries(client.call(B_NAMES, session=session))[0]
    equal("BackupOpenFile of a damaged database", client.call(B_OPEN, session=session, name=name, hint=0)["status"], S_OK)
    read = client.call(B_READ, session=session, size=size)
    equal("BackupRead across the damage", (read["status"], read["count"]), (READ_VERIFY_FAILURE, 0))
    data = octets(read, "data")
    sent = len(data.rstrip(b"\0"))
    equal("the array's length", len(data), size)
    check("the array was begun", sent > 0 and data[:sent] == sound[:sent])
    check(f"and ends before the damage, with zeros: {sent}", sent <= at)
    read = client.call(B_READ, session=session, size=at)
    equal("BackupRead before the damage", (read["status"], read["count"]), (S_OK, at))
    check("goes on where the last one succeeded", octets(read, "data") == sound[:at])
    read = client.call(B_READ, session=session, size=PAGE)
    equal("BackupRead of the damage", (read["status"], read["count"]), (READ_VERIFY_FAILURE, 0))
    equal("BackupEnd", client.call(B_END, session=session)["status"], S_OK)
    files.write_bytes(sound)


def register(client, token, folder, database, backup):
    prepared = client.call(PREPARE, instance="", flags=0, size=len(token), token=token)
    equal("RestorePrepare", prepared["status"], S_OK)
    session = prepared["session"]["uuid"]
    return session, client.call(REGISTER, session=session, checkpoint=folder, log=folder, count=1,
                                pairs=[(database, database)], backup=backup, low=0, high=0)["status"]


def restore(port, token, content, files, folder, database, backup):
    # Fragments of 64 octets of stub: each request goes in many.
    client = Client(port, RESTORE, fragment=64)
    equal("IsDirectoryOnline", client.call(ONLINE, instance="")["status"], S_OK)
    equal("CheckExpiryToken", client.call(CHECK_TOKEN, instance="", size=len(token), token=token)["status"], S_OK)
    equal("SetCurrentLogNumber", client.call(SET_LOG, instance="", number=0)["status"], S_OK)
    session, status = register(client, token, folder, database, backup)
    equal("RestoreRegister", status, S_OK)
    check("RestoreGetDatabaseLocations", len(entries(client.call(LOCATIONS, session=session))) == 3)
    other = Client(port, RESTORE)
    _, status = register(other, token, folder, database, backup)
    check("a second client cannot register", status != S_OK)

    # The client is gone without a word: its session ends, what it registered stays.
    client.drop()
    for _ in range(1000):
        session, status = register(other, token, folder, database, backup)
        if status == S_OK:
            break
        time.sleep(0.01)
    equal("RestoreRegister after the first client has gone", status, S_OK)
    backup_client = Client(port, BACKUP)
    check("the directory stays blocked", backup_client.call(B_PREPARE, instance="", grbit=0, type=1)["status"] != S_OK)
    for file in files.parent.iterdir():
        file.unlink()
    files.write_bytes(content)
    equal("RestoreRegisterComplete", other.call(COMPLETE, session=session, state=0)["status"], S_OK)
    equal("RestoreEnd", other.call(END, session=session)["status"], S_OK)
    prepared = backup_client.call(B_PREPARE, instance="", grbit=0, type=1)
    equal("a backup of what was restored", prepared["status"], S_OK)


def found_at_the_usual_port(make, server):
    """Off Windows `listen` may name port 135, where tools look that are told no port. An address of this test's own, since
    the computer may have an endpoint mapper already."""
    host = "127.0.0.135"
    with socket.socket() as probe:
        probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            probe.bind((host, 135))
        except OSError as error:
            return skip(f"port 135 of {host} cannot be had ({error}): standard tools' own port is not tested")
    with Service(False, [], make, server, listen=f"{host}:135"):
        for uuid in (BACKUP, RESTORE):
            equal("what ept_map says at its own port", epm.hept_map(host, uuid, protocol="ncacn_ip_tcp"),
                  f"ncacn_ip_tcp:{host}[135]")
        found = [entry["annotation"] for entry in epm.hept_lookup(host)]
        check(f"ept_lookup at its own port: {found}", {b"NTDS Backup Interface\0", b"NTDS Restore Interface\0"} <= set(found))
        equal("Ping where ept_map leads", Client(135, BACKUP, host=host).call(B_PING)["status"], S_OK)


def noise(port):
    for sent in (b"GET / HTTP/1.0\r\n\r\n", bytes(64), b"\xff" * 64, b"\5\0\x0b\3\x10\0\0\0\xff\xff\xff\xff\1\0\0\0"):
        with socket.create_connection(("127.0.0.1", port), timeout=30) as peer:
            peer.sendall(sent)
            peer.shutdown(socket.SHUT_WR)
            while peer.recv(4096):
                pass
    equal("Ping after noise", Client(port, BACKUP).call(B_PING)["status"], S_OK)


def main():
    windows, wine, (make, server) = sys.argv[1] == "windows", sys.argv[2:-2], sys.argv[-2:]
    with Service(windows, wine, make, server) as service:
        standard_interfaces(service.port)
        noise(service.port)
        back_up_damaged(service.port, service.database)
        database = service.shown(service.database)
        token, content = back_up(service.port, database, service.database)
        restore(service.port, token, content, service.database, service.shown(service.database.parent), database,
                service.shown(service.backup))
    if not windows:
        found_at_the_usual_port(make, server)


main()
finish()
