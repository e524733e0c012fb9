"""The Responses API, rule by rule."""

from __future__ import annotations

import json
from typing import Any

import pytest

from sidestream.decode import decoder_for
from sidestream.errors import ErrorKind
from sidestream.types import events as ev
from sidestream.types import items as it
from sidestream.types.usage import TokenUsage

R = "response."
DONE = {"type": "response.completed", "response": {"id": "resp_1"}}


def delta(text: str, item_id: str | None = "msg_1", **more: Any) -> dict[str, Any]:
    frame = {"type": "response.output_text.delta", "delta": text, **more}
    return frame if item_id is None else {**frame, "item_id": item_id}


def added(kind: str, item_id: str | None = None, **more: Any) -> dict[str, Any]:
    item = {"type": kind, **({"id": item_id} if item_id else {}), **more.pop("item", {})}
    return {"type": "response.output_item.added", "item": item, **more}


def done(kind: str, item_id: str | None = None, **more: Any) -> dict[str, Any]:
    return {**added(kind, item_id, **more), "type": "response.output_item.done"}


def says(text: str) -> dict[str, Any]:
    return {"role": "assistant", "content": [{"type": "output_text", "text": text}]}


def call(arguments: Any = "", **more: Any) -> dict[str, Any]:
    return {"call_id": "call_1", "name": "tool", "arguments": arguments, **more}


# --- what the item adds to the deltas ------------------------------------------------------------


@pytest.mark.parametrize(
    ("final", "text"),
    [
        pytest.param(says("Hello"), "Hello", id="equal"),
        pytest.param(says("Hello, world"), "Hello, world", id="longer"),
        pytest.param(says(""), "Hello", id="empty"),
        pytest.param(says("Good bye"), "Hello", id="other: what was shown stands"),
        pytest.param({"role": "assistant"}, "Hello", id="without content"),
        pytest.param({"content": None}, "Hello", id="null"),
        pytest.param({"role": 7, "content": "Hello!"}, "Hello!", id="string"),
        pytest.param({"content": [{"type": "text", "text": "Hello."}]}, "Hello.", id="type text"),
        pytest.param({"content": [7, {"type": "output_text"}]}, "Hello", id="odd parts"),
        pytest.param(
            {"content": [{"type": "input_image"}, {"type": "output_text", "text": "Hello"}]},
            "Hello",
            id="a part that cannot be",
        ),
        pytest.param(
            {"content": [{"type": "chart", "of": 1}, {"type": "output_text", "text": "Hello"}]},
            "Hello",
            id="an unknown part",
        ),
    ],
)
def test_finished_message_agrees_with_its_deltas(
    final: dict[str, Any], text: str, play: Any
) -> None:
    frames = [delta("Hel"), delta("lo"), done("message", "msg_1", item=final), DONE]
    outcome = play("responses", frames)
    assert outcome.text == text
    assert [message.text for message in outcome.messages] == [text]
    assert outcome.messages[0].role == "assistant"


def test_unknown_parts_are_kept(play: Any) -> None:
    final = {"content": [{"type": "chart", "of": 1}, {"type": "output_text", "text": "Hi"}]}
    outcome = play("responses", [delta("Hi"), done("message", "msg_1", item=final), DONE])
    assert outcome.messages[0].content[0].model_dump() == {"type": "chart", "of": 1}


def test_refusal_and_text_that_contradict_the_deltas(play: Any) -> None:
    frames = [
        delta("Well"),
        {"type": "response.refusal.delta", "delta": "No", "item_id": "msg_1"},
        delta(", yes"),
        delta(" indeed"),
        done("message", "msg_1", item=says("else")),
        DONE,
    ]
    outcome = play("responses", frames)
    assert [part.model_dump(exclude_none=True) for part in outcome.messages[0].content] == [
        {"type": "output_text", "text": "Well"},
        {"type": "refusal", "refusal": "No"},
        {"type": "output_text", "text": ", yes indeed"},
    ]


def test_citations_survive_a_contradiction(play: Any) -> None:
    note = {"type": "url_citation", "url": "https://a.example"}
    final = {"content": [{"type": "output_text", "text": "else", "annotations": [note, 7]}]}
    outcome = play("responses", [delta("Hi"), done("message", "msg_1", item=final), DONE])
    assert outcome.messages[0].content[0].annotations == [note]
    assert [event.annotation for event in outcome.of(ev.OutputTextAnnotationAdded)] == [note]


def test_citations_that_the_item_lacks_come_from_the_stream(play: Any) -> None:
    note = {"type": "url_citation", "url": "https://a.example"}
    frames = [
        delta("Hi"),
        {"type": "response.output_text.annotation.added", "annotation": note, "item_id": "msg_1"},
        {"type": "response.output_text.annotation.added", "annotation": 7, "item_id": "msg_1"},
        done("message", "msg_1", item=says("Hi")),
        DONE,
    ]
    outcome = play("responses", frames)
    assert outcome.messages[0].content[0].annotations == [note]
    assert len(outcome.of(ev.OutputTextAnnotationAdded)) == 1


