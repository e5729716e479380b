#!/usr/bin/env bash
# From a bare Debian 12 to a database that survives: builds, replicates a database while a real writer runs, kills the
# writer, restores, and proves that the copy is the original. Everything happens in a temporary directory.
set -euo pipefail

root=$(cd "$(dirname "${BASH_SOURCE[0]}")/.." && pwd)
work=$(mktemp -d)
litestream=$root/build/release/bin/litestream
database=$work/app.db
copy=$work/restored.db
replica=$work/replica
writer=
daemon=
step=0

cleanup() {
    # Only what this script started.
    [[ -z $writer ]] || kill -9 "$writer" 2>/dev/null || true
    [[ -z $daemon ]] || kill -9 "$daemon" 2>/dev/null || true
    rm -rf "$work"
}
trap cleanup EXIT

say() {
    step=$((step + 1))
    printf '%2d  %s\n' "$step" "$*"
}

fail() {
    echo "quickstart failed: $*" >&2
    [[ ! -s $work/daemon.log ]] || tail -n 20 "$work/daemon.log" >&2
    exit 1
}

# wait_until SECONDS TEXT COMMAND...: until the command succeeds.
wait_until() {
    local deadline=$((SECONDS + $1)) text=$2
    shift 2
    until "$@"; do
        ((SECONDS < deadline)) || fail "gave up waiting until $text"
        [[ -z $daemon ]] || kill -0 "$daemon" 2>/dev/null || fail "litestream ended"
        sleep 0.05
    done
}

build() {
    bash "$root/apps/packages.sh"
    echo "building in build/release; the first time takes some minutes"
    (
        cd "$root"
        cmake --preset release -DLITESTREAM_BUILD_TESTS=OFF
        cmake --build --preset release
    ) >"$work/build.log" 2>&1 || {
        tail -n 40 "$work/build.log" >&2
        exit 1
    }
}

# One process, one connection, one transaction after the other, until it is killed.
write_for_ever() {
    exec python3 - "$database" <<'PYTHON'
import os
import sqlite3
import sys

connection = sqlite3.connect(sys.argv[1], isolation_level=None)
connection.execute("PRAGMA journal_mode = wal")
connection.execute("CREATE TABLE orders (id INTEGER PRIMARY KEY, note BLOB)")
while True:
    connection.execute("BEGIN IMMEDIATE")
    connection.executemany("INSERT INTO orders (note) VALUES (?)", [(os.urandom(500),) for _ in range(20)])
    connection.execute("DELETE FROM orders WHERE id % 7 = 0 AND id < (SELECT max(id) FROM orders) - 100")
    connection.execute("COMMIT")
PYTHON
}

rows() { sqlite3 -readonly "$1" 'SELECT count(*) FROM orders' 2>/dev/null || echo 0; }
has_rows() { (($(rows "$database") >= $1)); }
has_objects() { [[ -n $(find "$replica" -name '*.ltx' -print -quit 2>/dev/null) ]]; }

# The whole content, in order, as one hash: schema and every row.
content() { sqlite3 -readonly "$1" .dump | sha256sum | cut -d ' ' -f 1; }

build
say "built litestream $("$litestream" version) with its plugins in build/release/bin"

"$litestream" replicate "$database" "file://$replica" >"$work/daemon.log" 2>&1 &
daemon=$!
say "started: litestream replicate app.db file://.../replica (the database does not exist yet)"

write_for_ever &
writer=$!
say "started a writer, another process: 20 rows in each transaction, as fast as it can"

wait_until 60 "the database has 2000 rows" has_rows 2000
wait_until 60 "the replica has its first object" has_objects
say "while it writes, the replica grows: $(find "$replica" -name '*.ltx' | wc -l) objects, $(du -sh "$replica" | cut -f 1)"

kill -9 "$writer"
wait "$writer" 2>/dev/null || true
writer=
# Now, while litestream is attached. Frames of a commit that the writer had written and not yet published are in no reader's state, but when the
# last connection closes and the next one recovers the WAL, SQLite counts them as committed after all.
original_hash=$(content "$database")
say "killed the writer with SIGKILL in the middle of its work; $(rows "$database") rows are committed"

kill -TERM "$daemon"
wait "$daemon" || fail "litestream did not end well"
daemon=
say "stopped litestream: its final sync has sent what was committed last"

"$litestream" restore -o "$copy" -integrity-check full "file://$replica" >"$work/restore.log" 2>&1 || fail "$(cat "$work/restore.log")"
say "restored the replica to restored.db; SQLite's integrity check passed"

copy_hash=$(content "$copy")
say "SHA-256 of the original's schema and rows:  ${original_hash:0:32}..."
say "SHA-256 of the restored copy's:             ${copy_hash:0:32}..."
[[ $original_hash == "$copy_hash" ]] || fail "the restored database differs from the original"
say "they are equal: $(rows "$copy") rows came back"
