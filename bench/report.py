"""Writes the results: as JSON for programs, and as tables for readers."""

from __future__ import annotations

import json
import os
import platform
import re
from collections.abc import Sequence
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from bench import decode, latency, memory, opening, python, tasks, wake

RESULTS = Path(__file__).parent / "results"
REFERENCE = RESULTS / "reference.json"
PAGE = Path(__file__).parent.parent / "docs" / "performance.md"

Table = list[Sequence[str]]


def begin(*, quick: bool, browser: str, peers: dict[str, str]) -> dict[str, Any]:
    """Make the frame of a run's results."""
    return {
        "at": datetime.now(UTC).isoformat(timespec="seconds"),
        "quick": quick,
        "machine": {
            "system": platform.system(),
            "processor": _processor(),
            "cores": os.cpu_count(),
        },
        "browser": browser,
        "peers": peers,
        "results": {},
    }


def write(found: dict[str, Any], *, reference: bool) -> Path:
    """Store a run. A reference run replaces those results of the last one that it has measured."""
    path = RESULTS / f"{found['at'].replace(':', '-')}.json"
    if reference:
        path = REFERENCE
        if path.exists():
            last = json.loads(path.read_text("utf-8"))["results"]
            found = {**found, "results": {**last, **found["results"]}}
    path.write_text(json.dumps(found, indent=1) + "\n", "utf-8")
    if reference:
        update_page()
    return path


def update_page() -> None:
    """Put the reference run's tables between the markers of `docs/performance.md`."""
    found = json.loads(REFERENCE.read_text("utf-8"))
    page = PAGE.read_text("utf-8")
    tables = {
        "run": _run(found),
        **{name: markdown(name, r) for name, r in found["results"].items()},
    }
    for name, text in tables.items():
        pattern = rf"(<!-- bench: {name} -->\n).*?(<!-- /bench -->)"
        page, count = re.subn(pattern, rf"\g<1>{text}\n\g<2>", page, flags=re.DOTALL)
        if count != 1:
            raise ValueError(f"{PAGE.name} has {count} places for {name}")
    PAGE.write_text(page, "utf-8")


def markdown(name: str, result: dict[str, Any]) -> str:
    """The tables of one benchmark."""
    return "\n\n".join(_as_markdown(table) for table in TABLES[name](result))


def _run(found: dict[str, Any]) -> str:
    machine = found["machine"]
    peers = ", ".join(f"{name} {version}" for name, version in found["peers"].items())
    quick = " A quick run: the figures mean nothing." if found["quick"] else ""
    processor = f"{machine['cores']} cores ({machine['processor']})"
    where = f"{found['at'][:10]}, {machine['system']}, {processor}, {found['browser']}"
    return f"{where}; {peers}.{quick}"


def _processor() -> str:
    try:
        info = Path("/proc/cpuinfo").read_text("utf-8")
    except OSError:
        return platform.processor() or "unknown"
    named = re.search(r"^model name\s*:\s*(.+)$", info, re.MULTILINE)
    return named[1] if named else platform.machine()


# --- tables --------------------------------------------------------------------------------------


def _wake(result: dict[str, Any]) -> list[Table]:
    ms = result["ms"]
    rows: Table = [("From a call to a sleeping worker until it is ready", "ms", "to plain boot")]
    for way, name in wake.WAYS.items():
        ratio = result["ratios"].get(f"{way}/plain")
        rows.append((_capital(name), _spread(ms[way]), _ratio(ratio) if ratio else ""))
    rows.append(("The first start after the installation", _spread(ms["first"]), ""))
    return [rows]


def _decode(result: dict[str, Any]) -> list[Table]:
    names = {**decode.OURS, **decode.PEERS, "nothing": "Only reading the body"}
    cases = list(result)
    times: Table = [("µs per event", *cases)]
    for reader, name in names.items():
        times.append((name, *(_spread(result[case]["us_per_event"][reader]) for case in cases)))
    ratios: Table = [("Time, as a ratio", *cases)]
    for one, ours in decode.OURS.items():
        for other, peer in decode.PEERS.items():
            key = f"{one}/{other}"
            row = (f"{ours} / {peer}", *(_ratio(result[case]["ratios"][key]) for case in cases))
            ratios.append(row)
    return [times, ratios]


def _latency(result: dict[str, Any]) -> list[Table]:
    names = {latency.PANEL: "the panel", **latency.PEERS}
    rates = list(result)
    rows: Table = [("From write to DOM, ms", *rates)]
    for reader, name in names.items():
        for percentile in ("p50", "p99"):
            cells = (_spread(result[rate]["ms"][reader][percentile]) for rate in rates)
            rows.append((f"{_capital(name)}, {percentile}", *cells))
    for ratio in result[rates[0]]["ratios"]:
        percentile, key = ratio.split(" ")
        peer = names[key.partition("/")[2]]
        cells = (_ratio(result[rate]["ratios"][ratio]) for rate in rates)
        rows.append((f"The panel / {peer}, {percentile}", *cells))
    return [rows]