def test_messages_of_other_roles_are_not_shown(play: Any) -> None:
    final = {"role": "user", "content": [{"type": "input_text", "text": "Echo"}]}
    outcome = play("responses", [done("message", "msg_1", item=final), DONE])
    assert outcome.text == ""
    assert outcome.messages[0].text == "Echo"


@pytest.mark.parametrize(
    ("frames", "text"),
    [
        pytest.param([R + "output_text.done"], "whole", id="text.done alone"),
        pytest.param([R + "content_part.done"], "whole", id="part.done alone"),
        pytest.param([R + "output_text.done", R + "content_part.done"], "whole", id="both"),
        pytest.param([delta("wh"), R + "output_text.done"], "whole", id="the rest"),
        pytest.param([delta("no"), R + "output_text.done"], "no", id="a contradiction"),
        pytest.param([R + "output_text.done", delta("?")], "whole?", id="a later part"),
    ],
)
def test_done_events_give_what_did_not_stream(frames: list[Any], text: str, play: Any) -> None:
    part = {"type": "output_text", "text": "whole"}
    made = [
        {"type": frame, "item_id": "msg_1", "text": "whole", "part": part}
        if isinstance(frame, str)
        else frame
        for frame in frames
    ]
    outcome = play("responses", [added("message", "msg_1"), *made, DONE])
    assert outcome.text == text
    assert outcome.messages[0].text == text


def test_late_done_of_an_earlier_part_is_no_text_of_the_next(play: Any) -> None:
    frames = [
        added("message", "msg_1"),
        delta("I am one.", content_index=0),
        {"type": "response.content_part.added", "item_id": "msg_1", "content_index": 1},
        delta("I", content_index=1),
        {"type": R + "output_text.done", "item_id": "msg_1", "content_index": 0, "text": "I am"},
        delta(" too.", content_index=1),
        DONE,
    ]
    assert play("responses", frames).text == "I am one.I too."


def test_deltas_after_the_item_is_finished_are_ignored(play: Any) -> None:
    late = [
        delta("late"),
        {"type": R + "output_text.done", "item_id": "msg_1", "text": "much later"},
        {"type": R + "refusal.delta", "item_id": "msg_1", "delta": "late"},
        {"type": R + "content_part.done", "item_id": "msg_1", "part": {"type": "refusal"}},
        {"type": R + "output_text.annotation.added", "item_id": "msg_1", "annotation": {"a": 1}},
        done("message", "msg_1", item=says("Hi again")),
    ]
    outcome = play("responses", [delta("Hi"), done("message", "msg_1"), *late, DONE])
    assert outcome.text == "Hi"
    assert len(outcome.messages) == 1


def test_reasoning_after_it_is_finished_is_ignored(play: Any) -> None:
    reasoning = {"summary": [{"type": "summary_text", "text": "S"}]}
    late = [
        {"type": R + "reasoning_text.delta", "item_id": "rs_1", "delta": "late"},
        {"type": R + "reasoning_summary_text.delta", "item_id": "rs_1", "delta": "late"},
        {"type": R + "reasoning_summary_part.added", "item_id": "rs_1", "summary_index": 9},
        {"type": R + "reasoning_summary_text.done", "item_id": "rs_1", "text": "late"},
        {"type": R + "function_call_arguments.delta", "item_id": "fc_1", "delta": "late"},
        {"type": R + "function_call_arguments.done", "item_id": "fc_1", "arguments": "late"},
        {"type": R + "custom_tool_call_input.delta", "item_id": "ct_1", "delta": "late"},
    ]
    frames = [
        done("reasoning", "rs_1", item=reasoning),
        done("function_call", "fc_1", item=call("{}")),
        done("custom_tool_call", "ct_1", item={"call_id": "c", "name": "t", "input": "i"}),
        *late,
        DONE,
    ]
    outcome = play("responses", frames)
    assert [item.type for item in outcome.items] == [
        "reasoning",
        "function_call",
        "custom_tool_call",
    ]
    assert outcome.summary == "S"


# --- reasoning -----------------------------------------------------------------------------------


def test_summary_parts_end_with_what_did_not_stream(play: Any) -> None:
    final = {"summary": [{"type": "summary_text", "text": "One."}, "Two.", 7, {"text": "Three."}]}
    frames = [
        {"type": R + "reasoning_summary_text.delta", "item_id": "rs_1", "delta": "On"},
        {"type": R + "reasoning_summary_part.done", "item_id": "rs_1", "part": {"text": "One"}},
        {"type": R + "reasoning_summary_text.done", "item_id": "rs_1", "text": "One"},
        done("reasoning", "rs_1", item=final),
        DONE,
    ]
    outcome = play("responses", frames)
    assert outcome.of(ev.ReasoningSummaryDone) == [
        ev.ReasoningSummaryDone(item_id="rs_1", text="One", summary_index=0),
        ev.ReasoningSummaryDone(item_id="rs_1", text="Two.", summary_index=1),
        ev.ReasoningSummaryDone(item_id="rs_1", text="Three.", summary_index=2),
    ]
    assert [part.text for part in outcome.items[0].summary] == ["One", "Two.", "Three."]


