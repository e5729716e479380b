"""Runs a command with a directory of its own: `in_directory.py COMMAND...`. {directory} in its arguments stands for it."""

import subprocess
import sys
import tempfile

with tempfile.TemporaryDirectory(prefix="litestream-test-") as directory:
    sys.exit(subprocess.run([argument.replace("{directory}", directory) for argument in sys.argv[1:]]).returncode)
