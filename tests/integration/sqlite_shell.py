"""A process that has a database open and does what it is told: one JSON line in ({"sql": ...}), one out ({"rows": ...} or {"error": ...})."""

import json
import sqlite3
import sys

connection = sqlite3.connect(sys.argv[1], isolation_level=None, timeout=10)
for line in sys.stdin:
    try:
        answer = {"rows": connection.execute(json.loads(line)["sql"]).fetchall()}
    except sqlite3.Error as error:
        answer = {"error": str(error)}
    print(json.dumps(answer, default=repr), flush=True)