def test_raw_reasoning_agrees_with_its_deltas(play: Any) -> None:
    frames = [
        {"type": R + "reasoning_text.delta", "item_id": "rs_1", "delta": "I think"},
        done("reasoning", "rs_1", item={"content": [{"type": "reasoning_text", "text": "other"}]}),
        {"type": R + "reasoning.delta", "item_id": "rs_2", "delta": {"text": "So"}},
        {"type": R + "reasoning.done", "item_id": "rs_2", "text": "So be it"},
        {"type": R + "reasoning_part.added", "item_id": "rs_2"},
        {"type": R + "reasoning_text.delta", "item_id": "rs_2", "delta": "Next."},
        done("reasoning", "rs_2", item={"summary": None}),
        DONE,
    ]
    outcome = play("responses", frames)
    contents = [[part.text for part in item.content] for item in outcome.items]
    assert contents == [["I think"], ["So be it", "Next."]]
    indexes = [event.content_index for event in outcome.of(ev.ReasoningContentDelta)]
    assert indexes == [0, 0, 0, 1]


def test_encrypted_reasoning_keeps_the_id_that_it_was_finished_with(play: Any) -> None:
    frames = [
        added("reasoning", "rs_a", output_index=0),
        done("reasoning", "rs_b", output_index=0, item={"encrypted_content": "x"}),
        added("message", "msg_a", output_index=1),
        done("message", "msg_b", output_index=1, item=says("Hi")),
        DONE,
    ]
    outcome = play("responses", frames)
    assert [item.id for item in outcome.items] == ["rs_b", "msg_a"]


def test_reasoning_that_is_finished_late_comes_first(play: Any) -> None:
    frames = [
        added("reasoning", "rs_1"),
        done("function_call", "fc_1", item=call("{}")),
        delta("Hi"),
        done("message", "msg_1", item=says("Hi")),
        done("reasoning", "rs_1", item={"encrypted_content": "x"}),
    ]
    decoder = decoder_for("responses")
    types = [[event.type for event in decoder.feed(json.dumps(frame))] for frame in frames]
    assert "OutputItemDone" not in types[1] + types[3]
    assert types[4] == ["OutputItemDone"] * 3
    assert [item.type for item in decoder.finished_items] == [
        "reasoning",
        "function_call",
        "message",
    ]


# --- calls ---------------------------------------------------------------------------------------


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


# --- which item a frame belongs to ---------------------------------------------------------------


@pytest.mark.parametrize(
    ("frames", "texts"),
    [
        pytest.param([delta("a", None), delta("b", None)], ["ab"], id="nothing at all"),
        pytest.param(
            [delta("a", None, output_index=0), delta("b", None, output_index=1)],
            ["a", "b"],
            id="indexes only",
        ),
        pytest.param(
            [delta("a", "x"), delta("b", "y"), delta("c", "x")], ["ac", "b"], id="ids only"
        ),
        pytest.param(
            [delta("a", "x", output_index=0), delta("b", "y", output_index=0)],
            ["ab"],
            id="ids that change",
        ),
        pytest.param(
            [
                added("message", "x", output_index=0),
                added("message", "y", output_index=0),
                delta("a", "x", output_index=0),
                delta("b", "y", output_index=0),
            ],
            ["a", "b"],
            id="indexes that collide",
        ),
        pytest.param(
            [
                delta("a", "x", output_index=0),
                done("message", "x", output_index=0),
                delta("b", "y", output_index=0),
            ],
            ["a", "b"],
            id="indexes used again",
        ),
        pytest.param(
            [delta("a", None), done("message"), delta("b", None)], ["a", "b"], id="one by one"
        ),
        pytest.param(
            [delta("a", None, output_index=3), added("message", "x", output_index=3)],
            ["a"],
            id="announced late",
        ),
        pytest.param([delta("a", "x"), added("message", "x")], ["a"], id="announced late, by id"),
        pytest.param([added("message"), delta("a", "x")], ["a"], id="id told late"),
        pytest.param(
            [added("message"), delta("a", "x"), delta("b", "y")], ["a", "b"], id="another id"
        ),
        pytest.param(
            [added("message", "x"), added("message", "x"), delta("a", "x")],
            ["a"],
            id="announced twice",
        ),
        pytest.param(
            [done("message", item=says("a")), done("message", item=says("b"))],
            ["a", "b"],
            id="finished only",
        ),
        pytest.param(
            [done("message", item=says("a")), done("message", item=says("a"))],
            ["a"],
            id="finished twice",
        ),
        pytest.param(
            [{"type": R + "output_text.done", "text": "a"}, done("message", item=says("a"))],
            ["a"],
            id="done events without ids",
        ),
        pytest.param(
            [
                delta("a", None),
                done("message"),
                {"type": R + "output_text.done", "text": "a"},
            ],
            ["a"],
            id="done event after the item",
        ),
        pytest.param(
            [
                delta("a", "x", output_index=0),
                done("message", "x", output_index=0),
                {"type": R + "output_text.done", "item_id": "y", "output_index": 0, "text": "a"},
            ],
            ["a"],
            id="done event after the item, id changed",
        ),
        pytest.param(
            [
                delta("a", "x"),
                {"type": R + "output_text.done", "item_id": "y", "text": "b"},
            ],
            ["a", "b"],
            id="done event of another item",
        ),
    ],
)
def test_frames_find_their_item(frames: list[Any], texts: list[str], play: Any) -> None:
    outcome = play("responses", [*frames, DONE])
    assert [message.text for message in outcome.messages] == texts


