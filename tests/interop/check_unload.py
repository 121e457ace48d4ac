#!/usr/bin/env python3
"""A host that unloads the library while a thread of it still waits for credentials (COM-7): natively for a KDC that takes
connections and says nothing, under Wine for a ntlm_auth, Wine's way to NTLM, that does not answer.

    check_unload.py native UNLOAD_CLIENT LIBRARY
    check_unload.py windows WINE... UNLOAD_CLIENT

The last line is `N passed, N failed, N skipped`.
"""
import os
import pathlib
import shutil
import socket
import subprocess
import sys
import tempfile

from ntdsb_service import check, finish

COULD_NOT_CONNECT = 0xC7FF0007
PATIENCE, ROOM = 3, 9  # s; libkrb5 alone would wait for 25 s


def shown(path):
    return "Z:" + str(path).replace("/", "\\")


class SilentKdc:
    """Until it is closed; `environment` leads libkrb5 to it."""

    def __init__(self, work):
        self.listener = socket.create_server(("127.0.0.1", 0))
        (work / "krb5.conf").write_text(
            "[libdefaults]\n dns_lookup_kdc = false\n dns_lookup_realm = false\n default_realm = SILENT.TEST\n"
            " dns_canonicalize_hostname = false\n default_client_keytab_name = FILE:/nonexistent\n"
            "[domain_realm]\n localhost = SILENT.TEST\n"
            f"[realms]\n SILENT.TEST = {{\n  kdc = 127.0.0.1:{self.listener.getsockname()[1]}\n }}\n", encoding="utf-8")
        self.environment = {"KRB5_CONFIG": str(work / "krb5.conf")}

    def close(self):
        self.listener.close()


class SilentNtlm:
    """The same for ntlm_auth. Wine asks it for its version first."""

    def __init__(self, work):
        self.go = work / "go"
        program = work / "ntlm_auth"
        program.write_text('#!/bin/sh\ncase "$*" in *version*) echo Version 4.17.12; exit ;; esac\n'
                           f"touch '{work}/asked'\nwhile [ ! -e '{self.go}' ]; do sleep 0.1; done\n", encoding="utf-8")
        program.chmod(0o700)
        self.environment = {"PATH": f"{work}:{os.environ['PATH']}"}

    def close(self):
        self.go.touch()


def main():
    windows, words = sys.argv[1] == "windows", sys.argv[2:]
    start, library = (words, []) if windows else (words[:1], words[1:])
    work = pathlib.Path(tempfile.mkdtemp(dir=".")).resolve()
    silent = SilentNtlm(work) if windows else SilentKdc(work)
    config, log = work / "ntdsbcli.toml", work / "log.txt"
    with socket.create_server(("127.0.0.1", 0)) as service:  # which is never asked for more than a connection
        config.write_text(f"[transport.servers.svc]\ntransport = 'rpc'\naddress = '127.0.0.1:{service.getsockname()[1]}'\n"
                          f"connect_timeout_s = {PATIENCE}\nauthentication = '{'ntlm' if windows else 'kerberos'}'\n"
                          f"principal = 'host/localhost@SILENT.TEST'\n"
                          f"[log]\nlevel = 'info'\nfile = '{shown(log) if windows else log}'\n", encoding="utf-8")
        config.chmod(0o600)
        host = subprocess.Popen([*start, "svc", *library], stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True,
                                env={**os.environ, **silent.environment,
                                     "NTDSBCLI_CONFIG": shown(config) if windows else str(config)})
        code, _, took = host.stdout.readline().strip().partition(" after ")
        told = log.read_text(encoding="utf-8") if log.exists() else ""
        check(f"the call returns hrCouldNotConnect: {code}: {told}", code and int(code, 16) == COULD_NOT_CONNECT)
        check(f"in its time, {PATIENCE} s: {took} ms", took and PATIENCE * 1000 <= int(took) < (PATIENCE + ROOM) * 1000)
        check(f"the log says who does not answer: {told}", "that it asks does not answer" in told)
        check("the library is unloaded", host.stdout.readline().strip() == "unloaded")
        if windows:
            check("ntlm_auth was asked", (work / "asked").exists())
        silent.close()  # the waiting has an end, in the library
        output, _ = host.communicate("go on\n", timeout=120)
        check(f"the host lives on: {host.returncode}: {output}", host.returncode == 0 and output.strip() == "alive")
    shutil.rmtree(work, ignore_errors=True)


main()
finish()
