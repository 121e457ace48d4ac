#!/usr/bin/env python3
"""Drives ntdsbsrv with stubs that widl made, on the system's RPC runtime: a whole backup and restore with every
operation of both interfaces.

    check_widl_client.py native|windows RUN... -- MAKE_DATABASE NTDSBSRV WIDL_CLIENT

RUN... starts Windows programs: widl_client.exe always, the other two if they are `windows`. The last line is
`N passed, N failed, N skipped`.
"""
import re
import struct
import subprocess
import sys

from ntdsb_service import check, count, equal, finish, Service


def run(wine, client, service, stage):
    here = "Z:" + str(service.work).replace("/", "\\") + "\\"
    root = here if service.windows else f"{service.work}/"
    done = subprocess.run([*wine, client, str(service.port), stage, root, here], stdout=subprocess.PIPE, timeout=120)
    output = done.stdout.decode("utf-8", "replace").replace("\r", "")
    sums = re.search(r"^(\d+) passed, (\d+) failed, 0 skipped$", output, re.M)
    check(f"{stage} ends with a sum", sums is not None and (sums[2] != "0" or done.returncode == 0))
    if sums:
        count(int(sums[1]), int(sums[2]))
    if sums is None or sums[2] != "0" or done.returncode:
        print(output)


def check_record(service):
    """All that the client's stage `register` passed is on disk, in order."""
    record = max((path for path in service.state.rglob("*") if path.is_file()), key=lambda path: path.stat().st_size)
    octets, database = record.read_bytes(), service.shown(service.database)
    names = [(database, database)]
    names += [(f"{database}.{i:0{1 + i % 61}}.from", f"{database}.{i:0{1 + i % 59}}.to") for i in range(1, 1024)]
    folder = service.shown(service.database.parent)
    at = 0
    for text in [folder, folder, *(text for pair in names for text in pair), service.shown(service.backup)]:
        at = octets.find((text + "\0").encode("utf-16le"), at)
        if at < 0:
            return check(f"{record} holds {text}", False)
        at += 2 * len(text)
    # Behind the request comes a checksum.
    equal("the generations on record", struct.unpack("<II", octets[-12:-4]), (0x12, 0x12345))


def main():
    divide = sys.argv.index("--")
    windows, wine, (make, server, client) = sys.argv[1] == "windows", sys.argv[2:divide], sys.argv[divide + 1:]
    with Service(windows, wine if windows else [], make, server) as service:
        run(wine, client, service, "damaged")
        run(wine, client, service, "backup")
        run(wine, client, service, "register")
        check_record(service)
        run(wine, client, service, "restore")


main()
finish()