def test_one_id_for_everything(play: Any) -> None:
    frames = [
        {"type": R + "reasoning_text.delta", "item_id": "x", "output_index": 0, "delta": "Hm"},
        delta("Hi", "x", output_index=0),
        delta("!", "x", output_index=0),
        DONE,
    ]
    outcome = play("responses", frames)
    assert (outcome.reasoning, outcome.text) == ("Hm", "Hi!")


def test_parts_without_ids_belong_to_the_open_item(play: Any) -> None:
    frames = [
        {"type": R + "content_part.added", "part": {}},
        added("message", "x"),
        delta("a", "x"),
        {"type": R + "content_part.added", "part": {}},
        delta("b", "x"),
        {"type": R + "content_part.added", "item_id": "unknown", "part": {}},
        {"type": R + "content_part.done", "part": {"type": "output_text", "text": "bc"}},
        {"type": R + "content_part.done", "part": {"type": "chart"}},
        DONE,
    ]
    assert play("responses", frames).text == "abc"


def test_output_of_the_response_fills_in_what_never_came(play: Any) -> None:
    output = [
        {"type": "reasoning", "id": "rs_1", "summary": ["Why"]},
        {"type": "message", "id": "msg_1", **says("Hello")},
        {"type": "function_call", "id": "fc_1", **call("{}")},
        {"type": "message", "id": "msg_2", "content": []},
        {"type": "file_search_call", "id": "fs_1", "queries": ["q"]},
        {"no": "type"},
        7,
    ]
    response = {"id": "resp_1", "output": output}
    frames = [delta("Hel"), {"type": "response.completed", "response": response}]
    outcome = play("responses", frames)
    assert outcome.text == "Hello"
    assert outcome.calls == [("tool", "call_1", "{}")]
    assert [item.type for item in outcome.items] == [
        "reasoning",
        "message",
        "function_call",
        "file_search_call",
    ]


def test_finished_items_are_not_repeated_from_the_output(play: Any) -> None:
    response = {
        "output": [
            {"type": "message", "id": "other", **says("Hi")},
            {"type": "function_call", "id": "another", **call("{}")},
        ]
    }
    frames = [
        done("message", "msg_1", item=says("Hi")),
        done("function_call", "fc_1", item=call("{}")),
        {"type": "response.completed", "response": response},
    ]
    assert len(play("responses", frames).items) == 2


def test_an_item_that_is_only_announced_is_dropped_if_it_is_empty(play: Any) -> None:
    frames = [
        added("message", "msg_1"),
        added("reasoning", "rs_1"),
        added("code_interpreter_call", "ci_1", item={"status": "in_progress", "code": "1"}),
        done("message", "msg_2", item=says("Hi")),
        DONE,
    ]
    outcome = play("responses", frames)
    assert [item.type for item in outcome.items] == ["code_interpreter_call", "message"]
    assert outcome.items[0].model_dump(exclude_none=True) == {
        "id": "ci_1",
        "type": "code_interpreter_call",
        "code": "1",
    }


@pytest.mark.parametrize("field", ["call_id", "name", "namespace", "arguments"])
def test_fields_of_the_wrong_type_are_left_out(field: str, play: Any) -> None:
    final = {**call("{}"), field: {"a": [1]}}
    frames = [done("function_call", "fc_1", item=final), DONE]
    (item,) = play("responses", frames).items
    assert item.type == "function_call"
    assert item.call_id in ("call_1", "fc_1")


def test_items_that_lack_what_they_need(play: Any) -> None:
    frames = [
        done("compaction", "cmp_1", item={"encrypted_content": 7}),
        done("function_call_output", "fco_1"),
        done("message", item={"id": 7, **says("Hi")}),
        DONE,
    ]
    compaction, output, message = play("responses", frames).items
    assert compaction == it.CompactionItem(id="cmp_1", encrypted_content="")
    assert output == it.FunctionCallOutputItem(id="fco_1", call_id="", output="")
    assert (message.id, message.text) == (None, "Hi")


