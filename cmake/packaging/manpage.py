#!/usr/bin/env python3
"""Writes the manual page of one program from what the program says of itself, so that the two cannot differ.

    manpage.py --program BIN/litestream --section 1 --more man/litestream.1 --changelog changelog OUTPUT.gz
    manpage.py --sample config/litestream.yml --section 5 --more man/litestream.yml.5 --changelog changelog OUTPUT.gz

--program runs `PROGRAM -help` and, where that lists commands, `PROGRAM COMMAND -help`; --sample prints an annotated file. --more names mdoc text that
help screens do not have; {PAGE} in it is where the generated part goes. The page's date is that of the newest change.
"""

import argparse
import email.utils
import gzip
import io
import pathlib
import re
import subprocess




def escape(text):
    """Text that mdoc prints as it is."""
    text = text.replace("\\", "\\e").replace("-", "\\-").replace("'", "\\(aq").replace("`", "\\(ga").replace("~", "\\(ti").replace("^", "\\(ha")
    return "\\&" + text if text.startswith(".") else text


def literal(lines):
    return [".Bd -literal", *(escape(line.expandtabs(4)) or "\\&" for line in lines), ".Ed"]


class Help:
    """A help screen cut into its parts: a purpose, and sections like "Flags:" with their lines."""

    def __init__(self, command):
        # Without an environment, which has a say in some defaults.
        done = subprocess.run(command, capture_output=True, text=True, check=True, timeout=60, env={})
        self.purpose, self.sections = [], {}
        lines = self.purpose
        for line in done.stdout.splitlines():
            if re.fullmatch(r"(The )?[A-Za-z][a-z ]*:", line) and not line.startswith("usage"):
                lines = self.sections.setdefault(line.rstrip(":"), [])
            elif line.startswith("Exit codes: "):
                lines = self.sections.setdefault("Exit codes", [line.removeprefix("Exit codes: ")])
            else:
                lines.append(line)

    def take(self, title):
        return [line for line in self.sections.pop(title, []) if line.strip()]


def flags(lines):
    """A list of flags: each one a line, its text on the lines behind it, which stand deeper."""
    out = [".Bl -tag -width Ds"]
    for line in lines:
        match = re.fullmatch(r"\t-(\S+)(?: (.+))?", line)
        if match:
            out.append(f".It Fl {escape(match[1])}" + (f" Ar {escape(match[2])}" if match[2] else ""))
        else:
            out.append(escape(line.strip()))
    return out + [".El"]


def commands(lines):
    return [re.fullmatch(r"\t(\S+) +(.+)", line).groups() for line in lines]


def synopsis(lines):
    out = []
    for line in lines:
        out += [f".Li \"{escape(line.strip())}\"", ".br"]
    return out[:-1]


def rest(sections, heading):
    out = []
    for title, lines in sections.items():
        while lines and not lines[-1].strip():
            lines.pop()
        while lines and not lines[0].strip():
            lines.pop(0)
        out += [f".{heading} {escape(title).upper() if heading == 'Sh' else escape(title)}", *literal(lines)]
    return out


def poco_flags(lines):
    """The two-column list of Poco's HelpFormatter."""
    out = [".Bl -tag -width Ds"]
    for line in lines:
        match = re.fullmatch(r"(-\S.*?)  +(\S.*)", line)
        if match:
            out += [f".It {escape(match[1])}", escape(match[2])]
        else:
            out.append(escape(line.strip()))
    return out + [".El"]


def program_page(program):
    name = program.name
    screen = Help([program, "-help"])
    if screen.purpose and screen.purpose[0].startswith("usage: "):  # Poco's
        usage, *text = [line for line in screen.purpose if line.strip()]
        split = next(i for i, line in enumerate(text) if line.startswith("-"))
        return [" ".join(line.strip() for line in text[:split]), [usage.removeprefix("usage: ")], ["The options are:", *poco_flags(text[split:])]]
    purpose = " ".join(line for line in screen.purpose if line.strip())
    usage = screen.take("Usage")
    body = [escape(purpose), ".Pp"] if ". " in purpose else []
    for command, summary in commands(screen.take("The commands are")):
        verb = Help([program, command, "-help"])
        body += [f".Ss {name} {command}", escape(" ".join(line for line in verb.purpose if line.strip()))]
        body += [".Pp", *synopsis(verb.take("Usage")), *flags(verb.take("Flags")), *rest(verb.sections, "Ss")]
    options = screen.take("Flags")
    if options:
        body += ["The options are:", *flags(options)]
    return [purpose, usage, body + rest(screen.sections, "Sh")]


def newest_change(changelog):
    line = next(line for line in changelog.read_text(encoding="utf-8").splitlines() if line.startswith(" -- "))
    return email.utils.parsedate_to_datetime(line.split("  ")[-1]).strftime("%B %-d, %Y")


def render(name, section, date, summary, usage, body, more):
    page = [f".Dd {date}", f".Dt {name.upper()} {section}", ".Os litestream", ".Sh NAME", f".Nm {name}", f".Nd {escape(summary)}"]
    if usage:
        page += [".Sh SYNOPSIS", *synopsis(usage)]
    return "\n".join(page) + "\n" + more.replace("{PAGE}\n", "\n".join(body) + "\n")


def main():
    parser = argparse.ArgumentParser()
    source = parser.add_mutually_exclusive_group(required=True)
    source.add_argument("--program", type=pathlib.Path)
    source.add_argument("--sample", type=pathlib.Path)
    parser.add_argument("--section", required=True)
    parser.add_argument("--more", type=pathlib.Path, required=True)
    parser.add_argument("--changelog", type=pathlib.Path, required=True)
    parser.add_argument("output", type=pathlib.Path)
    arguments = parser.parse_args()

    if arguments.program:
        name = arguments.program.name
        summary, usage, body = program_page(arguments.program.absolute())
    else:
        name = arguments.sample.name
        lines = arguments.sample.read_text(encoding="utf-8").splitlines()
        summary, usage, body = lines[0].lstrip("#; ").split(" - ", 1)[1], [], literal(lines)
    summary = summary.removeprefix(name + " ").split(".")[0]
    text = render(name, arguments.section, newest_change(arguments.changelog), summary[0].lower() + summary[1:], usage, body,
                  arguments.more.read_text(encoding="utf-8"))
    packed = io.BytesIO()
    with gzip.GzipFile(filename="", mode="wb", fileobj=packed, mtime=0) as file:
        file.write(text.encode())
    arguments.output.write_bytes(packed.getvalue())


if __name__ == "__main__":
    main()
