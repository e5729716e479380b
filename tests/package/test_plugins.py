"""Every shipped plugin stands on the SDK alone, and folders of plugins/ build alone, with GCC and with Clang."""

import os
import re
import shutil
import sqlite3
import unittest

from installed import TREE, PackageTestCase

OURS = re.compile(r"\[(liblitestream[^\]]*)\]")


class SymbolsTestCase(PackageTestCase):
    def symbols(self, which, file):
        lines = self.run_in(self.home, "nm", "-D", which, "--format=just-symbols", "-C", file).splitlines()
        return {line.split("@")[0] for line in lines}

    def test_of_every_plugin_show_its_descriptor_and_ask_for_the_sdk_only(self):
        sdk = self.symbols("--defined-only", self.sdk)
        files = sorted(self.plugins.iterdir())
        self.assertEqual({folder.name for folder in (TREE / "plugins").glob("*-*")}, {file.stem for file in files})
        for file in files:
            with self.subTest(file.name):
                self.assertEqual({"litestream_plugin"}, self.symbols("--defined-only", file))
                wanted = {name for name in self.symbols("--undefined-only", file) if "litestream" in name}
                self.assertLessEqual(wanted, sdk)
                self.assertEqual(["liblitestream_sdk.so.1"], OURS.findall(self.run_in(self.home, "readelf", "-d", file)))
                resolved = self.run_in(self.home, "ldd", "-r", file)
                self.assertNotRegex(resolved, "not found|undefined symbol")


class AloneTestCase(PackageTestCase):
    def replace(self, name, compiler):
        """The shipped plugin makes room for one that was built from its folder alone."""
        built = self.plugin_alone(name, compiler)
        self.assertIn("clang" if "clang" in compiler else "GCC", self.run_in(self.home, "readelf", "-p", ".comment", built))
        shutil.copy(built, self.plugins / f"{name}.so")

    def round_trip(self):
        database = self.home / "app.db"
        with sqlite3.connect(database) as connection:
            connection.execute("PRAGMA journal_mode = wal")
            connection.execute("CREATE TABLE t (x)")
            connection.executemany("INSERT INTO t VALUES (?)", [("text " * 50,)] * 2000)
        connection.close()
        replica = f"file://{self.home}/replica"
        self.run_in(self.home, "litestream", "replicate", "-exec", "true", database, replica)
        self.run_in(self.home, "litestream", "restore", "-integrity-check", "full", "-o", "restored.db", replica)
        with sqlite3.connect(self.home / "restored.db") as connection:
            self.assertEqual([(2000,)], connection.execute("SELECT count(*) FROM t").fetchall())
        connection.close()

    def test_plugins_built_by_clang_work_in_a_host_built_by_gcc(self):
        for name in ("codec-lz4", "transport-file"):
            self.replace(name, "clang++")
        self.assertNotIn("Refused", self.run_in(self.home, "litestream", "plugins"))
        self.round_trip()
        self.run_in(self.home, "litestream-conformance", "--codec", "lz4", "--speed=false")
        self.run_in(self.home, "litestream-conformance", "--transport", "file", "--option", "path=objects", "--speed=false")

    @unittest.skipUnless(os.environ.get("LITESTREAM_PACKAGE_LONG"), "LITESTREAM_PACKAGE_LONG=1 builds them all")
    def test_every_folder_builds_alone_with_both_compilers(self):
        names = sorted(folder.name for folder in (TREE / "plugins").glob("*-*"))
        for compiler in ("g++", "clang++"):
            for name in names:
                self.replace(name, compiler)
            listed = self.run_in(self.home, "litestream", "plugins")
            self.assertNotIn("Refused", listed)
            for name in names:
                self.assertIn(f"/{name}.so", listed)
            self.round_trip()
            shutil.rmtree(self.home / "replica")
            (self.home / "restored.db").unlink()
            (self.home / "app.db").unlink()


if __name__ == "__main__":
    unittest.main()
