"""Runs code as a notebook does: variables stay, and the value of the last expression is shown."""

from __future__ import annotations

import ast
import asyncio
import base64
import builtins
import inspect
import json
import linecache
import os
import sys
import time
import traceback
from collections.abc import Callable
from functools import partial
from pathlib import Path
from types import CodeType, ModuleType, TracebackType
from typing import Any, NoReturn

from sidestream_sandbox import network, show
from sidestream_sandbox.text import Stream, describe, shorten

OnOutput = Callable[[str, str], object]
"""Receives the stream's name, "stdout" or "stderr", and what was written to it."""

TRACEBACK = 12_000
"""The longest traceback, in characters."""
MOST_FILES = 10
LARGEST_FILE = 2_000_000
"""The largest size of a file, and of all files that one run returns, in bytes."""
MOST_FILES_SEEN = 2_000
TURNS_TO_END = 20
"""Cancelled tasks have this many turns of the event loop to end."""

# These are used after the code has run, and are kept here because the code may replace them.
_all_tasks, _current_task, _sleep = asyncio.all_tasks, asyncio.current_task, asyncio.sleep
_running_loop = asyncio.get_running_loop

_main = ModuleType("__main__")
_count = 0


def prepare(no_sockets: str) -> None:
    """Prepare the interpreter, once, before the first run.

    ``no_sockets`` is the text of the error when code opens a socket.
    """
    network.prepare(no_sockets)
    sys.modules["__main__"] = _main
    sys.modules.update(show.notebook_modules())
    for thing in (show.display, show.SVG, show.HTML, show.Image):
        setattr(_main, thing.__name__, thing)

    def leave(status: int = 0) -> NoReturn:
        raise SystemExit(status)

    def no_input(*_: object) -> NoReturn:
        raise RuntimeError("input() can ask nobody here: write the value into the code.")

    # Pyodide prints errors that cross to JavaScript, even handled ones. They are no output of the
    # code.
    sys.excepthook = partial(traceback.print_exception, file=sys.__stderr__)
    builtins.input = no_input
    # It would end the interpreter without an error.
    os._exit = leave


async def run(code: str, on_output: OnOutput) -> str:
    """Run ``code`` and return the result as JSON.

    `ended` is "ok", "error" or "memory". `run` counts from 1, and `duration_ms` is the time it
    took. `value` is that of the last expression, if there is one, and `traceback` that of the
    error. `figures` and `files` are what the code made: a file in the working directory has a
    `name`, a `size` in bytes and, up to a limit, its `base64`.
    """
    global _count
    _count += 1
    name = f"<code {_count}>"
    linecache.cache[name] = (len(code), None, code.splitlines(keepends=True), name)
    before = _files()
    result: dict[str, Any] = {"ended": "ok", "run": _count}
    streams = {n: Stream(partial(on_output, n)) for n in ("stdout", "stderr")}
    usual = sys.stdout, sys.stderr
    sys.stdout, sys.stderr = streams["stdout"], streams["stderr"]
    show.take_figures()
    begin = time.perf_counter()
    try:
        value = await _execute(code, name)
        if value is not None:
            _main.__dict__["_"] = value
            if not show.add_figure(value):
                result["value"] = describe(value)
    except SystemExit as end:
        if end.code not in (None, 0):
            result |= {"ended": "error", "traceback": f"SystemExit: {describe(end.code)}"}
    except BaseException as error:
        ended = "memory" if isinstance(error, MemoryError) else "error"
        result |= {"ended": ended, "traceback": _traceback(error)}
    finally:
        await _end_tasks(streams["stderr"])
        result["duration_ms"] = round((time.perf_counter() - begin) * 1000, 1)
        sys.stdout, sys.stderr = usual
        for stream in streams.values():
            stream.finish()
    result["figures"] = show.take_figures()
    result["files"] = _changed(before)
    return json.dumps(result)


async def _end_tasks(stderr: Stream) -> None:
    """Cancel the tasks that the code has left, so that nothing runs after the code."""
    try:
        _running_loop()
        tasks = _all_tasks() - {_current_task()}
    except RuntimeError:
        # Without a loop there are no tasks.
        return
    for task in tasks:
        task.cancel()
    for _ in range(TURNS_TO_END):
        if all(task.done() for task in tasks):
            break
        await _sleep(0)
    if tasks:
        stderr.write(f"[Cancelled at the end of the run: {len(tasks)} background tasks.]\n")


async def _execute(code: str, name: str) -> Any:
    flags = ast.PyCF_ALLOW_TOP_LEVEL_AWAIT
    tree = compile(code, name, "exec", flags | ast.PyCF_ONLY_AST, dont_inherit=True)
    last = tree.body.pop() if tree.body and isinstance(tree.body[-1], ast.Expr) else None
    await _evaluate(compile(tree, name, "exec", flags, dont_inherit=True))
    if not isinstance(last, ast.Expr):
        return None
    return await _evaluate(
        compile(ast.Expression(last.value), name, "eval", flags, dont_inherit=True)
    )


async def _evaluate(code: CodeType) -> Any:
    # Running foreign code is the purpose; the sandbox contains it.
    value = eval(code, _main.__dict__)  # noqa: S307
    return await value if code.co_flags & inspect.CO_COROUTINE else value


def _traceback(error: BaseException) -> str:
    """The traceback, without the frames of this module and without handled errors in libraries."""
    place: TracebackType | None = error.__traceback__
    while place and place.tb_frame.f_code.co_filename == _execute.__code__.co_filename:
        place = place.tb_next
    try:
        report = traceback.TracebackException(type(error), error, place, compact=True)
        _leave_out_inner(report)
        text = "".join(report.format())
    except BaseException as second:
        text = f"{type(error).__name__} (and its traceback fails: {type(second).__name__})"
    return shorten(text.encode("utf-8", "replace").decode().rstrip(), TRACEBACK)


def _leave_out_inner(report: traceback.TracebackException) -> None:
    """Remove handled errors of libraries in which no line of the code took part."""
    while following := report.__cause__ or report.__context__:
        ours = any(frame.filename.startswith("<code ") for frame in following.stack)
        if report.__cause__ is None and not ours:
            report.__context__ = None
            return
        report = following


def _files() -> dict[str, tuple[int, int]]:
    """The size and the modification time of each file below the working directory."""
    found: dict[str, tuple[int, int]] = {}
    for folder, _, names in os.walk("."):
        for name in names:
            if len(found) >= MOST_FILES_SEEN:
                return found
            path = Path(folder, name)
            state = path.lstat()
            found[path.as_posix()] = (state.st_size, state.st_mtime_ns)
    return found


def _changed(before: dict[str, tuple[int, int]]) -> list[dict[str, Any]]:
    """The files that are new or changed, with their contents up to the limit."""
    changed: list[dict[str, Any]] = []
    room = LARGEST_FILE
    for name, state in _files().items():
        if before.get(name) == state or len(changed) >= MOST_FILES or not Path(name).is_file():
            continue
        entry: dict[str, Any] = {"name": name, "size": state[0]}
        if state[0] <= room:
            entry["base64"] = base64.b64encode(Path(name).read_bytes()).decode()
            room -= state[0]
        changed.append(entry)
    return changed
