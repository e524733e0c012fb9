#!/usr/bin/env python3
"""Builds, runs and tests Sidestream.

Needs Python 3.11 or newer, Node.js 20 or newer and npm, and gets everything else itself, into
.venv/, node_modules/ and .cache/, from pinned and hash-checked lists.
"""

from __future__ import annotations

import argparse
import sys

if sys.version_info < (3, 11):  # noqa: UP036
    sys.exit(f"Python 3.11 or newer is needed, and this is {sys.version.split()[0]}.")

from tools import bench as benchmarks
from tools import checks, chromium, demo, package, reference
from tools.common import ProblemError, say


def build(_: argparse.Namespace) -> bool:
    """Lay out dist/sidestream/, which "Load unpacked" takes, and a zip of it."""
    package.report(package.build())
    return True


def run(options: argparse.Namespace) -> bool:
    """Build, and open Chromium with the panel; a local demo provider answers, without a key."""
    package.build()
    demo.run_demo(headless=options.headless)
    return True


def test(options: argparse.Namespace) -> bool:
    """Run every check and test, and sum up."""
    choice = checks.Choice(
        options.parts, options.pytest, options.long, options.changed, options.explore
    )
    return checks.run_tests(choice)


def format_sources(_: argparse.Namespace) -> bool:
    """Format all sources, and fix what the linters can fix by themselves."""
    return checks.format_sources()


def bench(options: argparse.Namespace) -> bool:
    """Measure start, stream, memory and growth in Chromium, each beside its peer."""
    benchmarks.run(options.names, quick=options.quick, reference=options.reference)
    return True


def docs(_: argparse.Namespace) -> bool:
    """Write the reference of the Python package to dist/docs/, from its docstrings."""
    reference.build_reference()
    return True


def show_chromium(_: argparse.Namespace) -> bool:
    """Print the path of the browser that run and test use."""
    say(str(chromium.find()))
    return True


def parse(argv: list[str]) -> argparse.Namespace:
    """Read the command line. What follows ``--`` is for pytest."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.set_defaults(command=build)
    commands = parser.add_subparsers(metavar="COMMAND", title="commands")
    functions = {
        "build": build,
        "run": run,
        "test": test,
        "format": format_sources,
        "bench": bench,
        "docs": docs,
        "chromium": show_chromium,
    }
    for name, function in functions.items():
        command = commands.add_parser(name, help=function.__doc__, description=function.__doc__)
        command.set_defaults(command=function)
        if name == "run":
            command.add_argument(
                "--headless", action="store_true", help="no window; the default without a display"
            )
        if name == "test":
            command.add_argument(
                "--long", action="store_true", help="also the tests that take several minutes each"
            )
            command.add_argument(
                "--changed",
                action="store_true",
                help="only what the changed files concern, or the last commit if none is changed",
            )
            command.add_argument(
                "--explore",
                nargs="?",
                type=int,
                const=checks.any_seed(),
                metavar="SEED",
                help="let random tests draw other examples than the usual ones",
            )
            command.epilog = "Arguments after -- go to pytest: build.py test unit -- -k retry"
            command.add_argument(
                "parts",
                nargs="*",
                type=part,
                metavar="PART",
                help=f"run only these: {', '.join(checks.PARTS)}",
            )
        if name == "bench":
            command.add_argument(
                "names",
                nargs="*",
                type=benchmark,
                metavar="NAME",
                help=f"run only these: {', '.join(benchmarks.BENCHMARKS)}",
            )
            command.add_argument("--quick", action="store_true", help="only see whether they work")
            command.add_argument(
                "--reference", action="store_true", help="put the results into docs/performance.md"
            )
    at = argv.index("--") if "--" in argv else len(argv)
    options = parser.parse_args(argv[:at])
    options.pytest = argv[at + 1 :]
    return options


def part(name: str) -> str:
    """Check the name of a part of the tests."""
    if name not in checks.PARTS:
        raise argparse.ArgumentTypeError(f"{name!r} is none of {', '.join(checks.PARTS)}")
    return name


def benchmark(name: str) -> str:
    """Check the name of a benchmark."""
    if name not in benchmarks.BENCHMARKS:
        raise argparse.ArgumentTypeError(f"{name!r} is none of {', '.join(benchmarks.BENCHMARKS)}")
    return name


def main() -> int:
    """Run one command; the exit code is 0 only if all of it went well."""
    options = parse(sys.argv[1:])
    try:
        return 0 if options.command(options) else 1
    except ProblemError as problem:
        sys.stderr.write(f"\n{problem}\n")
        return 1
    except KeyboardInterrupt:
        return 130


if __name__ == "__main__":
    sys.exit(main())
