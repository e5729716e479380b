"""Every clause quotes a header word for word, and stands in the documentation: `sentences_test.py PROGRAM INCLUDE_DIRECTORY PAGE`."""

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
    page = pathlib.Path(sys.argv[3]).read_text(encoding="utf-8")
    untold = [clause for clause in clauses if f'| `{clause["clause"]}` | `{clause["header"].split("/")[-1]}`: {clause["sentence"]} |' not in page]
    for clause in untold:
        print(f'{clause["clause"]}: not in {sys.argv[3]} as it is')
    names = [clause["clause"] for clause in clauses]
    print(f"{len(clauses)} clauses, {len(wrong)} of them quote what is not there")
    return 1 if wrong or untold or not clauses or len(set(names)) != len(names) else 0


sys.exit(main())
