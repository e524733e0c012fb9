from __future__ import annotations

import json
from dataclasses import replace
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from sidestream.payload.history import (
    ABORTED,
    AUDIO_OMITTED,
    IMAGE_OMITTED,
    IMAGE_SHOWN,
    MAX_IMAGES,
    NO_OUTPUT,
    as_function_call,
)
from sidestream.payload.history import valid_history as sendable_history
from sidestream.receivers import Receiver
from sidestream.types.items import (
    CustomToolCallItem,
    CustomToolCallOutputItem,
    FunctionCallItem,
    FunctionCallOutputItem,
    LocalShellCallItem,
    MessageItem,
    OtherItem,
    ReasoningItem,
    ResponseItem,
    ToolSearchCallItem,
    ToolSearchOutputItem,
    response_item,
)
from sidestream.types.wire_api import WireApi

ALL = Receiver(stored_items=True, raw_reasoning=True)
NOTHING = Receiver(
    images=False,
    audio=False,
    encrypted_reasoning=False,
    custom_calls=False,
    provider_items=False,
)


def valid_history(items: Any, receiver: Receiver = ALL) -> list[ResponseItem]:
    return sendable_history(items, receiver)


def item(type_: str, **fields: Any) -> ResponseItem:
    return response_item.validate_python({"type": type_, **fields})


def said(role: str, *content: Any, **fields: Any) -> ResponseItem:
    text = content[0] if len(content) == 1 and isinstance(content[0], str) else list(content)
    return item("message", role=role, content=text, **fields)


def call(
    call_id: str = "c1", name: str = "f", arguments: str = "{}", **fields: Any
) -> ResponseItem:
    return item("function_call", call_id=call_id, name=name, arguments=arguments, **fields)


def out(call_id: str = "c1", output: Any = "done", **fields: Any) -> ResponseItem:
    return item("function_call_output", call_id=call_id, output=output, **fields)


USER = said("user", "Hi")
IMAGE = {"type": "input_image", "image_url": "data:image/png;base64,AA=="}
AUDIO = {"type": "input_audio", "audio_url": "data:audio/wav;base64,AA=="}


def test_a_good_history_stays_as_it_is() -> None:
    items = [
        said("developer", "Be brief."),
        USER,
        item("reasoning", id="rs_1", encrypted_content="gAAA"),
        said("assistant", "I look it up.", id="msg_1"),
        call("c1", arguments='{"q": 1}'),
        call("c2"),
        out("c1"),
        out("c2", [{"type": "input_text", "text": "x"}, IMAGE]),
        item("web_search_call", status="completed"),
        said("assistant", "Done."),
        item("compaction", encrypted_content="gBBB"),
        item("image_generation_call", id="ig_1", status="completed", result="AA=="),
        item("tool_search_call", execution="server"),
        item("tool_search_output", execution="server", tools=[]),
        item("context_compaction", encrypted_content="gCCC"),
        said("user", {"type": "input_text", "text": "And?"}, AUDIO),
    ]
    assert valid_history(items) == items
    assert valid_history([]) == []


# --- calls and outputs -------------------------------------------------------------------------


def test_a_missing_output_is_made_up_after_the_run_of_calls() -> None:
    assert valid_history([call("c1"), call("c2"), out("c2"), USER]) == [
        call("c1"),
        call("c2"),
        out("c1", ABORTED),
        out("c2"),
        USER,
    ]
    custom = item("custom_tool_call", call_id="c3", name="f", input="x")
    search = item("tool_search_call", call_id="c4", execution="client")
    shell = item("local_shell_call", id="lsh_1", action={"command": ["ls"]})
    assert valid_history([custom, search, shell])[3:] == [
        CustomToolCallOutputItem(call_id="c3", output=ABORTED),
        ToolSearchOutputItem(call_id="c4", status="completed", execution="client"),
        FunctionCallOutputItem(call_id="lsh_1", output=ABORTED),
    ]


