"""What is damaged at a replica is named within a cycle of validation, put right, and never covered by what is proven."""

import os
import random
import re
import shutil
import time

import harness
import official

SECONDS = int(os.environ.get("LITESTREAM_PROOF_SECONDS", "25"))

CONFIG = """
levels:
  - interval: 1s
  - interval: 3s
snapshot:
  interval: {snapshot}
  retention: 1h
l0-retention: 1h
validation:
  interval: 2s
verify-restore:
  interval: 3s
dbs:
  - path: {db}
    replica:
      url: {url}
"""


class ProofTestCase(harness.TestCase):
    def setUp(self):
        super().setUp()
        self.restorer = official.restorer(harness.PROGRAM)
        self.config = self.dir / "litestream.yml"

    def daemon(self, snapshot="6s"):
        self.config.write_text(CONFIG.format(db=self.db, url=harness.url_of(self.replica), snapshot=snapshot))
        return self.start(harness.Replicator([harness.PROGRAM, "replicate", "-config", self.config], self._log("replicate")))

    def objects(self, level):
        return sorted((self.replica / "ltx" / str(level)).glob("*.ltx"))

    def lines(self, daemon, text):
        return [line for line in daemon.output().splitlines() if text in line]

    def wait_line(self, daemon, text, more_than=0, deadline=harness.HEALING):
        return harness.wait_for(lambda: self.lines(daemon, text)[more_than:], f"a line with {text}", deadline)[-1]

    def proven(self, daemon):
        lines = self.lines(daemon, 'msg="replica proven"')
        return int(re.search(r"txid=([0-9a-f]{16})", lines[-1])[1], 16) if lines else 0

    def test_a_sound_replica_is_proven_whatever_happens_to_the_daemon(self):
        chance = random.Random(self.seed)
        writer = self.write(seconds=SECONDS, gap="5-60", chaos=True)
        daemons = [self.daemon()]
        proven = []
        while writer.running():
            time.sleep(chance.uniform(3, 7))
            if chance.random() < 0.5:
                daemons[-1].kill()
            else:
                daemons[-1].stop()
            proven.append(self.proven(daemons[-1]))
            daemons.append(self.daemon())
        self.assertEqual(0, writer.summary()["errors"])
        self.wait_line(daemons[-1], 'msg="replica proven"')
        self.wait_line(daemons[-1], 'msg="restore verified"')
        daemons[-1].stop()
        print(f"proven TXIDs of {len(daemons)} daemons: {proven + [self.proven(daemons[-1])]}")
        complaints = [line for daemon in daemons for line in daemon.complaints()]
        self.assertEqual([line for line in complaints if re.search("match|wrong|lost|verif", line)], [])
        self.assertEqual(self.judge(self.restore(program=self.restorer))["n"], harness.newest_commit(self.commit_log))
        self.assertEqual(list(self.dir.rglob("verify-*")), [])

    def with_fault(self, plant, expected):
        """A replica with some history, in which `plant` damages something. Returns the daemon's log."""
        daemon = self.daemon(snapshot="1h")
        self.write_now(seconds=4, gap="5-60")
        harness.wait_for(lambda: self.objects(2), "level 2")
        self.wait_line(daemon, 'msg="replica proven"')
        # From now on every checksum is known.
        self.wait_line(daemon, 'msg="replica validated"', len(self.lines(daemon, 'msg="replica validated"')) + 1)
        self.write_now(seconds=1, gap="5-60")
        begin = time.monotonic()
        plant()
        said = self.wait_line(daemon, expected)
        print(f"named after {time.monotonic() - begin:.1f} s: {said[:300]}")
        # It heals: what is proven afterwards is behind everything that was there.
        newest = max(int(path.stem.split("-")[1], 16) for path in self.objects(0))
        harness.wait_for(lambda: self.proven(daemon) >= newest, f"a proof of TXID {newest}", harness.HEALING)
        print(f"healed after {time.monotonic() - begin:.1f} s")
        self.write_now(seconds=1, gap="5-60")
        daemon.stop()
        out = self.restore(program=harness.PROGRAM)
        self.assertEqual(self.judge(out)["n"], harness.newest_commit(self.commit_log))
        self.assert_same_database(self.db, out)
        return daemon

    def test_a_removed_object(self):
        self.with_fault(lambda: self.objects(9)[-1].unlink(), "replica file lost")

    def test_a_truncated_object(self):
        def plant():
            path = self.objects(9)[-1]
            os.truncate(path, path.stat().st_size - 1)
        self.with_fault(plant, "replica file lost")

    def test_a_flipped_byte(self):
        def plant():
            path = self.objects(2)[0]
            content = bytearray(path.read_bytes())
            content[len(content) // 2] ^= 1
            path.write_bytes(content)
        self.with_fault(plant, "replica file lost")

    def test_two_objects_that_were_swapped(self):
        def plant():
            one, other = self.objects(0)[:2]
            aside = self.dir / "aside"
            shutil.move(one, aside)
            shutil.move(other, one)
            shutil.move(aside, other)
        self.with_fault(plant, "replica file lost")