@pytest.mark.parametrize("item", [None, 7, {}, {"type": 7}, {"id": "x"}])
@pytest.mark.parametrize("kind", ["added", "done"])
def test_items_without_a_type_are_skipped(kind: str, item: Any, play: Any) -> None:
    outcome = play("responses", [{"type": f"response.output_item.{kind}", "item": item}, DONE])
    assert outcome.decoder.skipped == 1
    assert outcome.items == []


# --- built-in tools ------------------------------------------------------------------------------


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
    # The same where the answer's end alone tells it.
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


# --- what comes beside ---------------------------------------------------------------------------


def test_created_once(play: Any) -> None:
    response = {"response": {"id": "resp_1"}}
    frames = [{"type": R + kind, **response} for kind in ("queued", "created", "in_progress")]
    outcome = play("responses", [*frames, DONE])
    assert outcome.of(ev.Created) == [ev.Created(response_id="resp_1")]
    assert play("responses", [{"type": "response.created"}]).of(ev.Created) == [ev.Created()]


@pytest.mark.parametrize(
    ("frame", "models"),
    [
        ({"headers": {"OpenAI-Model": "a"}}, ["a"]),
        ({"headers": {"x-openai-model": ["a", "b"]}}, ["a"]),
        ({"response": {"headers": {"openai-model": "a"}}, "headers": {"openai-model": "b"}}, ["a"]),
        ({"response": {"headers": {"x": "y"}}, "headers": {"openai-model": "b"}}, ["b"]),
        ({"headers": {"openai-model": []}}, []),
        ({"headers": {"openai-model": 7}}, []),
        ({"headers": "openai-model", "response": {"headers": 7}}, []),
    ],
)
def test_server_model(frame: dict[str, Any], models: list[str], play: Any) -> None:
    frame = {"type": "response.in_progress", **frame}
    outcome = play("responses", [frame, frame, DONE])
    assert [event.model for event in outcome.of(ev.ServerModel)] == models


def test_server_model_that_changes(play: Any) -> None:
    frames = [{"type": "response.metadata", "headers": {"openai-model": m}} for m in "aab"]
    outcome = play("responses", [*frames, DONE])
    assert [event.model for event in outcome.of(ev.ServerModel)] == ["a", "b"]


@pytest.mark.parametrize(
    ("buffering", "faster"),
    [
        ({"use_cases": ["u"], "reasons": ["r"]}, ["default"]),
        ({"use_cases": ["u", 7], "reasons": ["r"], "retry_model": "m"}, ["m"]),
        ({"use_cases": ["u"], "reasons": ["r"], "retry_model": None}, [None]),
        ({"use_cases": "u", "reasons": ["r"]}, []),
        ({"use_cases": ["u"]}, []),
        ("yes", []),
    ],
)
def test_safety_buffering(buffering: Any, faster: list[str | None]) -> None:
    decoder = decoder_for("responses", faster_model="default")
    frame = json.dumps({"type": "response.in_progress", "safety_buffering": buffering})
    events = [*decoder.feed(frame), *decoder.feed(frame)]
    made = [event for event in events if isinstance(event, ev.SafetyBuffering)]
    assert made == [
        ev.SafetyBuffering(use_cases=["u"], reasons=["r"], faster_model=name) for name in faster
    ]


@pytest.mark.parametrize(
    ("advised", "known"),
    [
        (["trusted_access_for_cyber", "trusted_access_for_cyber"], ["trusted_access_for_cyber"]),
        (["new", 7], None),
        ("trusted_access_for_cyber", None),
        ([], None),
    ],
)
def test_model_verifications(advised: Any, known: list[str] | None, play: Any) -> None:
    metadata = {"openai_verification_recommendation": advised}
    outcome = play("responses", [{"type": "response.metadata", "metadata": metadata}, DONE])
    made = [event.verifications for event in outcome.of(ev.ModelVerifications)]
    assert made == ([known] if known else [])


# --- frames that are none ------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("frame", "skipped"),
    [
        ("", 0),
        ("   ", 0),
        ("{", 1),
        ("null", 1),
        ("[]", 1),
        ("{}", 1),
        ('{"type":7}', 1),
        ('{"type":"response.something.new"}', 1),
        ('{"type":"other.web_search_call.x"}', 1),
        ('{"type":"response.x_call"}', 1),
        ('{"type":"ping"}', 0),
        ('{"type":"response.output_text.delta"}', 1),
        ('{"type":"response.output_text.delta","delta":{}}', 1),
        ('{"type":"response.output_text.delta","delta":""}', 0),
        ('{"type":"response.refusal.delta","delta":null}', 1),
        ("[" * 100_000, 1),
    ],
)
def test_skipped_frames_are_counted(frame: str, skipped: int, play: Any) -> None:
    outcome = play("responses", [delta("Hi"), frame, delta("!"), DONE])
    assert outcome.decoder.skipped == skipped
    assert outcome.text == "Hi!"


def test_control_characters_in_strings_are_forgiven(play: Any) -> None:
    frame = '{"type":"response.output_text.delta","delta":"a\nb"}'
    assert play("responses", [frame, DONE]).text == "a\nb"


