#!/usr/bin/env python3
"""Includes and links point downwards.

Usage: layering_test.py SOURCE_DIRECTORY

Reads the #include lines and CMakeLists.txt files of core, plugins and apps, and prints one line for each that breaks a rule:

- an area of core uses areas below it only;
- a plugin uses <litestream/...> of ours and what plugins share in plugins/http, nothing else;
- a program uses core and apps, never a plugin;
- only codecs link compressors, and whoever checks v0.3's files, which are compressed as a whole;
- the code of core names no storage provider.
"""

import pathlib
import re
import sys

# Lowest first. A new area has to take its place here.
AREAS = ["sdk", "util", "ltx", "plugin", "transport", "replica", "restore", "levels", "engine", "config", "migrate"]
RANK = {area: rank for rank, area in enumerate(AREAS)}

COMPRESSORS = re.compile(r"\b(lz4|lz4frame|lz4hc|zstd|zlib|lzma|brotli|bzip2|snappy)\b", re.IGNORECASE)
PROVIDERS = re.compile(
    r"\b(s3|aws|amazon\w*|digitalocean\w*|azure\w*|gcs|gs|google\w*|sftp|webdavs?|nats|oss|alibaba\w*|minio|ceph|wasabi|backblaze)\b",
    re.IGNORECASE)
# v0.3's objects are LZ4 files and no pages, so no codec can read them.
MAY_DECOMPRESS = {"core/src/migrate/Lz4File.cpp", "core/src/migrate/CMakeLists.txt"}
QUOTED = re.compile(r'^\s*#\s*include\s+"([^"]+)"')
ANGLED = re.compile(r"^\s*#\s*include\s+<([^>]+)>")
STRING = re.compile(r'"(?:[^"\\]|\\.)*"')


class Check:
    def __init__(self, root):
        self.root = root
        self.complaints = []

    def complain(self, path, number, text):
        self.complaints.append(f"{path.relative_to(self.root)}:{number}: {text}")

    def sources(self, folder):
        for path in sorted((self.root / folder).rglob("*")):
            if path.suffix in (".h", ".cpp") and path.is_file():
                yield path

    def includes(self, path, pattern):
        for number, line in enumerate(path.read_text(encoding="utf-8").splitlines(), 1):
            match = pattern.match(line)
            if match:
                yield number, match.group(1)

    # includes

    def core_includes(self):
        for path in self.sources("core/src"):
            area = path.relative_to(self.root / "core/src").parts[0]
            if area not in RANK:
                self.complain(path, 1, f'area "{area}" has no place in the order of areas')
                continue
            for number, include in self.includes(path, QUOTED):
                other = include.split("/")[0] if "/" in include else area
                if other not in RANK:
                    self.complain(path, number, f'"{include}" is no header of core')
                elif RANK[other] > RANK[area]:
                    self.complain(path, number, f"{area} includes {include}, which is above it")
        for path in self.sources("core/include"):
            for number, include in self.includes(path, QUOTED):
                self.complain(path, number, f'a public header includes "{include}"')

    def plugin_includes(self):
        for path in self.sources("plugins"):
            for number, include in self.includes(path, QUOTED):
                shared = include.startswith("http/") and (self.root / "plugins" / include).is_file()
                if not shared and not (path.parent / include).is_file():
                    self.complain(path, number, f'a plugin includes "{include}", which is not its own')

    def app_includes(self):
        own = {path.name for path in (self.root / "apps").iterdir() if path.is_dir()}
        for path in self.sources("apps"):
            program = path.relative_to(self.root / "apps").parts[0]
            for number, include in self.includes(path, QUOTED):
                top = include.split("/")[0]
                if top not in RANK and top not in (program, "common") and not (path.parent / include).is_file():
                    kind = "another program" if top in own else "neither core nor apps"
                    self.complain(path, number, f'"{include}" is of {kind}')

    def compressor_includes(self):
        for folder in ("core", "plugins", "apps"):
            for path in self.sources(folder):
                if path.relative_to(self.root).parts[1].startswith("codec-") or str(path.relative_to(self.root)) in MAY_DECOMPRESS:
                    continue
                for number, include in self.includes(path, ANGLED):
                    if COMPRESSORS.search(include):
                        self.complain(path, number, f"<{include}> is a compressor's, and this is no codec")

    # links

    def commands(self, folder):
        """(path, line, name, words) for each command of the CMakeLists.txt files below folder."""
        for path in sorted((self.root / folder).rglob("CMakeLists.txt")):
            text = re.sub(r"#.*", "", path.read_text(encoding="utf-8"))
            for match in re.finditer(r"(\w+)\s*\(([^()]*)\)", text):
                yield path, text.count("\n", 0, match.start()) + 1, match.group(1), match.group(2).split()

    def core_links(self):
        for path, number, _, words in self.commands("core/src"):
            area = path.parent.name
            for word in words:
                other = word.removeprefix("litestream_")
                if other != word and other in RANK and RANK[other] > RANK[area]:
                    self.complain(path, number, f"{area} links {word}, which is above it")

    def plugin_links(self):
        for path, number, _, words in self.commands("plugins"):
            for word in words:
                if word.startswith("litestream_") and word.removeprefix("litestream_") in RANK and word != "litestream_sdk":
                    self.complain(path, number, f"a plugin links {word}")
                if COMPRESSORS.search(word) and not path.parent.name.startswith("codec-") and path.parent.name != "plugins":
                    self.complain(path, number, f"{path.parent.name} links {word}")

    def app_links(self):
        plugins = {path.name for path in (self.root / "plugins").iterdir() if path.is_dir()}
        for folder in ("apps", "core"):
            for path, number, name, words in self.commands(folder):
                for word in words:
                    if name in ("target_link_libraries", "litestream_add_program") and word in plugins:
                        self.complain(path, number, f"links the plugin {word}")
                    if COMPRESSORS.search(word) and str(path.relative_to(self.root)) not in MAY_DECOMPRESS:
                        self.complain(path, number, f"links {word}, and this is no codec")

    # names

    def provider_names(self):
        for path in self.sources("core"):
            for number, line in enumerate(path.read_text(encoding="utf-8").splitlines(), 1):
                # Comments may say why; strings lose their "//" so that a URL does not pass for one.
                code = STRING.sub(lambda match: match.group(0).replace("//", ""), line).split("//")[0]
                match = PROVIDERS.search(code)
                if match:
                    self.complain(path, number, f'names the provider "{match.group(0)}"')

    def run(self):
        self.core_includes()
        self.plugin_includes()
        self.app_includes()
        self.compressor_includes()
        self.core_links()
        self.plugin_links()
        self.app_links()
        self.provider_names()
        return self.complaints


def main():
    complaints = Check(pathlib.Path(sys.argv[1]).resolve()).run()
    for complaint in complaints:
        print(complaint)
    print(f"{len(complaints)} rules broken" if complaints else "all includes and links point downwards")
    return 1 if complaints else 0


if __name__ == "__main__":
    sys.exit(main())
