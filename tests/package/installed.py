"""What the package's tests share: the content of both packages in an empty folder tree, and an environment that knows nothing else of ours.

Environment (set by ctest): LITESTREAM_PACKAGES, the directory that cpack filled.
"""

import os
import pathlib
import shutil
import subprocess
import tempfile
import unittest

PACKAGES = pathlib.Path(os.environ.get("LITESTREAM_PACKAGES", "build/release/package-test")).absolute()
TREE = pathlib.Path(__file__).resolve().parent.parent.parent


class PackageTestCase(unittest.TestCase):
    """self.root: a folder tree with nothing but the packages. self.home: an empty home directory."""

    def setUp(self):
        directory = tempfile.TemporaryDirectory(prefix="litestream-package-")
        self.addCleanup(directory.cleanup)
        self.root = pathlib.Path(directory.name) / "root"
        self.home = pathlib.Path(directory.name) / "home"
        self.home.mkdir()
        for package in sorted(PACKAGES.glob("*.deb")):
            subprocess.run(["dpkg", "-x", package, self.root], check=True)
        self.plugins = self.root / "usr/lib/litestream/plugins"
        self.sdk = next((self.root / "usr/lib").glob("*/liblitestream_sdk.so"))

    def environment(self, **more):
        return {"HOME": str(self.home), "PATH": f"{self.root}/usr/bin:/usr/bin:/bin", "LC_ALL": "C.UTF-8",
                "LD_LIBRARY_PATH": str(self.sdk.parent), **more}

    def run_in(self, directory, *command, **more):
        """Runs to the end and returns stdout and stderr together."""
        done = subprocess.run([str(word) for word in command], cwd=directory, env=self.environment(**more), text=True, timeout=500,
                              stdout=subprocess.PIPE, stderr=subprocess.STDOUT, check=False)
        self.assertEqual(0, done.returncode, f"{command}\n{done.stdout}")
        return done.stdout

    def plugin_alone(self, name, compiler):
        """Builds one folder of plugins/ (with the folders that it shares, and nothing else of the tree) and returns the shared object."""
        if not shutil.which(compiler):
            self.skipTest(f"there is no {compiler} here; apps/packages.sh installs it")
        work = self.home / compiler
        shutil.copytree(TREE / "plugins", work / "plugins", dirs_exist_ok=True)
        build = work / name
        self.run_in(work, "cmake", "-S", work / "plugins" / name, "-B", build, "-G", "Ninja", "-DCMAKE_BUILD_TYPE=Release",
                    f"-DCMAKE_CXX_COMPILER={compiler}", f"-DCMAKE_PREFIX_PATH={self.root}/usr")
        self.run_in(work, "cmake", "--build", build, "-j", "2")
        return build / f"{name}.so"
