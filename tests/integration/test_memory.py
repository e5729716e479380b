"""The size of a database is no amount of memory. LITESTREAM_SCALE_PAGES=34000000 LITESTREAM_SCALE_PAGE_SIZE=4096 is the real size (130 GiB); the file is
sparse, but its replica and its page sums take 4 GB of disk."""

import os
import struct
import time

import harness
from harness import dump_of, ours_only

PAGES = int(os.environ.get("LITESTREAM_SCALE_PAGES") or 4_000_000)
PAGE_SIZE = int(os.environ.get("LITESTREAM_SCALE_PAGE_SIZE") or 512)
LONG = PAGES * PAGE_SIZE > 8 << 30
MOST_BYTES = (128 if LONG else 64) << 20

CONFIG = """
levels:
  - interval: 1s
snapshot:
  interval: 3s
dbs:
  - path: {db}
    replica:
      url: {url}
"""


def memory_of(pid):
    with open(f"/proc/{pid}/status") as status:
        return {name: int(rest.split()[0]) * 1024 for name, _, rest in (line.partition(":") for line in status) if name in ("VmHWM", "VmRSS")}


def cpu_of(pid):
    return time.clock_gettime((~pid << 3) | 2)


class MemoryTestCase(harness.TestCase):
    def make_large(self):
        """Pages that no table uses, nearly all of them a hole. They are read and shipped like any others."""
        app = self.shell()
        app(f"PRAGMA page_size = {PAGE_SIZE}", "PRAGMA journal_mode = WAL", "CREATE TABLE t(id INTEGER PRIMARY KEY, x)")
        app.close()
        with open(self.db, "r+b") as file:
            header = file.read(100)
            file.seek(28)
            file.write(struct.pack(">I", PAGES))
            file.seek(92)
            file.write(header[24:28])  # the page count is valid for this change counter
            file.truncate(PAGES * PAGE_SIZE)

    def wait_for_snapshots(self, count, replicator):
        """Prints what it took until the replica has so many, and sees that it took no memory."""
        began, cpu = time.monotonic(), cpu_of(replicator.pid)
        harness.wait_for(lambda: len(list((self.replica / "ltx" / "9").glob("*.ltx"))) >= count, f"snapshot {count}", 3600 if LONG else 240)
        took, spent, most = time.monotonic() - began, cpu_of(replicator.pid) - cpu, memory_of(replicator.pid)["VmHWM"]
        disk = sum(file.stat().st_blocks * 512 for place in (self.replica, self.dir / ".app.db-litestream") for file in place.rglob("*") if file.is_file())
        print(f"snapshot {count} of {PAGES} pages of {PAGE_SIZE}: {took:.1f} s, {spent:.1f} s of CPU, at most {most >> 20} MiB of memory, "
              f"{disk >> 20} MiB of disk in all", flush=True)
        self.assert_memory(most, MOST_BYTES)

    @ours_only
    def test_T51_SnapshotsAndMergesTakeNoMemoryForPages(self):
        self.make_large()
        config = self.dir / "litestream.yml"
        config.write_text(CONFIG.format(db=self.db, url=harness.url_of(self.replica)))
        replicator = self.start(harness.Replicator([harness.PROGRAM, "replicate", "-config", config], self._log("replicate")))
        self.wait_for_snapshots(1, replicator)
        app = self.shell()
        for _ in range(100):
            app("INSERT INTO t(x) VALUES(randomblob(100))")
        self.wait_for_snapshots(2, replicator)
        self.assertEqual(replicator.complaints(), [])
        replicator.stop()
        if not LONG:
            self.assertEqual(dump_of(self.restore(), immutable=True), dump_of(self.db))
