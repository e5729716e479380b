"""An independent judge of a replica in S3. It shares no code with the programs: file names, headers and plans are written from the format's description.

A Witness hears of every change on its way to the gateway (flaky.FaultProxy) and lists the bucket itself, past all faults, as often as there is something new.
What is wrong is a line in `complaints`:

- a state that was restorable and promised cannot be restored any more, or the newest one is lost, judged at the moment in which a DELETE sets out;
- a DELETE takes what a restore of the newest state, planned `l0_retention` seconds ago at the most, reads;
- an object goes without a DELETE, changes its content, has a foreign name, or a header that says something else than its name;
- files lie in a way in which an official writer could not go on: level 0 empty or left behind, its newest file without a place in the WAL, a file that brings nothing
  new, or one that a level has taken over only in part.

Promised are: every cut for `l0_retention` seconds, and where a file of level 1 ended for `retention` seconds after the transaction it ends with.
"""

import collections
import dataclasses
import re
import struct
import threading
import time

LEVELS = 10
SNAPSHOTS = 9
NAME = re.compile(r"(000[0-9])/([0-9a-f]{16})-([0-9a-f]{16})\.ltx")
HEADER = struct.Struct(">4sIIIQQqQqqII")
HEADER_BYTES = 100
FRAME_HEADER = 24  # of a WAL frame
WAL_HEADER = 32
BESIDE = 20.0  # seconds within which the level-0 file beside a new snapshot comes, also through faults
UNKNOWN = 5.0  # seconds for which a request without an answer may still do something


@dataclasses.dataclass(frozen=True, order=True)
class File:
    level: int
    first: int
    last: int
    size: int = 0
    time: int = 0  # milliseconds since 1970, of its newest transaction


@dataclasses.dataclass(frozen=True)
class Header:
    flags: int
    page_size: int
    commit: int
    first: int
    last: int
    time: int
    before: int  # checksum before it is applied
    wal_offset: int
    wal_size: int


def header_of(data):
    """None when it is no LTX file."""
    if len(data) < HEADER_BYTES:
        return None
    magic, *fields = HEADER.unpack_from(data)
    return Header(*fields[:9]) if magic == b"LTX1" else None


def plan(files, txid=None, before=None):
    """What upstream's restore reads, in order; None when it refuses. `before` is a time, exclusive."""
    eligible = [file for file in files if (txid is None or file.last <= txid) and (before is None or file.time < before)]
    chosen, reached = [], 0
    snapshots = [file for file in eligible if file.level == SNAPSHOTS]
    if snapshots:
        chosen = [max(snapshots, key=lambda file: (file.last, file.first))]
        reached = chosen[0].last
    increments = [file for file in eligible if file.level != SNAPSHOTS]
    while txid is None or reached < txid:
        step = [file for file in increments if file.first <= reached + 1 and file.last > reached]
        if not step:
            break
        chosen.append(max(step, key=lambda file: (file.last, -file.first, file.level, -file.time)))
        reached = chosen[-1].last
    if not chosen or (txid is not None and reached < txid):
        return None
    if txid is None and before is None and any(file.first > reached + 1 for file in increments):
        return None
    return chosen


def end_of(chosen):
    return chosen[-1].last if chosen else 0


def faults_of_order(files):
    """What keeps an official writer from going on, as texts."""
    levels = [sorted((file for file in files if file.level == level), key=lambda file: (file.first, file.last)) for level in range(LEVELS)]
    reach = [max((file.last for file in level), default=0) for level in levels]
    found = []
    if files and not levels[0]:
        found.append("level 0 is empty")
    for number in range(1, LEVELS):
        if reach[number] > reach[0]:
            found.append(f"level {number} reaches {reach[number]:x}, level 0 only {reach[0]:x}")
    for number in range(SNAPSHOTS):
        for one, other in zip(levels[number], levels[number][1:]):
            if other.last <= one.last:
                found.append(f"level {number}: {other.first:x}-{other.last:x} brings nothing behind {one.first:x}-{one.last:x}")
    for number in range(1, SNAPSHOTS):
        for file in levels[number - 1]:
            if reach[number] and file.first <= reach[number] < file.last:
                found.append(f"level {number} ends at {reach[number]:x}, inside of {file.first:x}-{file.last:x} of the level below")
    return found


def wal_place(header):
    """None, or why upstream cannot go on behind this level-0 file."""
    if header.first != header.last:
        return "spans several transactions"
    if header.wal_offset < WAL_HEADER or (header.wal_offset + header.wal_size - WAL_HEADER) % (header.page_size + FRAME_HEADER):
        return f"has no place in a WAL: offset {header.wal_offset}, size {header.wal_size}, page size {header.page_size}"
    return None


