from __future__ import annotations

import asyncio
import json
from typing import Any

import pytest

from sidestream.session.conversation import Conversation, ConversationSettings
from sidestream.session.python_tool import PythonArguments, PythonTool
from sidestream.session.tool_calls import ToolCalls
from sidestream.session.tools import ToolOutput
from sidestream.testing import run

DONE = {"ended": "ok", "stdout": "", "stderr": "", "duration_ms": 5}


def output(result: dict[str, Any]) -> ToolOutput:
    async def run_python(conversation: str, code: str) -> str:
        assert (conversation, code) == ("c", "1 + 1")
        return json.dumps(result)

    async def stop(conversation: str) -> str:
        raise AssertionError(conversation)

    return run(PythonTool(run_python, stop).run(PythonArguments(code="1 + 1"), "c"))


@pytest.mark.parametrize(
    ("result", "text", "failed"),
    [
        ({}, "(no output)", False),
        ({"stdout": "a\n", "value": "2"}, "a\n2", False),
        ({"stderr": "careful\n"}, "[stderr]\ncareful", False),
        ({"ended": "error", "traceback": "ValueError: x\n"}, "ValueError: x", True),
        ({"ended": "timeout", "lost": True}, "for too long and was ended.\nAll variables", True),
        ({"ended": "memory"}, "too much memory", True),
        ({"ended": "stopped"}, "user stopped", True),
        ({"evicted": True, "value": "2"}, "earlier calls are gone.\n2", False),
        ({"new_hosts": True, "value": "2"}, "gone: the user has changed which hosts", False),
    ],
)
def test_the_output_for_the_model(result: dict[str, Any], text: str, failed: bool) -> None:
    returned = output(DONE | result)
    assert text in returned.text
    assert returned.failed is failed


def test_figures_and_files_are_for_the_user() -> None:
    figure = {"type": "svg", "text": "<svg/>"}
    returned = output(DONE | {"figures": [figure], "files": [{"name": "a.csv", "size": 3}]})
    assert returned.shown == {"figures": [figure], "files": [{"name": "a.csv", "size": 3}]}
    assert "svg" in returned.text
    assert "a.csv, 3 bytes" in returned.text
    assert "<svg" not in returned.text


def test_a_sandbox_that_does_not_start_is_reported() -> None:
    returned = output({"error": {"message": "The sandbox could not be started."}})
    assert (returned.text, returned.failed) == ("error: The sandbox could not be started.", True)


def test_a_cancelled_call_ends_its_code() -> None:
    stopped: list[str] = []

    async def run_python(_conversation: str, _code: str) -> str:
        await asyncio.sleep(1000)
        return ""

    async def stop(conversation: str) -> str:
        stopped.append(conversation)
        return ""

    async def scene() -> None:
        tool = PythonTool(run_python, stop)
        task = asyncio.ensure_future(tool.run(PythonArguments(code="while True: pass"), "c"))
        await asyncio.sleep(1)
        task.cancel()
        await asyncio.sleep(1)
        assert stopped == ["c"]

    run(scene())


@pytest.mark.parametrize(
    ("network", "words"),
    [
        (None, "There is no network."),
        ([], "There is no network."),
        (["api.example.com", "localhost:8000"], "reached: api.example.com, localhost:8000."),
    ],
)
def test_the_description_names_the_allowed_hosts(network: list[str] | None, words: str) -> None:
    async def nothing(*_: str) -> str:
        raise AssertionError

    async def safe() -> None:
        raise AssertionError

    conversation = Conversation(id="c", created_at=0)
    conversation.settings = ConversationSettings(tools={"python": "ask"}, network=network)
    calls = ToolCalls(
        conversation,
        [PythonTool(nothing, nothing)],
        show=lambda _: None,
        write=lambda _: None,
        drain=safe,
        configure=lambda _: None,
    )
    (spec,) = calls.offered({})
    assert words in str(spec)