def test_outputs_without_a_call_and_second_outputs_are_dropped() -> None:
    assert valid_history([out("c0"), call("c1"), out("c1"), out("c1", "again"), USER]) == [
        call("c1"),
        out("c1"),
        USER,
    ]
    assert valid_history([out("c1"), call("c1")]) == [call("c1"), out("c1", ABORTED)]


def test_outputs_move_to_their_calls_and_text_beside_a_call_stays() -> None:
    text = said("assistant", "I look it up.")
    assert valid_history([call("c1"), text, out("c1")]) == [call("c1"), text, out("c1")]
    assert valid_history([call("c1"), USER, call("c2"), out("c1"), out("c2")]) == [
        call("c1"),
        out("c1"),
        USER,
        call("c2"),
        out("c2"),
    ]
    assert valid_history([call("c1"), call("c2"), out("c2"), out("c1")]) == [
        call("c1"),
        call("c2"),
        out("c1"),
        out("c2"),
    ]
    rounds = [call("c1"), out("c1"), text, call("c2"), out("c2")]
    assert valid_history(rounds) == rounds


def test_call_ids_that_are_used_again_become_different() -> None:
    items = [call("0"), out("0", "a"), USER, call("0"), out("0", "b"), call("0_2"), out("0_2", "c")]
    assert valid_history(items) == [
        call("0"),
        out("0", "a"),
        USER,
        call("0_2"),
        out("0_2", "b"),
        call("0_2_2"),
        out("0_2_2", "c"),
    ]
    both = [call("0", "f"), call("0", "g"), out("0", "of f"), out("0", "of g")]
    assert valid_history(both) == [
        call("0", "f"),
        call("0_2", "g"),
        out("0", "of f"),
        out("0_2", "of g"),
    ]


def test_calls_without_an_id_get_one() -> None:
    items = [call(""), call("", "g"), out("", "a"), out("", "b")]
    assert valid_history(items) == [
        call("call"),
        call("call_2", "g"),
        out("call", "a"),
        out("call_2", "b"),
    ]
    assert valid_history([item("local_shell_call")]) == []


def test_items_that_are_there_twice_are_sent_once() -> None:
    message = said("assistant", "Hi", id="msg_1")
    why = item("reasoning", id="rs_1", encrypted_content="g")
    calls = [call(id="fc_1"), call(id="fc_2"), call()]
    items = [why, message, why, message, *calls, out(), USER, USER]
    assert valid_history(items) == [why, message, call(id="fc_1"), out(), USER, USER]


def test_a_call_that_is_made_again_is_sent_again() -> None:
    # Some servers number their ids from the start in each answer.
    items = [call(), out(), call(), out(output="done again")]
    again = out("c1_2", output="done again")
    assert valid_history(items) == [call(), out(), call("c1_2"), again]


def test_different_items_with_one_id_are_both_kept() -> None:
    first, second = said("assistant", "a", id="msg_0"), said("assistant", "b", id="msg_0")
    why = item("reasoning", id="rs_1", encrypted_content="g")
    assert valid_history([why, first, second, second]) == [why, first, said("assistant", "b")]


def test_ids_and_reasoning_keep_each_other() -> None:
    # "Item 'msg_…' was provided without its required 'reasoning' item", and the reverse
    # (openclaw#88067, openai-agents-python#1611).
    why = item("reasoning", id="rs_1", encrypted_content="g")
    answer, unnamed = said("assistant", "a", id="msg_1"), said("assistant", "a")
    assert valid_history([why, answer]) == [why, answer]
    assert valid_history([USER, answer, USER]) == [USER, unnamed, USER]
    nameless = why.model_copy(update={"id": None})
    assert valid_history([why, unnamed]) == [nameless, unnamed]
    assert valid_history([item("reasoning", id="rs_1"), unnamed]) == [unnamed]
    assert valid_history([USER, why, USER]) == [USER, USER]
    assert valid_history([why, call(id="fc_1"), out(), answer])[-1] == unnamed