def test_nothing_that_is_passed_on_holds_half_a_character(play: Any) -> None:
    item = {"type": "future_call", "id": "f", "note\ud83d": ["\ude00", {"deep": "x\ud83d"}]}
    deep: Any = "bottom"
    for _ in range(150):
        deep = [deep]
    frames = [
        json.dumps({"type": "response.output_item.done", "item": item}),
        json.dumps({"type": "response.output_item.done", "item": {**item, "id": "g", "d": deep}}),
        json.dumps({"type": R + "code_interpreter_call_code.delta", "delta": "\ud83d"}),
        DONE,
    ]
    outcome = play("responses", frames)
    assert outcome.items[0].model_dump()["note\ufffd"] == ["\ufffd", {"deep": "x\ufffd"}]
    assert "bottom" not in outcome.events[3].to_json()


def test_nothing_that_is_passed_on_is_too_deep_to_be_written(play: Any) -> None:
    deep: Any = "bottom"
    for _ in range(150):
        deep = [deep]
    chunk = {"choices": [{"delta": {"annotations": [{"type": "note", "deep": deep}]}}]}
    frames = [
        added("future_call", "a", item={"deep": deep}),
        done("future_call", "b", item={"deep": deep}),
        {"type": R + "output_text.annotation.added", "annotation": {"deep": deep}},
        {
            "type": "response.metadata",
            "metadata": {"openai_chatgpt_moderation_metadata": {"deep": deep}},
        },
        {
            "type": "response.completed",
            "response": {"output": [{"type": "future_call", "id": "c", "deep": deep}]},
        },
    ]
    for outcome in (play("responses", frames), play("chat", [chunk, "[DONE]"])):
        written = [event.to_json() for event in outcome.events]
        assert any('"deep"' in text for text in written)
        assert not any("bottom" in text for text in written)


@pytest.mark.parametrize("opening", ["[", '{"a":', '[{"a":', '{"a":"\\u0041",'])
@pytest.mark.parametrize("levels", [150, 300, 1_000, 200_000])
def test_an_abyss_is_no_frame_and_no_fall(opening: str, levels: int, play: Any) -> None:
    abyss = opening * levels
    call_of = {"type": R + "function_call_arguments.delta", "item_id": "fc_1", "delta": abyss}
    frames = [
        abyss,
        f'{{"type":"ping","half":"\\ud83d","deep":{abyss}',
        added("function_call", "fc_1", item=call()),
        call_of,
        done("function_call", "fc_1", item=call("{}")),
        DONE,
    ]
    outcome = play("responses", frames, exact=False)
    assert outcome.decoder.skipped == 2
    assert outcome.calls == [("tool", "call_1", "{}")]


@pytest.mark.parametrize(
    ("deltas", "text"),
    [
        (["\ud83d", "\ude00"], "😀"),
        (["a\ud83d", "\ude00b"], "a😀b"),
        (["\ud83d", "a"], "\ufffda"),
        (["\ude00"], "\ufffd"),
        (["a\ud83d"], "a\ufffd"),
        (["\ud83d"], ""),
        (["\ud83d", "\ud83d\ude00"], "\ufffd😀"),
    ],
)
def test_halves_of_characters(deltas: list[str], text: str, play: Any) -> None:
    frames = [json.dumps(delta(piece)) for piece in deltas]
    outcome = play("responses", [*frames, DONE])
    assert outcome.text == text or (text == "" and outcome.text == "\ufffd")
    assert "".join(message.text for message in outcome.messages) == outcome.text


def test_half_a_character_before_another_part(play: Any) -> None:
    frames = [
        json.dumps(delta("a\ud83d")),
        {"type": R + "refusal.delta", "item_id": "msg_1", "delta": "no"},
        json.dumps({"type": R + "function_call_arguments.delta", "delta": "\ud83d"}),
        DONE,
    ]
    outcome = play("responses", frames)
    assert (outcome.text, outcome.refusal) == ("a\ufffd", "no")


# --- the end -------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("frame", "response_id"),
    [
        (DONE, "resp_1"),
        ({"type": "response.done", "response": {"id": "resp_1", "status": "completed"}}, "resp_1"),
        ({"type": "response.completed"}, ""),
        ({"type": "response.completed", "response": {"id": 7, "usage": "?"}}, ""),
        ("[DONE]", ""),
    ],
)
def test_completion(frame: Any, response_id: str, play: Any) -> None:
    outcome = play("responses", [done("message", "msg_1", item=says("Hi")), frame])
    assert outcome.decoder.complete
    assert outcome.error is None
    assert outcome.completed.response_id == response_id
    assert len(outcome.events) == outcome.fed


def test_sentinel_is_not_believed_while_something_is_half_said(play: Any) -> None:
    assert play("responses", ["[DONE]"]).error.kind == ErrorKind.STREAM_CLOSED
    outcome = play("responses", [done("message", "a", item=says("Hi")), delta("Ha"), "[DONE]"])
    assert outcome.error.kind == ErrorKind.STREAM_CLOSED
    assert outcome.completed.response_id == ""


