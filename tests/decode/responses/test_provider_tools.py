"""Responses API: the calls of the provider's tools."""

from __future__ import annotations

from typing import Any

import pytest

from sidestream.types import events as ev
from sidestream.types import items as it
from tests.decode.responses.frames import DONE, R, added


@pytest.mark.parametrize(
    ("frame", "event"),
    [
        (
            {"type": R + "file_search_call.searching", "item_id": "fs_1"},
            ev.ToolCallProgress(item_id="fs_1", tool="file_search_call", status="searching"),
        ),
        (
            {"type": R + "code_interpreter_call_code.delta", "item_id": "ci", "delta": "x=1"},
            ev.ToolCallProgress(
                item_id="ci", tool="code_interpreter_call", status="code", detail="x=1"
            ),
        ),
        (
            {"type": R + "mcp_list_tools.failed", "item_id": "m"},
            ev.ToolCallProgress(item_id="m", tool="mcp_list_tools", status="failed"),
        ),
        (
            {"type": R + "mcp_call_arguments.delta", "item_id": "m", "delta": "{}"},
            ev.ToolCallProgress(item_id="m", tool="mcp_call", status="arguments", detail="{}"),
        ),
        (
            {"type": R + "shell_call_command.added", "output_index": 1, "command": "ls"},
            ev.ToolCallProgress(item_id="", tool="shell_call", status="command", detail="ls"),
        ),
        (
            {"type": R + "shell_call_output_content.delta", "delta": {"stderr": "oh"}},
            ev.ToolCallProgress(item_id="", tool="shell_call", status="output", detail="oh"),
        ),
        (
            {"type": R + "image_generation_call.partial_image", "partial_image_b64": "x"},
            ev.ToolCallProgress(item_id="", tool="image_generation_call", status="partial_image"),
        ),
        (
            {"type": R + "x_search_call.completed", "item_id": "xs"},
            ev.ToolCallProgress(item_id="xs", tool="x_search_call", status="completed"),
        ),
        (
            {"type": R + "compaction.compacting", "item_id": "cmp"},
            ev.ToolCallProgress(item_id="cmp", tool="compaction", status="compacting"),
        ),
    ],
)
def test_tool_progress(frame: dict[str, Any], event: ev.ToolCallProgress, play: Any) -> None:
    outcome = play("responses", [frame, DONE])
    assert outcome.events[0] == event
    assert outcome.decoder.skipped == 0


def test_what_the_tools_of_the_provider_gave_is_in_their_items(play: Any) -> None:
    ran = {
        "type": "code_interpreter_call",
        "id": "ci_1",
        "status": "completed",
        "code": "print(1)",
        "container_id": "cntr_1",
        "outputs": [{"type": "logs", "logs": "1"}, {"type": "image", "url": "data:image/png;..."}],
    }
    found = {
        "type": "file_search_call",
        "id": "fs_1",
        "status": "completed",
        "queries": ["q"],
        "results": [{"file_id": "f", "filename": "a.pdf", "score": 0.5, "text": "x"}],
    }
    frames = [{"type": "response.output_item.done", "item": item} for item in (ran, found)]
    code, search = play("responses", [*frames, DONE]).items
    assert isinstance(code, it.CodeInterpreterCallItem)
    assert isinstance(search, it.FileSearchCallItem)
    assert code.model_dump(exclude_none=True) == ran
    assert code.logs == "1"
    assert search.model_dump(exclude_none=True) == found
    # The same, where only the end of the answer holds it.
    response = {"status": "completed", "output": [ran, found]}
    last = {"type": "response.completed", "response": response}
    assert play("responses", [last]).items == [code, search]


@pytest.mark.parametrize(
    "wrong", [{"outputs": "x"}, {"outputs": [1]}, {"code": 7}, {"queries": None}, {"results": {}}]
)
def test_fields_that_are_not_what_they_should_be_are_left_out(
    wrong: dict[str, Any], play: Any
) -> None:
    for kind in ("code_interpreter_call", "file_search_call"):
        frame = {"type": "response.output_item.done", "item": {"type": kind, "id": "x_1", **wrong}}
        (item,) = play("responses", [frame, DONE]).items
        assert (item.type, item.id) == (kind, "x_1")


def test_tool_progress_finds_its_item_by_index(play: Any) -> None:
    frames = [
        added("shell_call", "sh_1", output_index=2),
        {"type": R + "shell_call_command.delta", "output_index": 2, "delta": "ls"},
        DONE,
    ]
    assert play("responses", frames).of(ev.ToolCallProgress)[0].item_id == "sh_1"


def test_a_search_that_was_not_announced(play: Any) -> None:
    searching = {"type": R + "web_search_call.searching", "item_id": "ws_1"}
    outcome = play("responses", [searching, {**searching}, DONE])
    assert outcome.types[:4] == [
        "WebSearchCallBegin",
        "OutputItemAdded",
        "ToolCallProgress",
        "ToolCallProgress",
    ]
    assert outcome.items == [it.WebSearchCallItem(id="ws_1")]
