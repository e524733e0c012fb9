"""Responses API: which item a frame belongs to."""

from __future__ import annotations

from typing import Any

import pytest

from sidestream.types import items as it
from tests.decode.responses.frames import DONE, R, added, call, delta, done, says


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
        pytest.param(
            [
                added("reasoning", "r", output_index=0),
                delta("a", None, output_index=1),
                done("message", output_index=1, item=says("a")),
                added("message", output_index=1),
                delta("b", None, output_index=2),
                done("message", output_index=2, item=says("b")),
                delta("c", None, output_index=3),
            ],
            ["a", "b", "c"],
            id="announced again without an id, then others",
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


def test_output_of_the_response_fills_in_missing_items(play: Any) -> None:
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