@pytest.mark.parametrize("status", ["failed", "incomplete", "cancelled"])
def test_status_of_a_completed_response_counts(status: str, play: Any) -> None:
    response = {"status": status, "error": {"message": "Oh no"}}
    outcome = play("responses", [delta("Hi"), {"type": "response.completed", "response": response}])
    assert not outcome.decoder.complete
    assert outcome.error is not None
    assert outcome.messages[0].text == "Hi"


@pytest.mark.parametrize(
    ("kind", "response", "code", "words"),
    [
        ("incomplete", {"incomplete_details": {"reason": "max_output_tokens"}}, True, "limit"),
        ("incomplete", {"incomplete_details": {"reason": "content_filter"}}, True, "filter"),
        ("incomplete", {"incomplete_details": {"reason": "sleepy"}}, True, "sleepy"),
        ("incomplete", {"incomplete_details": "?"}, False, "does not say why"),
        ("incomplete", None, False, "does not say why"),
        ("cancelled", {}, True, "cancelled"),
    ],
)
def test_incomplete(kind: str, response: Any, code: bool, words: str, play: Any) -> None:
    frame = {"type": f"response.{kind}", "response": response}
    outcome = play("responses", [delta("Hi"), frame])
    assert outcome.error.kind == ErrorKind.INCOMPLETE
    assert not outcome.error.retryable
    assert words in outcome.error.message
    assert outcome.error.hint
    assert (outcome.error.server_code is not None) is code
    assert outcome.messages[0].text == "Hi"


def test_incomplete_response_fills_in_what_is_whole(play: Any) -> None:
    output = [
        {"type": "message", "id": "msg_1", "status": "incomplete", **says("Hello")},
        {"type": "function_call", "id": "fc_1", "status": "completed", **call("{}")},
        {"type": "function_call", "id": "fc_2", "status": "incomplete", **call('{"')},
        {"type": "function_call", "id": "fc_3", "status": "incomplete", **call('{"')},
    ]
    frames = [
        delta("Hel"),
        added("function_call", "fc_2", item=call()),
        {
            "type": "response.incomplete",
            "response": {"id": "resp_1", "output": output, "usage": {"output_tokens": 3}},
        },
    ]
    outcome = play("responses", frames)
    assert outcome.text == "Hello"
    assert outcome.calls == [("tool", "call_1", "{}")]
    assert outcome.usage == TokenUsage(output_tokens=3, total_tokens=3)
    assert outcome.completed.response_id == "resp_1"


@pytest.mark.parametrize(
    ("frame", "kind"),
    [
        (
            {"type": "error", "code": "context_length_exceeded", "message": "Too long"},
            ErrorKind.CONTEXT_WINDOW_EXCEEDED,
        ),
        (
            {"type": "error", "error": {"code": "insufficient_quota", "message": "No money"}},
            ErrorKind.QUOTA_EXCEEDED,
        ),
        ({"type": "response.error", "error": {"message": "?"}}, ErrorKind.SERVER_ERROR),
        ({"type": "error", "code": 503, "message": "Busy"}, ErrorKind.SERVER_ERROR),
        ({"type": "error"}, ErrorKind.SERVER_ERROR),
        ({"error": {"code": "insufficient_quota"}}, ErrorKind.QUOTA_EXCEEDED),
        ({"error": "plain words"}, ErrorKind.SERVER_ERROR),
        ({"object": "error", "message": "vLLM words", "code": 400}, ErrorKind.INVALID_REQUEST),
        (
            {"type": "response.failed", "response": {"error": {"code": "server_is_overloaded"}}},
            ErrorKind.SERVER_OVERLOADED,
        ),
        ({"type": "response.failed"}, ErrorKind.SERVER_ERROR),
    ],
)
def test_errors_end_the_answer(frame: dict[str, Any], kind: ErrorKind, play: Any) -> None:
    decoder = decoder_for("responses")
    decoder.feed(json.dumps(delta("Hi")))
    assert decoder.feed(json.dumps(frame)) == []
    assert decoder.done
    assert decoder.has_open, "open items stay open, so that the request can be repeated"
    outcome = play("responses", [delta("Hi"), frame, delta("late")])
    assert outcome.error.kind == kind
    assert outcome.text == "Hi"
    assert outcome.messages[0].text == "Hi"


def test_stream_of_another_kind(play: Any) -> None:
    chunk = {"object": "chat.completion.chunk", "choices": [{"delta": {"content": "Hi"}}]}
    decoder = decoder_for("responses")
    decoder.feed(json.dumps(chunk))
    assert decoder.foreign
    outcome = play("responses", [chunk, chunk])
    assert outcome.error.kind == ErrorKind.BAD_RESPONSE
    assert not outcome.error.retryable
    assert "wire API" in outcome.error.hint