def test_an_output_takes_the_kind_of_its_call() -> None:
    custom = item("custom_tool_call", call_id="c1", name="f", input="x")
    assert valid_history([custom, out("c1")])[1] == CustomToolCallOutputItem(
        call_id="c1", output="done"
    )
    custom_out = item("custom_tool_call_output", call_id="c1", output="done", name="f")
    assert valid_history([call("c1"), custom_out])[1] == out("c1")
    assert valid_history([custom, custom_out]) == [custom, custom_out]
    shell = item("local_shell_call", call_id="c1", action={})
    assert valid_history([shell, out("c1")]) == [shell, out("c1")]


def test_tool_searches_are_paired_among_themselves() -> None:
    search = item("tool_search_call", call_id="c1", execution="client")
    found = item("tool_search_output", call_id="c1", execution="client", tools=[{"a": 1}])
    assert valid_history([search, found]) == [search, found]
    assert valid_history([search, out("c1")]) == [
        search,
        ToolSearchOutputItem(call_id="c1", status="completed", execution="client"),
    ]
    assert valid_history([call("c1"), found]) == [call("c1"), out("c1", ABORTED)]


@pytest.mark.parametrize(
    ("arguments", "sent"),
    [
        ('{"a": 1}', '{"a": 1}'),
        ("", "{}"),
        (" ", "{}"),
        ('{"a": ', '{"input": "{\\"a\\": "}'),
        ("[1]", '{"input": "[1]"}'),
        ("[" * 100_000, json.dumps({"input": "[" * 100_000})),
    ],
)
def test_arguments_are_always_a_json_object(arguments: str, sent: str) -> None:
    [sent_call, _] = valid_history([call(arguments=arguments)])
    assert isinstance(sent_call, FunctionCallItem)
    assert sent_call.arguments == sent


def test_calls_without_a_name_are_dropped_with_their_outputs() -> None:
    nameless = [call("c1", ""), out("c1"), item("custom_tool_call", call_id="c2"), USER]
    assert valid_history(nameless) == [USER]


# --- what receivers can read -------------------------------------------------------------------


def test_other_items_are_left_out() -> None:
    assert valid_history([OtherItem(type="compaction_trigger"), USER]) == [USER]


def test_parts_take_the_type_that_belongs_to_the_role() -> None:
    text, spoken = {"type": "input_text", "text": "a"}, {"type": "output_text", "text": "b"}
    refusal = {"type": "refusal", "refusal": "No."}
    unknown = {"type": "hologram"}
    [mine] = valid_history([said("user", spoken, refusal, unknown, {**text, "text": ""})])
    assert mine == said("user", {**text, "text": "b"}, {**text, "text": "No."})
    [its] = valid_history([said("assistant", text, refusal, IMAGE, AUDIO)])
    assert its == said("assistant", {**spoken, "text": "a"}, refusal)


@pytest.mark.parametrize("content", [(), ("",), (" \n",), ({"type": "hologram"},)])
def test_an_empty_message_is_dropped(content: Any) -> None:
    assert valid_history([said("user", *content), USER]) == [USER]


def test_blanks_between_words_stay() -> None:
    parts = [{"type": "input_text", "text": text} for text in ("a", " ", "b")]
    assert valid_history([said("user", *parts)]) == [said("user", *parts)]


def test_images_and_recordings_are_replaced_for_models_that_take_none() -> None:
    items = [said("user", IMAGE, AUDIO), call(), out(output=[IMAGE])]
    assert valid_history(items, NOTHING) == [
        said(
            "user",
            {"type": "input_text", "text": IMAGE_OMITTED},
            {"type": "input_text", "text": AUDIO_OMITTED},
        ),
        call(),
        out(output=[{"type": "input_text", "text": IMAGE_OMITTED}]),
    ]
    assert valid_history([call(), out(output=[{"type": "hologram"}])]) == [call(), out(output="")]
    image = item("image_generation_call", id="ig_1", result="AA==")
    assert valid_history([image], replace(ALL, images=False)) == []
    assert valid_history([item("image_generation_call", id="ig_1")]) == []


