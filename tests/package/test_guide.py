"""docs/plugins.md, as it is installed, followed word for word."""

import pathlib
import re
import unittest

from installed import PackageTestCase

MARK = "---- block {} ----"


class Page:
    """The fenced blocks of a page: shell to run, files to save under the name that the line before tells, and text that must appear."""

    BLOCK = re.compile(r"^```(\w+)\n(.*?)^```$", re.MULTILINE | re.DOTALL)
    SAVE = re.compile(r"Save this as `([^`]+)`:\s*\Z")

    def __init__(self, path):
        self.script, self.expected = "set -euo pipefail\n", []
        text = path.read_text(encoding="utf-8")
        shell = 0
        for block in self.BLOCK.finditer(text):
            language, content = block.groups()
            name = self.SAVE.search(text[:block.start()])
            if name:
                self.script += f"cat >{name[1]} <<'END-OF-BLOCK'\n{content}END-OF-BLOCK\n"
            elif language == "sh":
                shell += 1
                self.script += f"echo '{MARK.format(shell)}'\n{content}"
            elif language == "text":
                self.expected.append((shell, content.split()))
            else:
                raise ValueError(f"a reader cannot know what to do with a block of {language}:\n{content}")


class GuideTestCase(PackageTestCase):
    def test_from_nothing_to_a_transport_that_keeps_its_contract(self):
        page = Page(self.root / "usr/share/doc/litestream/docs/plugins.md")
        output = self.run_in(self.home, "bash", "-c", page.script)
        for block, words in page.expected:
            shown = output.split(MARK.format(block))[1].split(MARK.format(block + 1))[0]
            self.assertRegex(shown, r"\s+".join(re.escape(word) for word in words))
        self.assertEqual(2, output.splitlines().count("first"), output)
        self.assertRegex(output, r"\b[1-9][0-9]* clauses kept, 0 violated")

        cache = (self.home / "transport-archive/build/CMakeCache.txt").read_text(encoding="utf-8")
        found = re.search(r"^litestream_DIR:\w+=(.*)$", cache, re.MULTILINE)[1]
        self.assertTrue(pathlib.Path(found).is_relative_to(self.root), f"built against {found}")


if __name__ == "__main__":
    unittest.main()
