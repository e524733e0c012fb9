"""The tool `python`: the model's code, run in the browser's sandbox."""

from __future__ import annotations

import asyncio
import json
from collections.abc import Awaitable, Callable, Sequence
from typing import Any

from pydantic import Field

from sidestream.session.tools import Arguments, ToolOutput

RunPython = Callable[[str, str], Awaitable[str]]
"""Runs code: conversation id, code. Gives a ``PythonRun`` of ``shared/protocol.js`` as JSON, or
``{"error": TurnError}``."""

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
        stop: Ends what runs in a conversation.

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
    """The sandbox has a shorter limit of its own; this one is for a sandbox that does not start."""

    def __init__(self, run: RunPython, stop: Callable[[str], Awaitable[str]]) -> None:
        self._run = run
        self._stop = stop
        # asyncio itself does not keep a task that nobody waits for.
        self._stopping: set[asyncio.Future[str]] = set()

    async def run(self, arguments: Any, conversation_id: str) -> ToolOutput:
        """Run it; a call that is given up ends the code as well."""
        try:
            result = json.loads(await self._run(conversation_id, arguments.code))
        except asyncio.CancelledError:
            stopping = asyncio.ensure_future(self._stop(conversation_id))
            self._stopping.add(stopping)
            stopping.add_done_callback(self._stopping.discard)
            raise
        if error := result.get("error"):
            return ToolOutput(f"error: {error['message']}", failed=True)
        return ToolOutput(_told(result), failed=result["ended"] != "ok", shown=_shown(result))


def network_note(hosts: Sequence[str] | None) -> str:
    """What the model is told of the network that the user allows."""
    if not hosts:
        return "There is no network."
    return (
        f"Of the network, only these hosts can be reached: {', '.join(hosts)}. Use requests or "
        "urllib.request; a server answers only if it lets browsers read its answers (CORS)."
    )


def _told(result: dict[str, Any]) -> str:
    """What the model is told of a run."""
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
    """What the user is shown beside that."""
    return {name: result[name] for name in ("figures", "files") if result.get(name)}
