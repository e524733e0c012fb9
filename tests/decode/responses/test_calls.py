"""Responses API: function calls."""

from __future__ import annotations

from typing import Any

import pytest

from sidestream.errors import ErrorKind
from sidestream.types import events as ev
from sidestream.types import items as it
from tests.decode.responses.frames import DONE, R, added, call, delta, done


@pytest.mark.parametrize(
    ("streamed", "final", "arguments"),
    [
        pytest.param('{"a":', call('{"a":1}'), '{"a":1}', id="longer"),
        pytest.param('{"a":1}', call(""), '{"a":1}', id="empty"),
        pytest.param('{"a":1}', call({"a": 1}), '{"a":1}', id="object"),
        pytest.param('{"a":1}', call('{"a":2}'), '{"a":1}', id="other"),
        pytest.param("", call({"a": 1}), '{"a": 1}', id="object alone"),
        pytest.param("", call(7), "", id="no arguments at all"),
        pytest.param('{"a"', call("nonsense"), '{"a"', id="nonsense stays as it streamed"),
    ],
)
def test_arguments_agree_with_their_deltas(
    streamed: str, final: dict[str, Any], arguments: str, play: Any
) -> None:
    frames = [
        added("function_call", "fc_1", item=call()),
        {"type": R + "function_call_arguments.delta", "item_id": "fc_1", "delta": streamed},
        done("function_call", "fc_1", item=final),
        DONE,
    ]
    assert play("responses", frames).calls == [("tool", "call_1", arguments)]


def test_arguments_that_are_no_json_give_way_to_those_that_are(play: Any) -> None:
    frames = [
        added("function_call", "fc_1", item=call()),
        {"type": R + "function_call_arguments.delta", "item_id": "fc_1", "delta": '{"a":x'},
        done("function_call", "fc_1", item=call('{"a":1}')),
        DONE,
    ]
    outcome = play("responses", frames, exact=False)
    assert outcome.calls == [("tool", "call_1", '{"a":1}')]


def test_calls_without_items(play: Any) -> None:
    frames = [
        {"type": R + "function_call_arguments.delta", "item_id": "fc_1", "delta": {"a": 1}},
        {"type": R + "function_call_arguments.delta", "item_id": "fc_1", "delta": 7},
        {"type": R + "function_call_arguments.done", "item_id": "fc_1", "name": "tool"},
        {
            "type": R + "function_call_arguments.done",
            "item_id": "fc_1",
            "name": "tool",
            "arguments": '{"a": 1}',
        },
        {"type": R + "custom_tool_call_input.delta", "call_id": "call_2", "delta": "in"},
        {
            "type": R + "custom_tool_call_input.done",
            "call_id": "call_2",
            "name": "patch",
            "input": "input",
        },
        {"type": R + "function_call_arguments.delta", "item_id": "fc_3", "delta": "nameless"},
        DONE,
    ]
    outcome = play("responses", frames)
    assert outcome.calls == [("tool", "fc_1", '{"a": 1}')]
    assert outcome.items[1] == it.CustomToolCallItem(call_id="call_2", name="patch", input="input")
    assert outcome.of(ev.ToolCallInputDelta)[0].item_id == "call_2"
    assert outcome.decoder.skipped == 1


def test_calls_without_any_id_get_one_each(play: Any) -> None:
    frames = [
        done("function_call", item={"name": "tool", "arguments": "{}"}, output_index=0),
        done("function_call", item={"name": "tool", "arguments": "[]"}, output_index=1),
        DONE,
    ]
    first, second = play("responses", frames).calls
    assert first[1].startswith("call_")
    assert first[1] != second[1]


def test_half_written_calls_are_dropped_when_the_stream_breaks(play: Any) -> None:
    frames = [
        added("function_call", "fc_1", item=call()),
        {"type": R + "function_call_arguments.delta", "item_id": "fc_1", "delta": '{"a'},
        added("function_call", "fc_2", item=call(call_id="call_2")),
        {"type": R + "function_call_arguments.done", "item_id": "fc_2", "arguments": "{}"},
        added("web_search_call", "ws_1"),
        delta("Hi"),
    ]
    outcome = play("responses", frames)
    assert outcome.calls == [("tool", "call_2", "{}")]
    assert outcome.messages[0].text == "Hi"
    assert outcome.error.kind == ErrorKind.STREAM_CLOSED