def test_the_latest_images_are_sent_again_as_far_as_there_is_room() -> None:
    share = MAX_IMAGES // 3
    images = [
        item("image_generation_call", id=f"ig_{number}", result="A" * share) for number in range(5)
    ]
    history = [USER, *images[:3], said("assistant", "Three."), *images[3:]]
    assert valid_history(history) == [USER, images[2], said("assistant", "Three."), *images[3:]]
    alone = [item("image_generation_call", id="ig_1", result="A" * (MAX_IMAGES + 1))]
    assert valid_history([USER, *alone]) == [USER]


# --- calls of the provider's tools -------------------------------------------------------------


def ran(item_id: str | None = "ci_1", **fields: Any) -> ResponseItem:
    return item("code_interpreter_call", id=item_id, **{"code": "1 + 1", **fields})


@pytest.mark.parametrize(
    ("fields", "output"),
    [
        ({}, NO_OUTPUT),
        ({"outputs": []}, NO_OUTPUT),
        ({"outputs": [{"type": "logs", "logs": "2"}, {"type": "logs", "logs": "3"}]}, "2\n3"),
        ({"outputs": [{"type": "image", "url": "data:image/png;base64,AA=="}]}, IMAGE_SHOWN),
        ({"outputs": [{"type": "logs", "logs": 7}, {"type": "hologram"}]}, NO_OUTPUT),
        (
            {"status": "failed", "outputs": [{"type": "logs", "logs": "No."}]},
            "No.\nThe code failed.",
        ),
    ],
)
def test_code_that_ran_at_the_provider_becomes_a_call_with_its_output(
    fields: dict[str, Any], output: str
) -> None:
    history = [USER, ran(**fields), said("assistant", "Two.")]
    told = [
        USER,
        call("ci_1", "code_interpreter", '{"code": "1 + 1"}'),
        out("ci_1", output),
        said("assistant", "Two."),
    ]
    assert valid_history(history, NOTHING) == told
    assert valid_history(history, replace(ALL, stored_items=False)) == told
    assert valid_history(history) == history, "where it is stored, it stays what it is"
    assert valid_history([ran(code=None, outputs=None)], NOTHING) == []


def test_code_without_an_id_has_its_own_output_all_the_same() -> None:
    first, second = (ran(None, outputs=[{"type": "logs", "logs": text}]) for text in "ab")
    made = valid_history([first, call("", "other"), out(""), second])
    assert [getattr(each, "output", "") for each in made] == ["", "a", "", "done", "", "b"]
    assert len({getattr(each, "call_id", "") for each in made}) == 3


def test_a_file_search_is_sent_again_where_it_is_stored() -> None:
    found = item("file_search_call", id="fs_1", queries=["q"])
    assert valid_history([found]) == [found]
    assert valid_history([found], NOTHING) == []
    assert valid_history([found], replace(ALL, stored_items=False)) == []
    assert valid_history([item("file_search_call", id="other")]) == []


