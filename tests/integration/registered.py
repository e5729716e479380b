"""Every test method in the Python files that ctest runs is a ctest: `registered.py BUILD_DIRECTORY`. PythonTests.cmake reads the files as text and
may overlook one."""

import json
import os
import pathlib
import subprocess
import sys

RUNNER = pathlib.Path(__file__).with_name("run.py")


def main():
    listing = subprocess.run(["ctest", "--show-only=json-v1"], cwd=sys.argv[1], capture_output=True, text=True, check=True)
    registered = {}
    for test in json.loads(listing.stdout)["tests"]:
        command = test.get("command", [])
        if len(command) == 4 and pathlib.Path(command[1]) == RUNNER:
            registered.setdefault(command[2], set()).add(command[3])
    missing = 0
    for file, names in sorted(registered.items()):
        listed = subprocess.run([sys.executable, RUNNER, "--list", file], capture_output=True, text=True, check=True, env=test_environment(sys.argv[1]))
        for name in sorted(set(listed.stdout.split()) - names):
            print(f"{file}: {name} is no ctest")
            missing += 1
    print(f"{sum(map(len, registered.values()))} ctests of {len(registered)} files, {missing} missing")
    return 1 if missing or not registered else 0


def test_environment(build):
    build = pathlib.Path(build)
    return {**os.environ, "LITESTREAM_BIN": str(build / "bin"), "LITESTREAM_TOOLS": str(build / "tests"), "LITESTREAM_CACHE": str(build / "official"),
            "PYTHONDONTWRITEBYTECODE": "1"}


sys.exit(main())
