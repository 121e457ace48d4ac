"""An ntdsbsrv with a made directory, for scripts that hold foreign clients against it; and how they count."""
import os
import pathlib
import shutil
import signal
import subprocess
import sys
import tempfile


class Service:
    """`with Service(windows, wine, make_database, ntdsbsrv) as service:` starts it, and ends it as a person does.

    windows: whether its programs are Windows programs, which `wine` starts. The folder `work` holds ntds/ntds.dit,
    backup and state; paths in it are called by the service as `shown` tells. `settings` are of [service], and of tables
    behind it; `environment` is the service's, if not this process's; it listens at `listen`, on `port`. `roots`: the
    restore_roots, below `work`.
    """

    def __init__(self, windows, wine, make, server, settings="allow_anonymous = true\n", environment=None,
                 listen="127.0.0.1:0", roots=(".",)):
        self.windows, self.wine, self.make, self.server, self.listen = windows, wine, make, server, listen
        self.roots = roots
        self.settings, self.environment = settings, environment or dict(os.environ)

    def shown(self, path):
        return "Z:" + str(path).replace("/", "\\") if self.windows else str(path)

    def __enter__(self):
        self.work = pathlib.Path(tempfile.mkdtemp(dir=".")).resolve()
        self.database, self.backup, self.state = (self.work / name for name in ("ntds/ntds.dit", "backup", "state"))
        for folder in (self.database.parent, self.backup):
            folder.mkdir()
        subprocess.run([*self.wine, self.make, self.shown(self.database)], check=True)
        config = self.work / "ntdsbsrv.toml"
        roots = ", ".join(f"'{self.shown(self.work / root)}'" for root in self.roots)
        config.write_text(f"[directory]\ndatabase = '{self.shown(self.database)}'\n"
                          f"state_path = '{self.shown(self.state)}'\nregistry_mirror = false\n"
                          f"[service]\nlisten = ['{self.listen}']\nrestore_roots = [{roots}]\n{self.settings}",
                          encoding="utf-8")
        config.chmod(0o600)
        self.process = subprocess.Popen([*self.wine, self.server, "run", "--config", self.shown(config)],
                                        stdout=subprocess.PIPE, text=True, env=self.environment)
        self.port = int(self.process.stdout.readline().strip().rsplit(":", 1)[1])
        return self

    def __exit__(self, failure, *_):
        self.process.send_signal(signal.SIGTERM)
        status = self.process.wait(60)
        if not self.windows:
            equal("the exit status after SIGTERM", status, 0)
        if failure is None:
            shutil.rmtree(self.work, ignore_errors=True)


passed = failed = skipped = 0


def check(what, holds):
    global passed, failed
    if holds:
        passed += 1
    else:
        failed += 1
        print(f"FAILED: {what}", flush=True)


def equal(what, found, expected):
    check(f"{what}: found {found!r}, expected {expected!r}", found == expected)


def count(more_passed, more_failed, more_skipped=0):
    """What a program that counts by itself has counted."""
    global passed, failed, skipped
    passed, failed, skipped = passed + more_passed, failed + more_failed, skipped + more_skipped


def skip(why):
    global skipped
    skipped += 1
    print(f"SKIP {why}", flush=True)


def finish():
    print(f"{passed} passed, {failed} failed, {skipped} skipped")
    sys.exit(1 if failed else 0)