@pytest.mark.parametrize(
    ("receiver", "fields", "sent"),
    [
        (ALL, {"encrypted_content": "g"}, {"encrypted_content": "g"}),
        (replace(ALL, encrypted_reasoning=False), {"encrypted_content": "g"}, None),
        (replace(ALL, raw_reasoning=False), {"content": [{"text": "why"}]}, None),
        (ALL, {"content": [{"text": "why"}, {"text": ""}]}, {"content": [{"text": "why"}]}),
        (ALL, {"content": [{"text": ""}]}, None),
        (ALL, {"summary": [{"text": "short"}]}, None),
        (
            replace(ALL, raw_reasoning=False),
            {"content": [{"text": "why"}], "encrypted_content": "g"},
            {"encrypted_content": "g"},
        ),
        (replace(ALL, stored_items=False), {"id": "rs_1"}, None),
        (ALL, {"id": "rs_1"}, {"id": "rs_1"}),
        (ALL, {"id": "rs_"}, None),
        (ALL, {"id": "reasoning-1"}, None),
        (ALL, {}, None),
    ],
)
def test_reasoning_goes_to_those_who_can_read_it(
    receiver: Receiver, fields: dict[str, Any], sent: dict[str, Any] | None
) -> None:
    def reasoning(fields: dict[str, Any]) -> ResponseItem:
        return ReasoningItem.model_validate({"summary": [], **fields})

    answer = said("assistant", "So.", id="msg_1")
    alone = said("assistant", "So.")
    found = valid_history([reasoning(fields), answer], receiver)
    assert found[:-1] == ([reasoning(sent)] if sent is not None else [])
    assert found[-1] == (answer if sent and "id" in sent else alone)
    assert valid_history([reasoning(fields)], receiver) == []


def test_providers_own_items_become_function_calls_or_go() -> None:
    items = [
        item("web_search_call", id="ws_1"),
        item("compaction", encrypted_content="g"),
        item("context_compaction"),
        item("image_generation_call", id="ig_1", result="AA=="),
        item("tool_search_call", execution="server"),
        item("tool_search_output", execution="server"),
        item("custom_tool_call", call_id="c1", name="patch", namespace="ns", input="x"),
        item("custom_tool_call_output", call_id="c1", output="ok"),
        item("local_shell_call", call_id="c2", action={"command": ["ls"]}),
        out("c2", "files"),
        item("tool_search_call", call_id="c3", execution="client", arguments={"q": 1}),
        item("tool_search_output", call_id="c3", execution="client", tools=[{"a": 1}]),
    ]
    assert valid_history(items, NOTHING) == [
        call("c1", "patch", '{"input": "x"}', namespace="ns"),
        out("c1", "ok"),
        call("c2", "local_shell", '{"command": ["ls"]}'),
        out("c2", "files"),
        call("c3", "tool_search", '{"q": 1}'),
        out("c3", '[{"a": 1}]'),
    ]
    assert valid_history([item("context_compaction")]) == []


def test_a_function_call_is_one_already() -> None:
    made = FunctionCallItem(name="f")
    assert as_function_call(made) is made


# --- any history -------------------------------------------------------------------------------

ids = st.sampled_from([None, "", "rs_1", "msg_1", "fc_1", "x"])
call_ids = st.sampled_from(["", "a", "a_2", "b", "call"])
texts = st.sampled_from(["", " ", "a", "{}", '{"a": 1}', "["])
contents = st.lists(
    st.one_of(
        st.builds(lambda text: {"type": "input_text", "text": text}, texts),
        st.builds(lambda text: {"type": "output_text", "text": text}, texts),
        st.builds(lambda text: {"type": "refusal", "refusal": text}, texts),
        st.sampled_from([IMAGE, AUDIO, {"type": "hologram"}]),
    ),
    max_size=3,
)
outputs = texts | contents


def some(type_: str, **fields: st.SearchStrategy[Any]) -> st.SearchStrategy[ResponseItem]:
    return st.fixed_dictionaries({"type": st.just(type_), "id": ids, **fields}).map(
        response_item.validate_python
    )


