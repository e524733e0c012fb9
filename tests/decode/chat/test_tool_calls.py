"""Chat Completions: tool calls, however their pieces are cut."""

from __future__ import annotations

from typing import Any

import pytest

from sidestream.types import events as ev
from sidestream.types import items as it
from tests.decode.chat.frames import STOP, call, chunk


@pytest.mark.parametrize(
    ("frames", "calls"),
    [
        pytest.param(
            [
                call("a", "", index=0, id="1"),
                call(None, '{"x"', index=0),
                call("b", "", index=1, id="2"),
                call(None, "{", index=1),
                call(None, ":1}", index=0),
                call(None, "}", index=1),
            ],
            [("a", "1", '{"x":1}'), ("b", "2", "{}")],
            id="interleaved",
        ),
        pytest.param(
            [call("a", "{}", id="1"), call("a", "[]", id="2"), call(None, " ", id="1")],
            [("a", "1", "{} "), ("a", "2", "[]")],
            id="ids only",
        ),
        pytest.param(
            [call("a", '{"x":', index=0, id="1"), call(None, "1}")],
            [("a", "1", '{"x":1}')],
            id="the last call",
        ),
        pytest.param(
            [call("a", "{}", index=0, id="1"), call("a", "{}", index=0, id="2")],
            [("a", "1", "{}"), ("a", "2", "{}")],
            id="index zero for all",
        ),
        pytest.param(
            [call("a", "", index=0, id="1"), call("b", "", index=0, id="2")],
            [("a", "1", ""), ("b", "2", "")],
            id="index zero for all, no arguments",
        ),
        pytest.param(
            [call("a", "{", index=0, id="1"), call(None, "}", index=0, id="9")],
            [("a", "1", "{}")],
            id="another id in every delta",
        ),
        pytest.param(
            [call("a", "{", index=0, id="1"), call("a", "}", index=0, id="9")],
            [("a", "1", "{}")],
            id="another id and the name in every delta",
        ),
        pytest.param(
            [call("a", "{", index=0, id="1"), call("a", "}", index=0), call("a", "", index=0)],
            [("a", "1", "{}")],
            id="name repeated",
        ),
        pytest.param(
            [call("get_", "", index=0, id="1"), call("weather", "{}", index=0)],
            [("get_weather", "1", "{}")],
            id="name in pieces",
        ),
        pytest.param(
            [call("get_", "", index=0, id="1"), call("get_weather", "{}", index=0)],
            [("get_weather", "1", "{}")],
            id="name that grows",
        ),
        pytest.param(
            [call(None, "{", index=0, id="1"), call("a", "}", index=0)],
            [("a", "1", "{}")],
            id="name told late",
        ),
        pytest.param([call(None, "{}", index=0, id="1")], [], id="no name at all"),
        pytest.param(
            [call("a", {"x": 1}, index=0, id="1"), call(None, {"x": 1}, index=0)],
            [("a", "1", '{"x": 1}')],
            id="object, sent twice",
        ),
        pytest.param([call("a", 7, id="1")], [("a", "1", "")], id="arguments that are none"),
        pytest.param([call("a", "not json", id="1")], [("a", "1", "not json")], id="not json"),
        pytest.param(
            [chunk(tool_calls={"id": "1", "function": {"name": "a"}})],
            [("a", "1", "")],
            id="no list",
        ),
        pytest.param(
            [
                chunk(
                    tool_calls=[
                        7,
                        {"id": 7, "index": "0", "function": 7},
                        {"function": {"name": 7}},
                    ]
                )
            ],
            [],
            id="nonsense",
        ),
        pytest.param([chunk(tool_calls=None), chunk(tool_calls=7)], [], id="none"),
    ],
)
def test_calls(frames: list[Any], calls: list[tuple[str, str, str]], play: Any) -> None:
    for finish in ("tool_calls", "stop"):
        assert play("chat", [*frames, chunk(finish)]).calls == calls


def test_calls_without_ids_get_one_each(play: Any) -> None:
    frames = [call("a", "{}"), call("b", "{}"), call("b", '{"x":1}'), STOP]
    calls = play("chat", frames).calls
    assert [name for name, _, _ in calls] == ["a", "b", "b"]
    assert len({call_id for _, call_id, _ in calls}) == 3
    assert calls == play("chat", frames).calls, "the same answer gets the same ids"
    other = [{**frame, "id": "other"} for frame in frames]
    assert not {c[1] for c in calls} & {c[1] for c in play("chat", other).calls}


def test_legacy_function_call(play: Any) -> None:
    frames = [
        chunk(function_call={"name": "a", "arguments": '{"x"'}),
        chunk(function_call={"arguments": ":1}"}),
        chunk("function_call"),
    ]
    ((name, call_id, arguments),) = play("chat", frames).calls
    assert (name, arguments) == ("a", '{"x":1}')
    assert call_id.startswith("call_")


def test_custom_tool_calls(play: Any) -> None:
    frames = [
        chunk(tool_calls=[{"index": 0, "id": "1", "custom": {"name": "patch", "input": "a"}}]),
        chunk(tool_calls=[{"index": 0, "custom": {"input": "b"}}]),
        chunk("tool_calls"),
    ]
    outcome = play("chat", frames)
    assert outcome.items == [it.CustomToolCallItem(call_id="1", name="patch", input="ab")]
    assert [event.item_id for event in outcome.of(ev.ToolCallInputDelta)] == ["1", "1"]
