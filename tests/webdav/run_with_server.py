"""Runs a command against a WebDAV server of its own: `run_with_server.py apache|nginx basic|digest http|https COMMAND...`. Exit code 77 where there is none.

{url}, {user} and {password} in the arguments are the server's.
"""

import os
import subprocess
import sys
import unittest

from davserver import DavServer


def main():
    kind, login, scheme, *command = sys.argv[1:]
    try:
        server = DavServer(kind, scheme == "https", login)
    except unittest.SkipTest as reason:
        print(reason)
        return 77
    with server:
        values = {"{url}": server.origin, "{user}": server.user, "{password}": server.password}
        for name, value in values.items():
            command = [argument.replace(name, value) for argument in command]
        return subprocess.run(command, env={**os.environ, **server.environment()}).returncode


sys.exit(main())