@pytest.mark.parametrize("frames", [[], [": comment"][:0], ["{"], [{"type": "ping"}]])
def test_streams_that_say_nothing(frames: list[Any], play: Any) -> None:
    outcome = play("responses", frames)
    assert outcome.types == ["Completed"]
    assert outcome.error.kind in (ErrorKind.STREAM_CLOSED, ErrorKind.BAD_RESPONSE)


# --- bodies that are not streamed ----------------------------------------------------------------


def body(value: Any) -> tuple[Any, list[Any]]:
    data = value if isinstance(value, bytes) else json.dumps(value).encode()
    decoder = decoder_for("responses", now=lambda: 0.0)
    events = decoder.feed_body(data)
    return decoder, [*events, *decoder.close()]


@pytest.mark.parametrize("wrapped", [False, True])
def test_whole_response(wrapped: bool) -> None:
    response = {
        "id": "resp_1",
        "object": "response",
        "status": "completed",
        "output": [
            {"type": "reasoning", "id": "rs_1", "summary": [{"text": "Why"}]},
            {"type": "message", "id": "msg_1", **says("Hello 😀")},
            {"type": "function_call", "id": "fc_1", **call('{"a":1}')},
        ],
        "usage": {"input_tokens": 1, "output_tokens": 2, "total_tokens": 3},
    }
    value = {"type": "response.completed", "response": response} if wrapped else response
    decoder, events = body(value)
    types = [event.type for event in events]
    assert ("Created" in types) is not wrapped
    assert decoder.complete
    assert types[-1] == "Completed"
    assert types.count("OutputItemDone") == 3
    deltas = [event.delta for event in events if isinstance(event, ev.OutputTextDelta)]
    assert deltas == ["Hello 😀"]
    assert events[-1].token_usage.total_tokens == 3


@pytest.mark.parametrize(
    ("value", "kind"),
    [
        (b"", ErrorKind.BAD_RESPONSE),
        (b"\xff\xfe", ErrorKind.BAD_RESPONSE),
        (b"[]", ErrorKind.BAD_RESPONSE),
        ({}, ErrorKind.BAD_RESPONSE),
        ({"choices": [{"message": {"content": "Hi"}}]}, ErrorKind.BAD_RESPONSE),
        ({"output": [], "status": "queued"}, ErrorKind.BAD_RESPONSE),
        ({"type": "response.created", "response": {}}, ErrorKind.BAD_RESPONSE),
        ({"error": {"code": "insufficient_quota"}}, ErrorKind.QUOTA_EXCEEDED),
        (
            {"output": [], "status": "failed", "error": {"code": "insufficient_quota"}},
            ErrorKind.QUOTA_EXCEEDED,
        ),
        ({"output": [], "status": "incomplete"}, ErrorKind.INCOMPLETE),
    ],
)
def test_bodies_that_are_no_answer(value: Any, kind: ErrorKind) -> None:
    decoder, events = body(value)
    assert decoder.error is not None
    assert decoder.error.kind == kind
    assert [event.type for event in events][-1] == "Completed"


# --- usage ---------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("raw", "usage"),
    [
        (None, None),
        ({}, None),
        ([1], None),
        ({"input_tokens": None}, None),
        ({"input_tokens": True, "output_tokens": "many"}, None),
        ({"input_tokens": 1.0, "output_tokens": "2"}, (1, 0, 0, 2, 0, 3)),
        ({"input_tokens": -1, "output_tokens": 2}, (0, 0, 0, 2, 0, 2)),
        ({"total_tokens": 9}, (0, 0, 0, 0, 0, 9)),
        ({"input_tokens": 1, "input_tokens_details": None}, (1, 0, 0, 0, 0, 1)),
        (
            {"input_tokens": 1, "input_tokens_details": 7, "output_tokens_details": []},
            (1, 0, 0, 0, 0, 1),
        ),
        (
            {
                "input_tokens": 10,
                "input_tokens_details": {"cached_tokens": 4.0, "cache_write_tokens": 3},
                "output_tokens": 5,
                "output_tokens_details": {"reasoning_tokens": 2},
                "total_tokens": 15,
            },
            (10, 4, 3, 5, 2, 15),
        ),
        (
            {
                "prompt_tokens": 10,
                "prompt_cache_hit_tokens": 4,
                "cache_creation_input_tokens": 3,
                "completion_tokens": 5,
                "reasoning_tokens": 2,
            },
            (10, 4, 3, 5, 2, 15),
        ),
    ],
)
def test_usage_of_any_shape(raw: Any, usage: tuple[int, ...] | None, play: Any) -> None:
    frame = {"type": "response.completed", "response": {"usage": raw}}
    used = play("responses", [frame]).usage
    assert used == (
        None
        if usage is None
        else TokenUsage(**dict(zip(TokenUsage.model_fields, usage, strict=True)))
    )


def test_usage_that_is_not_finite(play: Any) -> None:
    frame = (
        '{"type":"response.completed","response":{"usage":{"input_tokens":NaN,"total_tokens":7}}}'
    )
    assert play("responses", [frame]).usage == TokenUsage(total_tokens=7)
