"""Every clause quotes a header word for word: `sentences_test.py PROGRAM INCLUDE_DIRECTORY`."""

import json
import pathlib
import re
import subprocess
import sys


def text_of(header):
    """The header's comments and code as running text."""
    return re.sub(r"\s+", " ", re.sub(r"//[/<!]*<?", " ", header.read_text(encoding="utf-8")))


def main():
    program, include = sys.argv[1], pathlib.Path(sys.argv[2])
    clauses = json.loads(subprocess.run([program, "--list", "--json"], check=True, capture_output=True, text=True).stdout)
    wrong = [clause for clause in clauses if clause["sentence"] not in text_of(include / clause["header"])]
    for clause in wrong:
        print(f'{clause["clause"]}: {clause["header"]} does not say "{clause["sentence"]}"')
    names = [clause["clause"] for clause in clauses]
    print(f"{len(clauses)} clauses, {len(wrong)} of them quote what is not there")
    return 1 if wrong or not clauses or len(set(names)) != len(names) else 0


sys.exit(main())
