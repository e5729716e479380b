"""Ours beside the official programs, in one run: `python3 tests/bench/run.py --rounds 3 --json result.json --markdown result.md`.

Rounds are interleaved: each round runs every program once, in an order that turns, so that a machine whose speed drifts is fair to
all. Reported are medians, and what the official programs need in multiples of ours. docs/benchmarks.md explains each figure.
"""

import argparse
import json
import os
import pathlib
import platform
import shutil
import sqlite3
import statistics
import subprocess
import sys
import tempfile

HERE = pathlib.Path(__file__).absolute().parent
sys.path[:0] = [str(HERE), str(HERE.parent / "integration"), str(HERE.parent / "interop")]


def parse(description=__doc__):
    parser = argparse.ArgumentParser(description=description, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--build", default="build/release", help="the build tree with programs and tools (build/release)")
    parser.add_argument("--only", default="", help="figures, separated by commas (all)")
    parser.add_argument("--programs", default="ours,0.5.17,0.3.13", help="which programs (ours,0.5.17,0.3.13)")
    parser.add_argument("--rounds", type=int, default=3, help="rounds of every figure (3)")
    parser.add_argument("--quick", action="store_true", help="one short round on small databases: shows that the bench works, not how fast anything is")
    parser.add_argument("--work", help="where databases are made; 20 GB for the full run (a temporary directory)")
    parser.add_argument("--json", help="file for all numbers")
    parser.add_argument("--markdown", help="file for the table, which is printed anyway")
    return parser.parse_args()


def machine():
    cpu = next((line.split(":", 1)[1].strip() for line in open("/proc/cpuinfo") if line.startswith("model name")), platform.machine())
    return {"cpu": cpu, "cores": os.cpu_count(), "kernel": platform.release(), "sqlite": sqlite3.sqlite_version}


def measure(figures, bench, programs, names, rounds, save):
    """{figure: {program: {metric: [value of each round]}}}; a program that fails has an "error" instead. save() gets what there is after
    every round of a figure: a run that is cut loses one round."""
    results = {}
    for name in names:
        function, alone = figures[name]
        contestants = [(each.name, each) for each in programs] + ([("alone", None)] if alone else [])
        table = results.setdefault(name, {})
        for turn in range(rounds):
            for label, program in contestants[turn % len(contestants):] + contestants[:turn % len(contestants)]:
                print(f"{name}: round {turn + 1} of {rounds}, {label}", file=sys.stderr, flush=True)
                try:
                    for metric, value in function(bench, program).items():
                        table.setdefault(label, {}).setdefault(metric, []).append(value)
                except (RuntimeError, AssertionError, OSError, subprocess.SubprocessError) as error:
                    print(f"{name}: {label}: {error}", file=sys.stderr, flush=True)
                    table.setdefault(label, {})["error"] = str(error)
            save(results)
    return results


def shown(value):
    if value >= 100:
        return f"{value:.0f}"
    return f"{value:.1f}" if value >= 10 else f"{value:.2f}" if value >= 0.1 else f"{value:.3f}"


def table_of(results, programs):
    """A markdown table: a row per metric; behind an official program's number, in brackets, its multiple of ours."""
    columns = [each.name for each in programs] + ["alone"]
    lines = ["| figure | " + " | ".join(columns) + " |", "|---" * (len(columns) + 1) + "|"]
    for figure, table in results.items():
        metrics = dict.fromkeys(metric for values in table.values() for metric in values if metric != "error")
        for metric in metrics:
            ours = table.get("ours", {}).get(metric)
            cells = []
            for column in columns:
                values = table.get(column, {})
                if metric in values:
                    median = statistics.median(values[metric])
                    ratio = f" ({median / statistics.median(ours):.2f} x)" if ours and column != "ours" and statistics.median(ours) > 0 else ""
                    cells.append(shown(median) + ratio)
                else:
                    cells.append("failed" if "error" in values else "")
            lines.append(f"| {figure}: {metric} | " + " | ".join(cells) + " |")
    return "\n".join(lines) + "\n"


def prepare(arguments):
    """Tells harness and official where the programs are. Before either is imported."""
    build = pathlib.Path(arguments.build).absolute()
    for name, place in (("LITESTREAM_BIN", "bin"), ("LITESTREAM_TOOLS", "tests"), ("LITESTREAM_CACHE", "official")):
        os.environ.setdefault(name, str(build / place))


def compare(arguments, figures, make_bench):
    """Measures and reports; the exit code. `make_bench(directory)` makes what the figures take as their first argument."""
    import measure as measuring
    import official
    import programs as contest
    try:
        programs = [contest.program(name) for name in arguments.programs.split(",")]
    except official.Unavailable as reason:
        print(f"skipped: {reason}", file=sys.stderr)
        return 77
    names = arguments.only.split(",") if arguments.only else list(figures)
    unknown = [name for name in names if name not in figures]
    if unknown:
        print(f"unknown figure {unknown[0]}; there are: {', '.join(figures)}", file=sys.stderr)
        return 2
    measuring.raise_descriptor_limit()

    def save(results):
        if arguments.markdown:
            pathlib.Path(arguments.markdown).write_text(table_of(results, programs))
        if arguments.json:
            report = {"machine": machine(), "quick": arguments.quick, "rounds": arguments.rounds, "figures": results}
            pathlib.Path(arguments.json).write_text(json.dumps(report, indent=1))

    work = pathlib.Path(tempfile.mkdtemp(prefix="litestream-bench-", dir=arguments.work))
    try:
        results = measure(figures, make_bench(work), programs, names, 1 if arguments.quick else arguments.rounds, save)
    finally:
        shutil.rmtree(work, ignore_errors=True)
    print(table_of(results, programs))
    return 1 if any("error" in values for table in results.values() for values in table.values()) else 0


def main():
    arguments = parse()
    prepare(arguments)
    import figures
    return compare(arguments, figures.FIGURES, lambda work: figures.Bench(work, arguments.quick))


if __name__ == "__main__":
    sys.exit(main())