def _memory(result: dict[str, Any]) -> list[Table]:
    works = [name for name in result if not name.startswith("kB")]
    heads = (head for work in works for head in (f"before {work}", f"growth over {work}"))
    rows: Table = [("MB", *heads)]
    for part, name in memory.PARTS.items():
        found = (result[work][part] for work in works)
        cells = (text for one in found for text in (f"{one['warm']:.1f}", f"{one['growth']:+.2f}"))
        rows.append((_capital(name), *cells))
    per_turn: Table = [("In one chat that is kept, each turn takes", "kB")]
    for part, name in memory.PARTS.items():
        kept = result["kB for each turn of one chat"][part]
        per_turn.append((_capital(name), f"{kept:.1f}"))
    return [rows, per_turn]


def _growth(result: dict[str, Any]) -> list[Table]:
    answers: Table = [("Length of the answer", "ms until it is drawn", "ms per kB")]
    for size, ms in result["answer"]["ms"].items():
        answers.append((size, _spread(ms), f"{ms['median'] / float(size.split()[0]):.2f}"))
    costs = result["position"]["cpu_ms_per_kB"]
    along: Table = [
        ("Along one steady answer", *(f"{10 * n}-{10 * n + 10} %" for n in range(len(costs)))),
        ("Processor time, ms per kB", *(f"{cost:.1f}" for cost in costs)),
    ]
    columns = {
        "open_ms": "panel open, ms",
        "until_request_ms": "until the request is there, ms",
        "turn_ms": "whole turn, ms",
    }
    history: Table = [("History", *columns.values())]
    for items, row in result["history"].items():
        history.append((items, *(_spread(row[name]) for name in columns)))
    return [answers, along, history]


def _opening(result: dict[str, Any]) -> list[Table]:
    head = f"From opening the panel, {result['items']:,} items, ms until"
    rows: Table = [(head, *opening.POINTS.values())]
    for way, name in opening.WAYS.items():
        rows.append((_capital(name), *(_spread(result["ms"][way][at]) for at in opening.POINTS)))
    return [rows]


def _python(result: dict[str, Any]) -> list[Table]:
    runs: Table = [("From the request to the result", "ms")]
    for name, text in python.RUNS.items():
        runs.append((_capital(text), _spread(result["ms"][name])))
    turns: Table = [("From Send until the answer is drawn", "ms")]
    for name, text in python.TURNS.items():
        turns.append((_capital(text), _spread(result["turn_ms"][name])))
    return [runs, turns]


def _size(result: dict[str, Any]) -> list[Table]:
    rows: Table = [("MB", "")]
    rows.append(("The zip", _mb(result["zip"])))
    rows.append(("Unpacked", _mb(result["unpacked"])))
    for way, parts in result["read_at_start"].items():
        for part, size in parts.items():
            name = "in all" if part == "all" else part
            rows.append((f"Read at each start, {way}: {name}", _mb(size)))
    return [rows]


def _tasks(result: dict[str, Any]) -> list[Table]:
    sizes = list(next(iter(result.values())))
    head = (f"{way}, {int(size) // 1000} kB" for way in tasks.WAYS for size in sizes)
    rows: Table = [("milliseconds", *head)]
    for name, by_size in result.items():
        cells = []
        for way in tasks.WAYS:
            for size in sizes:
                took = by_size[size][way]
                cells.append(f"{took:.0f}" if took or way == "stop" else "< 50")
        rows.append((f"`{name.replace('|', '&#124;')}`", *cells))
    return [rows]


TABLES = {
    "wake": _wake,
    "decode": _decode,
    "latency": _latency,
    "memory": _memory,
    "growth": _growth,
    "opening": _opening,
    "python": _python,
    "size": _size,
    "tasks": _tasks,
}


def _as_markdown(table: Table) -> str:
    head, *rows = table
    lines = [head, ["---", *("---:" for _ in head[1:])], *rows]
    return "\n".join(f"| {' | '.join(line)} |" for line in lines)


def _spread(figures: dict[str, Any]) -> str:
    return f"{_short(figures['median'])} ({_short(figures['min'])}-{_short(figures['max'])})"


def _ratio(figures: dict[str, Any]) -> str:
    return f"{figures['ratio']:.2f} ({figures['min']:.2f}-{figures['max']:.2f})"


def _short(value: float) -> str:
    return f"{value:.0f}" if value >= 100 else f"{value:.1f}"


def _mb(size: int) -> str:
    return f"{size / 1_000_000:.2f}"


def _capital(text: str) -> str:
    return text[0].upper() + text[1:]