histories = st.lists(
    st.one_of(
        some(
            "message",
            role=st.sampled_from(["user", "assistant", "system", "developer"]),
            content=contents,
        ),
        some(
            "reasoning",
            content=st.none() | st.just([{"text": "w"}]),
            encrypted_content=st.sampled_from([None, "", "g"]),
        ),
        some("function_call", call_id=call_ids, name=st.sampled_from(["", "f"]), arguments=texts),
        some("function_call_output", call_id=call_ids, output=outputs),
        some("custom_tool_call", call_id=call_ids, name=st.sampled_from(["", "f"]), input=texts),
        some("custom_tool_call_output", call_id=call_ids, output=outputs),
        some("local_shell_call", call_id=st.none() | call_ids),
        some("tool_search_call", call_id=st.none() | call_ids, arguments=texts),
        some("tool_search_output", call_id=st.none() | call_ids),
        some("web_search_call"),
        some("code_interpreter_call", code=st.sampled_from([None, "1"])),
        some("file_search_call"),
        some("image_generation_call", result=st.sampled_from([None, "AA=="])),
        some("compaction", encrypted_content=texts),
        some("context_compaction"),
        some("unheard_of"),
    ),
    max_size=12,
)
RULES = (
    *("images", "audio", "encrypted_reasoning", "raw_reasoning", "custom_calls", "namespaces"),
    *("provider_items", "stored_items", "reasoning_ids", "merges_users", "bridges_tools"),
    *("starts_with_user", "ends_with_user", "system_first", "blank_outputs", "call_id_exact"),
)
receivers = st.builds(
    Receiver,
    wire_api=st.sampled_from(WireApi),
    call_id_length=st.sampled_from([9, 40, 64]),
    call_id_characters=st.sampled_from(["any", "word", "alphanumeric"]),
    reasoning_back=st.sampled_from(["never", "turn", "tools", "always"]),
    **{rule: st.booleans() for rule in RULES},
)

CALLS = (FunctionCallItem, CustomToolCallItem, LocalShellCallItem, ToolSearchCallItem)
OUTPUTS = (FunctionCallOutputItem, CustomToolCallOutputItem, ToolSearchOutputItem)


@given(items=histories, receiver=receivers)
def test_any_history_becomes_valid(items: list[ResponseItem], receiver: Receiver) -> None:
    sent = valid_history(items, receiver)
    waiting: dict[str, ResponseItem] = {}
    seen: set[str] = set()
    for it in sent:
        assert not isinstance(it, OtherItem)
        call_id = getattr(it, "call_id", None)
        if isinstance(it, CALLS) and call_id:
            assert call_id not in seen
            assert getattr(it, "name", "named")
            seen.add(call_id)
            waiting[call_id] = it
        elif isinstance(it, OUTPUTS) and call_id:
            made = waiting.pop(call_id)
            assert isinstance(made, CustomToolCallItem) == isinstance(it, CustomToolCallOutputItem)
            assert isinstance(made, ToolSearchCallItem) == isinstance(it, ToolSearchOutputItem)
        elif isinstance(it, MessageItem):
            assert it.content
            assert not waiting or it.role == "assistant"
        if isinstance(it, ReasoningItem):
            assert receiver.encrypted_reasoning or not it.encrypted_content
            assert receiver.raw_reasoning or not it.content
        if not receiver.custom_calls:
            assert not isinstance(it, CustomToolCallItem)
        if not receiver.images:
            assert "input_image" not in it.to_json()
        if not receiver.audio:
            assert "input_audio" not in it.to_json()
    assert not waiting
    named = [(it.type, it.id) for it in sent if it.id]
    assert len(set(named)) == len(named)


@given(items=histories, receiver=receivers)
def test_a_valid_history_stays_as_it_is(items: list[ResponseItem], receiver: Receiver) -> None:
    sent = valid_history(items, receiver)
    assert valid_history(sent, receiver) == sent


@given(items=histories)
def test_no_text_gets_lost(items: list[ResponseItem]) -> None:
    def words(items: list[ResponseItem]) -> list[str]:
        texts = [it.text for it in items if isinstance(it, MessageItem)]
        return [text for text in texts if text.strip()]

    unnamed = [it.model_copy(update={"id": None}) for it in items]
    sent = words(valid_history(unnamed))
    assert [text for text in words(unnamed) if not any(text in other for other in sent)] == []
