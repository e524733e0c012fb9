"""The tool `python`: the model's code, run in the browser's sandbox."""

from __future__ import annotations

import asyncio
import json
from collections.abc import Awaitable, Callable, Sequence
from typing import Any

from pydantic import Field

from sidestream.session.tools import Arguments, ToolOutput

RunPython = Callable[[str, str], Awaitable[str]]
"""Takes the conversation's id and the code. Returns a ``PythonRun`` of ``shared/protocol.js`` as
JSON, or ``{"error": TurnError}``."""

_ENDINGS = {
    "timeout": "It ran for too long and was ended.",
    "memory": "It used too much memory and was ended.",
    "stopped": "The user stopped it.",
}
_NEW_HOSTS = (
    "The variables of earlier calls are gone: the user has changed which hosts can be reached."
)


class PythonArguments(Arguments):
    """Python code."""

    code: str = Field(min_length=1, description="Python 3 code.")


class PythonTool:
    """Runs code in the sandbox, whose variables last as long as the conversation uses them.

    Args:
        run: Runs code.
        stop: Ends the code that runs in a conversation.

    """

    name = "python"
    description = (
        "Runs Python 3 code in a sandbox in the user's browser (Pyodide, WebAssembly) and gives "
        "back what is printed, the value of the last expression, or the traceback. Variables stay "
        "from call to call within this conversation. Figures (SVG, PNG) and HTML tables that are "
        "the last value are shown to the user. There is no access to the user's files; a run is "
        "ended after a minute."
    )
    arguments = PythonArguments
    time_limit_s = 90.0
    """The sandbox has a shorter limit for code; this one is for a sandbox that does not start."""

    def __init__(self, run: RunPython, stop: Callable[[str], Awaitable[str]]) -> None:
        self._run = run
        self._stop = stop
        # asyncio keeps no reference to a task that is not awaited.
        self._stopping: set[asyncio.Future[str]] = set()

    async def run(self, arguments: Any, conversation_id: str) -> ToolOutput:
        """Run the code. When the call is cancelled, the code is ended as well."""
        try:
            result = json.loads(await self._run(conversation_id, arguments.code))
        except asyncio.CancelledError:
            stopping = asyncio.ensure_future(self._stop(conversation_id))
            self._stopping.add(stopping)
            stopping.add_done_callback(self._stopping.discard)
            raise
        if error := result.get("error"):
            return ToolOutput(f"error: {error['message']}", failed=True)
        return ToolOutput(_output_of(result), failed=result["ended"] != "ok", shown=_shown(result))


def network_note(hosts: Sequence[str] | None) -> str:
    """Describes to the model the network access that the user allows."""
    if not hosts:
        return "There is no network."
    return (
        f"Of the network, only these hosts can be reached: {', '.join(hosts)}. Use requests or "
        "urllib.request; a server answers only if it lets browsers read its answers (CORS)."
    )


def _output_of(result: dict[str, Any]) -> str:
    """The output of a run for the model."""
    figures, files = result.get("figures", []), result.get("files", [])
    parts = [
        "The variables of earlier calls are gone." if result.get("evicted") else "",
        _NEW_HOSTS if result.get("new_hosts") else "",
        result["stdout"],
        f"[stderr]\n{result['stderr']}" if result["stderr"] else "",
        result.get("traceback", ""),
        _ENDINGS.get(result["ended"], ""),
        "All variables are gone." if result.get("lost") else "",
        result.get("value", ""),
        *(f"[a figure was shown: {figure['type']}]" for figure in figures),
        *(f"[file written: {file['name']}, {file['size']} bytes]" for file in files),
    ]
    return "\n".join(part.rstrip("\n") for part in parts if part) or "(no output)"


def _shown(result: dict[str, Any]) -> dict[str, Any]:
    """The artifacts of a run for the user."""
    return {name: result[name] for name in ("figures", "files") if result.get(name)}
