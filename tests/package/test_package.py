"""The packages as such: what Debian thinks of them, the archive, the service, manual pages and completion."""

import pathlib
import re
import shutil
import subprocess
import unittest

from installed import PACKAGES, PackageTestCase


class ContentTestCase(PackageTestCase):
    def programs(self):
        return sorted(file.name for file in (self.root / "usr/bin").iterdir())

    def test_debian_finds_no_error_in_the_packages(self):
        if not shutil.which("lintian"):
            self.skipTest("there is no lintian here; apps/packages.sh installs it")
        done = subprocess.run(["lintian", "--fail-on", "error", *sorted(PACKAGES.glob("*.deb"))], capture_output=True, text=True, timeout=300, check=False)
        self.assertEqual(0, done.returncode, done.stdout + done.stderr)

    def test_the_archive_runs_from_any_directory(self):
        archive = next(PACKAGES.glob("*.tar.gz"))
        subprocess.run(["tar", "-xzf", archive, "-C", self.home], check=True)
        top = next(path for path in self.home.iterdir() if path.is_dir())
        listed = self.run_in(self.home, top / "bin/litestream", "plugins", LD_LIBRARY_PATH="")
        self.assertNotIn("Refused", listed)
        for plugin in self.plugins.iterdir():
            self.assertIn(f"{top}/lib/litestream/plugins/{plugin.name}", listed)
        for name in self.programs():
            self.assertIn(name, self.run_in(self.home, top / "bin" / name, "-help", LD_LIBRARY_PATH=""))

    def test_every_program_has_a_manual_page_that_names_all_of_its_flags(self):
        if not shutil.which("man"):
            self.skipTest("there is no man here; apps/packages.sh installs it")
        for name in self.programs():
            with self.subTest(name):
                page = next((self.root / "usr/share/man").glob(f"man*/{name}.?.gz"))
                text = self.run_in(self.home, "man", "--warnings", "-E", "UTF-8", "-l", page, MANWIDTH="500")
                self.assertNotIn("troff", text)
                for command in self.commands(name):
                    for flag in self.flags(name, *command):
                        self.assertIn(flag, text)

    def commands(self, program):
        """Command lines before -help."""
        if program != "litestream":
            return [[]]
        return [[line.split()[0]] for line in self.run_in(self.home, program, "help").splitlines() if line.startswith("\t") and "  " in line]

    def flags(self, program, *command):
        words = [word.strip(",[").split("=")[0] for word in self.run_in(self.home, program, *command, "-help").split()]
        return {word for word in words if re.fullmatch(r"--?[a-z][a-z-]*", word)}

    def test_the_shell_completes_commands_and_flags(self):
        script = self.root / "usr/share/bash-completion/completions"

        def complete(*words):
            asked = (f"source {script / words[0]}; COMP_WORDS=({' '.join(words[:-1])} '{words[-1]}'); COMP_CWORD={len(words) - 1}; "
                     f"_litestream {words[0]} '{words[-1]}'; echo \"${{COMPREPLY[*]}}\"")
            return self.run_in(self.home, "bash", "-c", asked).split()

        self.assertEqual(["replicate", "reset", "restore"], complete("litestream", "re"))
        self.assertEqual(["-if-db-not-exists", "-if-replica-exists"], complete("litestream", "restore", "-if"))
        self.assertEqual([], complete("litestream", "restore", ""))
        self.assertEqual(["--config"], complete("litestreamd", "--c"))
        for name in self.programs():
            self.assertTrue((script / name).is_file(), name)
            self.assertIn(name, (self.root / "usr/share/zsh/vendor-completions/_litestream").read_text(encoding="utf-8").split("\n")[0])

    def test_systemd_accepts_the_service(self):
        if not shutil.which("systemd-analyze"):
            self.skipTest("there is no systemd here")
        unit = pathlib.Path(self.home / "litestream.service")
        text = (self.root / "usr/lib/systemd/system/litestream.service").read_text(encoding="utf-8")
        unit.write_text(text.replace("ExecStart=", f"ExecStart={self.root}/usr/bin/"), encoding="utf-8")
        self.assertEqual("", self.run_in(self.home, "systemd-analyze", "verify", "--man=no", unit))


if __name__ == "__main__":
    unittest.main()
