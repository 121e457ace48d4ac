#!/usr/bin/env python3
"""Unpacks the real ESE databases for the tests: unpack_real_data.py PACKED_FOLDER TARGET_FOLDER.

A packed folder that is not there is no error: the tests that need it then skip and say so.
"""
import gzip
import os
import sys
from pathlib import Path


def main() -> int:
    packed, target = Path(sys.argv[1]), Path(sys.argv[2])
    sources = sorted(packed.glob("*.edb.gz")) if packed.is_dir() else []
    if not sources:
        print(f"no real databases in {packed}: the tests that use them will skip")
        return 0
    target.mkdir(parents=True, exist_ok=True)
    for source in sources:
        file = target / source.stem
        if file.exists() and file.stat().st_mtime >= source.stat().st_mtime:
            continue
        # Several builds may unpack at once: each writes its own file and moves it into place.
        partial = target / f"{source.stem}.{os.getpid()}.partial"
        partial.write_bytes(gzip.decompress(source.read_bytes()))
        os.replace(partial, file)
    return 0


if __name__ == "__main__":
    sys.exit(main())