class Witness:
    """Of the objects below BUCKET/PREFIX. Any thread; look() belongs to the thread that start() makes, unless a test calls it itself.

    `now` gives monotonic seconds, `wall` milliseconds since 1970. `ours` tells whether the changes of this moment are ours: an official writer keeps its own
    retention, which promises less, and what it takes away is not demanded any more. `orderly`: the order of files is judged, too."""

    def __init__(self, client, bucket, prefix, retention, l0_retention, now=time.monotonic, wall=lambda: time.time() * 1000):
        self.client, self.bucket, self.prefix = client, bucket, prefix
        self.retention, self.l0_retention, self.now, self.wall = retention, l0_retention, now, wall
        self.ours = self.orderly = True
        self._lock = threading.RLock()  # guards what follows
        self.complaints = []
        self.files = {}  # key below the prefix: File
        self.curve = []  # (seconds since the start, files by level, bytes by level)
        self.given_up = set()  # TXIDs of states that another writer took away
        self.deletions = 0
        self.judged = 0  # promised states looked at before a deletion
        self._etags = {}
        self._headers = {}
        self._arrived = {}  # key: monotonic time; kept behind a deletion, which may not have come through
        self._open = {}  # change: monotonic time at which it began
        self._closed = collections.deque()  # (time, change) of changes that ended
        self._promised = {}  # TXID: milliseconds of the transaction; of the arrival until the header is read
        self._timed = set()  # TXIDs whose header was read
        self._pinned = collections.deque()  # (time until, keys of a plan)
        self._news = threading.Event()
        self._stopping = False
        self._thread = None
        self._began = now()

    # -- what the proxy tells ----------------------------------------------------------------------------------------------------------

    def began(self, change):
        keys = self._mine(change)
        if not keys or change.operation not in ("put", "complete", "delete"):
            return
        with self._lock:
            self._open[change] = self.now()
            if change.operation == "delete":
                self._judge(keys)
        self._news.set()

    def ended(self, change, status):
        keys = self._mine(change)
        if not keys:
            return
        with self._lock:
            if self._open.pop(change, None) is not None:
                self._closed.append((self.now() + (0 if status else UNKNOWN), change))
            # Who is told that an object is there may rely on it.
            there = {"put": (200, 412), "complete": (200,), "get": (200, 206), "head": (200,)}.get(change.operation, ())
            if status in there and keys[0] not in self.files and not self._leaving(keys[0]):
                if change.operation in ("put", "complete") and status == 200:
                    self._arrived[keys[0]] = self.now()
                self._add(keys[0])
        self._news.set()

    def _leaving(self, key):
        return any(change.operation == "delete" and key in self._mine(change) for change in self._open)

    def _mine(self, change):
        start = f"{self.bucket}/{self.prefix}"
        return tuple(key.removeprefix(start) for key in change.keys if key.startswith(start))

    def _add(self, key, size=0):
        found = NAME.fullmatch(key)
        if not found:
            self._complain(f"foreign name {key}")
            return
        level, first, last = (int(part, 16) for part in found.groups())
        header = self._headers.get(key)
        time_of = header.time if header else int(self.wall())
        self.files[key] = File(level, first, last, size, time_of)
        self._arrived.setdefault(key, self.now())
        if level == 1 and last not in self.given_up:
            self._promised[last] = min(time_of, self._promised.get(last, time_of))

    def _judge(self, keys):
        """Of a deletion that sets out now."""
        now, wall = self.now(), self.wall()
        self.deletions += len(keys)
        before = list(self.files.values())
        after = [file for key, file in self.files.items() if key not in keys]
        newest, left = end_of(plan(before)), end_of(plan(after))
        if left != newest:
            self._complain(f"deleting {self._names(keys)} takes the newest state: {newest:x} becomes {left:x}")
        while self._pinned and self._pinned[0][0] < now:
            self._pinned.popleft()
        if self.ours:
            for _, needed in self._pinned:
                if taken := needed.intersection(keys):
                    self._complain(f"deleting {self._names(taken)}, which a restore of the newest state may be reading")
        wanted = {last for last, when in self._promised.items() if wall - when < self.retention * 1000}
        wanted |= {file.last for key, file in self.files.items() if file.level == 0 and now - self._arrived[key] < self.l0_retention}
        for last in sorted(wanted):
            self.judged += 1
            if plan(before, txid=last) is None or plan(after, txid=last) is not None:
                continue
            if self.ours:
                age = wall - self._promised.get(last, wall)
                self._complain(f"deleting {self._names(keys)} takes state {last:x}, {age / 1000:.1f} s old")
            else:
                self.given_up.add(last)
                self._promised.pop(last, None)
        for key in keys:
            self.files.pop(key, None)
            self._etags.pop(key, None)

    @staticmethod
    def _names(keys):
        return ", ".join(sorted(keys)[:4]) + (f" and {len(keys) - 4} more" if len(keys) > 4 else "")

    def _complain(self, text):
        held = [sum(file.level == level for file in self.files.values()) for level in range(LEVELS)]
        self.complaints.append(f"{self.now() - self._began:.1f} s: {text} (files by level {held})")

    # -- looking -----------------------------------------------------------------------------------------------------------------------

    def start(self, pause=0.1):
        """Looks after every change, `pause` seconds apart at least."""
        def run():
            while not self._stopping:
                if self._news.wait(0.5):
                    self._news.clear()
                    try:
                        self.look()
                    except Exception as error:  # noqa: BLE001: said like everything else
                        with self._lock:
                            self._complain(f"the witness failed: {error!r}")
                        return
                    time.sleep(pause)
        self._thread = threading.Thread(target=run, daemon=True)
        self._thread.start()

    def stop(self):
        self._stopping = True
        self._news.set()
        if self._thread:
            self._thread.join()

    def look(self):
        began = self.now()
        entries = {key.removeprefix(self.prefix): entry for key, entry in self.client.entries(self.bucket, self.prefix).items()}
        fresh = {key: header_of(data) for key in entries if key not in self._headers and (data := self._head(key)) is not None}
        with self._lock:
            self._headers.update(fresh)
            for key, header in fresh.items():
                self._check_header(key, header)
            self._compare(entries, began)
            if self.orderly:
                self._check_order()
            chosen = plan(self.files.values())
            if self.files and not chosen:
                self._complain("the newest state cannot be restored")
            names = {file: key for key, file in self.files.items()}
            if chosen:
                self._pinned.append((began + self.l0_retention, frozenset(names[file] for file in chosen)))
            counts, sizes = [0] * LEVELS, [0] * LEVELS
            for file in self.files.values():
                counts[file.level] += 1
                sizes[file.level] += file.size
            self.curve.append((began - self._began, counts, sizes))

    def _head(self, key):
        from s3client import Failure
        try:
            return self.client.head_of(self.bucket, self.prefix + key, HEADER_BYTES)
        except Failure as failure:
            if failure.status == 404:
                return None  # deleted meanwhile
            raise

    def _check_header(self, key, header):
        found = NAME.fullmatch(key)
        if not found:
            return  # said by _compare
        if header is None:
            self._complain(f"{key} is no LTX file")
            return
        level, first, last = (int(part, 16) for part in found.groups())
        if (header.first, header.last) != (first, last):
            self._complain(f"{key} says {header.first:x}-{header.last:x} inside")
        if header.flags != 2 or header.before != 0 or header.commit == 0:
            self._complain(f"{key}: upstream refuses flags {header.flags}, checksum {header.before:x}, commit {header.commit}")
        if level == SNAPSHOTS and first != 1:
            self._complain(f"{key} is a snapshot that does not begin at 1")

    def _compare(self, entries, began):
        """What is there with what should be there, as far as nothing was on its way meanwhile."""
        while self._closed and self._closed[0][0] < began - 60:
            self._closed.popleft()
        changes = [*self._open, *(change for when, change in self._closed if when >= began)]
        moving = {key for change in changes for key in self._mine(change)}
        leaving = {key for change in changes if change.operation == "delete" for key in self._mine(change)}
        for key, (size, _, etag) in entries.items():
            if key not in self.files and key not in leaving:
                self._add(key, size)  # nobody saw the answer, or not yet
            if key in self.files:
                if self._etags.setdefault(key, etag) != etag:
                    self._complain(f"{key} has another content than before")
                self.files[key] = dataclasses.replace(self.files[key], size=size)
                if header := self._headers.get(key):
                    self._know_time(key, header.time)
        for key in [key for key in self.files if key not in entries and key not in moving and self._arrived[key] < began]:
            self._complain(f"{key} is gone, and nobody deleted it")
            del self.files[key]

    def _know_time(self, key, time_of):
        file = self.files[key]
        self.files[key] = dataclasses.replace(file, time=time_of)
        if file.level == 1 and file.last not in self.given_up:
            self._promised[file.last] = time_of
            self._timed.add(file.last)

    def _check_order(self):
        """Only between changes: an order of files is no promise while they are put and deleted."""
        # A snapshot of the database is there before the level-0 file beside it.
        reach = max((file.last for file in self.files.values() if file.level == 0), default=0)
        young = {key for key, when in self._arrived.items() if self.now() - when < BESIDE}
        files = [file for key, file in self.files.items() if not (file.level == SNAPSHOTS and file.last > reach and key in young)]
        for fault in faults_of_order(files):
            self._complain(fault)
        newest = max((file for file in files if file.level == 0), default=None, key=lambda file: (file.last, file.first))
        header = newest and self._headers.get(f"0000/{newest.first:016x}-{newest.last:016x}.ltx")
        if header and (reason := wal_place(header)):
            self._complain(f"the newest file of level 0 {reason}")

    # -- what a test asks --------------------------------------------------------------------------------------------------------------

    def promised(self, youngest=0.0, oldest=None):
        """{TXID: milliseconds} of the promised states with an age between the two, in seconds."""
        oldest = self.retention if oldest is None else oldest
        with self._lock:
            wall = self.wall()
            return {last: when for last, when in self._promised.items() if last in self._timed and youngest * 1000 < wall - when < oldest * 1000}

    def of_level(self, level):
        with self._lock:
            return sorted(file for file in self.files.values() if file.level == level)

    def problems(self):
        with self._lock:
            return list(self.complaints)
