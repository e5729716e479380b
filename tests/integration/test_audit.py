"""What a replica holds is known without asking it: what disappears or appears there behind our back is named and mended, and `status` tells of it."""

import json
import os
import pathlib
import random
import re
import subprocess
import time

import harness
import official
from harness import wait_for

SECONDS = int(os.environ.get("LITESTREAM_SOAK_SECONDS", "20"))

CONFIG = """
levels:
  - interval: 1s
  - interval: 3s
snapshot:
  interval: {snapshots}
  retention: 1h
l0-retention: {l0}
l0-retention-check-interval: 1s
audit-interval: {audit}
dbs:
  - path: {db}
    replica{plural}:
{replicas}
"""


def objects(replica):
    """Names of LTX files below a replica, oldest TXIDs first within a level."""
    root = pathlib.Path(replica)
    return sorted(str(path.relative_to(root)) for path in root.rglob("*.ltx"))


class AuditTestCase(harness.TestCase):
    def setUp(self):
        super().setUp()
        self.restorer = official.restorer(harness.PROGRAM)
        self.config = self.dir / "litestream.yml"
        self.other = self.dir / "other"

    def configure(self, *replicas, audit="2s", snapshots="1h", l0="0s"):
        lines = [f"      {'- ' if len(replicas) > 1 else '  '}url: {harness.url_of(replica)}" for replica in replicas]
        self.config.write_text(CONFIG.format(db=self.db, replicas="\n".join(lines), plural="s" if len(replicas) > 1 else "", audit=audit,
                                             snapshots=snapshots, l0=l0))

    def daemon(self, **env):
        return self.start(harness.Replicator([harness.PROGRAM, "replicate", "-config", self.config], self._log("replicate"), env))

    def said(self, daemon, text):
        return [line for line in daemon.output().splitlines() if text in line]

    def status(self):
        done = subprocess.run([harness.PROGRAM, "status", "-config", self.config, "-json"], capture_output=True, text=True, timeout=60)
        self.assertEqual(0, done.returncode, done.stderr)
        return json.loads(done.stdout)[0]

    def settled(self, *replicas):
        """A daemon that has sent and merged everything, and has read back what it merged: the files stay as they are from then on."""
        daemon = self.daemon()
        summary = self.write_now(seconds=3, rows=5, gap="20-60")
        for replica in replicas:
            self.wait_restorable(summary["newest"], replica, program=self.restorer)
        def quiet():
            before = [objects(replica) for replica in replicas]
            merged = all(any(name.startswith("ltx/2/") for name in names) for names in before)
            newest = [max(name.split("-")[-1] for name in names) for names in before]
            level = [max(name.split("-")[-1] for name in names if name.startswith("ltx/2/")) if merged else "" for names in before]
            if not merged or newest != level:
                return False
            done = [line for line in self.said(daemon, 'msg="compaction complete"') if "level=2 " in line]
            return all(sum(f"txid.max={name.removesuffix('.ltx')} " in line for line in done) >= level.count(name) for name in level)
        wait_for(quiet, "everything is merged")
        return daemon, summary["newest"]

    def assert_agrees(self, newest, *replicas):
        for replica in replicas:
            out = self.wait_restorable(newest, replica, program=self.restorer)
            self.judge(out, exactly=newest)

    # -- two replicas: what one has lost comes from the other -----------------------------------------------------------------------

    def test_WhatOneReplicaLostComesBackFromTheOther(self):
        self.configure(self.replica, self.other)
        daemon, newest = self.settled(self.replica, self.other)
        before = {name: (self.replica / name).read_bytes() for name in objects(self.replica)}
        # Merges of two replicas need not have the same names.
        both = [name for name in before if name.startswith("ltx/0/") and (self.other / name).exists()]
        (self.replica / both[-1]).unlink()
        (self.replica / both[-2]).write_bytes(before[both[-2]][:-1])
        wait_for(lambda: len(self.said(daemon, 'msg="replica file mended"')) == 2, "both files are back")
        for name in both[-2:]:
            line = next(line for line in self.said(daemon, 'msg="replica file mended"') if name in line)
            self.assertIn("from=file", line)
            self.assertEqual((self.other / name).read_bytes(), (self.replica / name).read_bytes())
            self.assertEqual(before[name], (self.replica / name).read_bytes())
        self.assert_agrees(newest, self.replica, self.other)
        self.assertEqual(0, daemon.stop())
        self.assertEqual([], self.said(daemon, 'msg="replica file lost"'))

    # -- one replica: the database bridges it -------------------------------------------------------------------------------------

    def damage(self, kind, chance):
        """Does something to a file that restores need, and returns what is to be found in the log."""
        names = objects(self.replica)
        merged = [name for name in names if name.startswith("ltx/2/")]
        victim = self.replica / chance.choice(merged)
        content = victim.read_bytes()
        if kind == "delete":
            victim.unlink()
        elif kind == "truncate":
            victim.write_bytes(content[:chance.randrange(len(content))])
        elif kind == "flip":
            at = chance.choice([39, len(content) - 1])  # the header's time, the file's checksum: a bit of packed bytes may mean nothing
            victim.write_bytes(content[:at] + bytes([content[at] ^ 0x40]) + content[at + 1:])
        elif kind == "swap":
            snapshot = self.replica / next(name for name in names if name.startswith("ltx/9/"))
            victim.write_bytes(snapshot.read_bytes())
            snapshot.write_bytes(content)
        return str(victim.relative_to(self.replica))

    def named_and_bridged(self, kind, stopped):
        self.configure(self.replica)
        daemon, newest = self.settled(self.replica)
        if stopped:
            self.assertEqual(0, daemon.stop())
        victim = self.damage(kind, random.Random(self.seed))
        if stopped:
            daemon = self.daemon()
        # In a replica that goes on with another snapshot the file may not be needed any more: it is named all the same.
        wait_for(lambda: [line for line in self.said(daemon, 'msg="replica file ') if victim in line], f"{victim} is named")
        self.assert_agrees(newest, self.replica)
        more = self.write_now(count=20, rows=5)["newest"]
        self.assert_agrees(more, self.replica)
        self.assertEqual(0, daemon.stop())
        self.assertEqual([], self.said(daemon, "replica stopped"))

    def test_ADeletedFileIsNamedAndBridged(self):
        self.named_and_bridged("delete", stopped=False)

    def test_ATruncatedFileIsNamedAndBridged(self):
        self.named_and_bridged("truncate", stopped=False)

    def test_AFlippedBitIsNamedAndBridged(self):
        self.named_and_bridged("flip", stopped=False)

    def test_SwappedFilesAreNamedAndBridged(self):
        self.named_and_bridged("swap", stopped=False)

    def test_AFileDeletedWhileNobodyLookedIsNamedAndBridged(self):
        self.named_and_bridged("delete", stopped=True)

    def test_AFileTruncatedWhileNobodyLookedIsNamedAndBridged(self):
        self.named_and_bridged("truncate", stopped=True)

    def test_AFileFlippedWhileNobodyLookedIsNamedAndBridged(self):
        self.named_and_bridged("flip", stopped=True)

    def test_FilesSwappedWhileNobodyLookedAreNamedAndBridged(self):
        self.named_and_bridged("swap", stopped=True)

    def test_AnAddedObjectIsNamedAndLeftAlone(self):
        self.configure(self.replica)
        os.environ["LOG_LEVEL"] = "debug"
        self.addCleanup(os.environ.pop, "LOG_LEVEL")
        daemon, newest = self.settled(self.replica)
        first = [name for name in objects(self.replica) if name.startswith("ltx/0/")][1]
        added = {"ltx/3/0000000000000002-0000000000000003.ltx": (self.replica / first).read_bytes(), "ltx/1/notes.txt": b"somebody's"}
        for name, content in added.items():
            (self.replica / name).parent.mkdir(parents=True, exist_ok=True)
            (self.replica / name).write_bytes(content)
        wait_for(lambda: self.said(daemon, 'msg="unknown object in the replica"'), "it is named")
        audits = len(self.said(daemon, 'msg="replica audited"'))
        wait_for(lambda: len(self.said(daemon, 'msg="replica audited"')) > audits + 1, "two more audits")
        self.assertEqual(1, len(self.said(daemon, 'msg="unknown object in the replica"')))
        for name, content in added.items():
            self.assertEqual(content, (self.replica / name).read_bytes())
        self.assertEqual(0, daemon.stop())
        self.judge(self.restore(), exactly=newest)

    # -- what it costs ----------------------------------------------------------------------------------------------------------------

    def test_ListsAtTheStartAndNotAgain(self):
        self.configure(self.replica, audit="1h")
        for _ in range(2):
            daemon = self.daemon(LOG_LEVEL="trace")
            newest = self.write_now(count=30, rows=5)["newest"]
            self.wait_restorable(newest)
            wait_for(lambda: self.said(daemon, 'msg="compaction complete"'), "a merge")
            daemon.kill()
            self.assertEqual(1, len([line for line in self.said(daemon, "level=TRACE") if re.search(r"operation=LIST\b", line)]))

    # -- killed at any moment, with somebody else's hands in one replica ----------------------------------------------------------------

    def test_KilledAtAnyMomentWhileFilesDisappear(self):
        chance = random.Random(self.seed)
        self.configure(self.replica, self.other, l0="3s", snapshots="5s")
        daemon = self.daemon()
        writer = self.write(seconds=SECONDS, gap="5-40", chaos=True)
        wait_for(lambda: len(objects(self.replica)) > 5, "a replica")
        kills = done = 0
        while writer.running():
            if chance.random() < 0.3:
                daemon.kill()
                kills += 1
                if chance.random() < 0.5:
                    daemon = self.daemon()
            else:
                names = objects(self.replica)
                victim = self.replica / chance.choice(names)
                try:
                    if chance.random() < 0.6:
                        victim.unlink()
                    else:
                        os.truncate(victim, chance.randrange(victim.stat().st_size))
                    done += 1
                except (FileNotFoundError, ValueError):
                    pass
                if not daemon.running():
                    daemon = self.daemon()
            time.sleep(chance.uniform(0.1, 1))
        summary = writer.summary()
        if daemon.running():
            daemon.kill()
        daemon = self.daemon()
        self.wait_restorable(summary["newest"], self.other, program=self.restorer, deadline=harness.HEALING)
        self.wait_restorable(summary["newest"], self.replica, program=self.restorer, deadline=harness.HEALING)
        self.assertEqual(0, daemon.stop())
        lines = [line for process in self._started if isinstance(process, harness.Replicator) for line in process.output().splitlines()]
        count = {text: sum(text in line for line in lines) for text in ("file mended", "file lost", "file gone", "unknown object", "replica stopped")}
        print(f"{kills} kills, {done} files touched: {count}")
        self.assertEqual(0, count["replica stopped"], "nobody else writes")
        self.assertEqual([], [line for line in lines if "unknown object" in line and "sound" in line], "what it wrote itself it knows")

    # -- status ---------------------------------------------------------------------------------------------------------------------------

    def test_StatusTellsOfEachReplica(self):
        self.configure(self.replica, self.other)
        daemon, newest = self.settled(self.replica, self.other)
        wait_for(lambda: [one["status"] for one in self.status()["replicas"]] == ["ok", "ok"], "both have everything")
        told = self.status()
        for one, replica in zip(told["replicas"], (self.replica, self.other)):
            names = objects(replica)
            self.assertEqual((told["local_txid"], 0, 0), (one["txid"], one["behind"], one["lag_seconds"]))
            self.assertEqual(len(names), one["files"])
            self.assertEqual(sum((replica / name).stat().st_size for name in names), one["bytes"])
            self.assertEqual(sum(name.startswith("ltx/9/") for name in names), one["snapshots"])
        # One replica goes away: a file where its directory was.
        away = self.dir / "away"
        self.other.rename(away)
        self.other.write_text("in the way")
        behind = 0
        for _ in range(3):
            self.write_now(count=3, rows=3)
            def grown():
                one = self.status()["replicas"][1]
                return one["behind"] if one["status"] == "behind" and one["behind"] > behind else None
            behind = wait_for(grown, "the lag grows")
        wait_for(lambda: self.status()["replicas"][1]["lag_seconds"] >= 1, "its age grows")
        self.assertEqual("ok", wait_for(lambda: self.status()["replicas"][0]["status"] == "ok" and "ok", "the other one has everything"))
        # The same without the daemon.
        daemon.kill()
        self.assertGreaterEqual(self.status()["replicas"][1]["behind"], behind)
        table = subprocess.run([harness.PROGRAM, "status", "-config", self.config], capture_output=True, text=True, timeout=60).stdout.splitlines()
        self.assertEqual(3, len(table), table)
        self.assertTrue(table[0].startswith("database"), table[0])
        self.assertEqual(["database", "status", "local txid", "wal size", "replica", "replica txid", "behind", "lag", "files by level", "size", "proven"],
                         re.split(r"  +", table[0].strip()))
        self.daemon()
        self.other.unlink()
        away.rename(self.other)
        wait_for(lambda: [one["behind"] for one in self.status()["replicas"]] == [0, 0], "it catches up", harness.HEALING)

    def test_ResetForgetsWhatReplicasHold(self):
        self.configure(self.replica)
        daemon, newest = self.settled(self.replica)
        self.assertEqual(0, daemon.stop())
        self.assertEqual("ok", self.status()["replicas"][0]["status"])
        meta = self.dir / ".app.db-litestream"
        self.assertEqual(1, len(list(meta.glob("inventory-*"))))
        subprocess.run([harness.PROGRAM, "reset", str(self.db)], check=True, capture_output=True, timeout=60)
        self.assertEqual([], list(meta.glob("inventory-*")))
        self.assertEqual([{"name": "file", "status": "unknown"}], self.status()["replicas"])
        daemon = self.daemon()
        newest = self.write_now(count=5)["newest"]
        self.wait_restorable(newest)
        self.assertEqual([], self.said(daemon, "replica file"))
