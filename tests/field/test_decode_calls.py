"""Public reports about calls and items that were assembled wrongly."""

from __future__ import annotations

import json
from typing import Any

import pytest

from sidestream.decode import decoder_for
from tests.field.decoding import (
    added,
    call,
    chat,
    completed,
    done,
    message,
    outline,
    read,
    sse,
    text,
)

WEATHER = '{"city":"Rome"}'

# Deltas of the calls, and the calls.
CALLS: dict[str, tuple[list[dict[str, Any]], list[tuple[str, str]]]] = {
    # LiteLLM and Bedrock gateways before Claude
    "empty object first": (
        [
            call("get", "{}", index=0, id="1"),
            call(None, "", index=0),
            call(None, '{"city":', index=0),
            call(None, '"Rome"}', index=0),
        ],
        [("get", WEATHER)],
    ),
    "empty object first, ids in every delta": (
        [call("get", "{}", index=0, id="1"), call("get", WEATHER, index=0, id="1")],
        [("get", WEATHER)],
    ),
    "null first": (
        [call("get", "null", index=0, id="1"), call(None, WEATHER, index=0)],
        [("get", WEATHER)],
    ),
    "empty dictionary first": (
        [call("get", {}, index=0, id="1"), call(None, WEATHER, index=0)],
        [("get", WEATHER)],
    ),
    "nothing but an empty object": (
        [call("get", "{}", index=0, id="1"), call(None, "", index=0)],
        [("get", "{}")],
    ),
    # lidge-jun/opencodex#361, elizaOS/eliza#16973
    "the whole once more": (
        [
            call("get", "", index=0, id="1"),
            call(None, '{"city":', index=0),
            call(None, '"Rome"}', index=0),
            call(None, WEATHER, index=0),
        ],
        [("get", WEATHER)],
    ),
    "the whole once more, written otherwise": (
        [call("get", WEATHER, index=0, id="1"), call(None, '{"city": "Rome"}', index=0)],
        [("get", WEATHER)],
    ),
    "the whole once more, with its name and id": (
        [call("get", WEATHER, index=0, id="1"), call("get", WEATHER, index=0, id="1")],
        [("get", WEATHER)],
    ),
    "pieces that lack their end, then the whole": (
        [call("get", '{"city":"Ro', index=0, id="1"), call(None, WEATHER, index=0)],
        [("get", WEATHER)],
    ),
    # NousResearch/hermes-agent#25046
    "told again and changed": (
        [call("get", '{"q":"A"}', index=0, id="1"), call(None, '{"q":"AB"}', index=0)],
        [("get", '{"q":"AB"}')],
    ),
    "each delta with everything so far": (
        [
            call("get", '{"ci', index=0, id="1"),
            call(None, '{"city":"R', index=0),
            call(None, WEATHER, index=0),
        ],
        [("get", WEATHER)],
    ),
    # mcowger/plexus#759
    "an empty object inside of a string": (
        [
            call("run", '{"command":"before ', index=0, id="1"),
            call(None, "{}", index=0),
            call(None, ' after"}', index=0),
        ],
        [("run", '{"command":"before {} after"}')],
    ),
    # charmbracelet/fantasy#289
    "a valid beginning": (
        [call("run", '{"a":{}', index=0, id="1"), call(None, "}", index=0)],
        [("run", '{"a":{}}')],
    ),
    # continuedev/continue#13223
    "interleaved by index": (
        [
            call("a", "", index=0, id="A"),
            call("b", "", index=1, id="B"),
            call(None, '{"x":1}', index=0),
            call(None, '{"y":2}', index=1),
        ],
        [("a", '{"x":1}'), ("b", '{"y":2}')],
    ),
    # LibreChat-AI/agents#260: Ollama gives all of them the index 0
    "index 0 for all, in pieces": (
        [
            call("a", "", index=0, id="A"),
            call(None, '{"x":1}', index=0),
            call("a", "", index=0, id="B"),
            call(None, '{"y":2}', index=0),
        ],
        [("a", '{"x":1}'), ("a", '{"y":2}')],
    ),
    # Estudely/riftor#116
    "a fragment that names no call, after another call": (
        [
            call("a", '{"x":', index=0, id="A"),
            call("b", '{"y":2}', index=1, id="B"),
            call(None, "1}"),
        ],
        [("a", '{"x":1}'), ("b", '{"y":2}')],
    ),
    # oracle/langchain-oracle#253
    "fragments that name no call": (
        [
            call("a", "", id="A"),
            call(None, '{"x":'),
            call(None, "1}"),
            call("b", "", id="B"),
            call(None, '{"y":2}'),
        ],
        [("a", '{"x":1}'), ("b", '{"y":2}')],
    ),
    # dirac-run/dirac#215
    "fragments under an index of their own": (
        [call("a", '{"x"', index=0, id="A"), call(None, ":", index=1), call(None, "1}", index=2)],
        [("a", '{"x":1}')],
    ),
    # agentscope-ai/agentscope-java#1223
    "the last fragment with the name and without an id": (
        [call("a", '{"x":1', index=0, id="A"), call("a", "}", id=None)],
        [("a", '{"x":1}')],
    ),
    # sigoden/aichat#1495, ThinkInAIXYZ/deepchat#355
    "an id in the first delta only": (
        [call("a", "", index=0, id="A"), call(None, '{"x":1}', index=0, id="")],
        [("a", '{"x":1}')],
    ),
    "an id of its own in each delta": (
        [call("a", '{"x"', id="1"), call(None, ":1}", id="2")],
        [("a", '{"x":1}')],
    ),
    "one id for two tools": (
        [call("a", '{"x":1}', index=0, id="1"), call("b", '{"y":2}', index=1, id="1")],
        [("a", '{"x":1}'), ("b", '{"y":2}')],
    ),
    "one id and one index for two tools": (
        [call("a", "{}", index=0, id="1"), call("b", "{}", index=0, id="1")],
        [("a", "{}"), ("b", "{}")],
    ),
    "one id for a tool called twice, in pieces": (
        [
            call("a", '{"x":', index=0, id="1"),
            call("a", '{"y":', index=1, id="1"),
            call(None, "1}", index=0, id="1"),
            call(None, "2}", index=1, id="1"),
        ],
        [("a", '{"x":1}'), ("a", '{"y":2}')],
    ),
    "the same call, twice on purpose": (
        [call("a", "{}", index=0, id="1"), call("a", "{}", index=1, id="2")],
        [("a", "{}"), ("a", "{}")],
    ),
}


@pytest.mark.parametrize("case", CALLS)
def test_calls_are_assembled_from_their_pieces(case: str) -> None:
    """The reports are named beside the cases."""
    deltas, expected = CALLS[case]
    for finish in ("tool_calls", "stop"):
        # Arguments that changed cannot agree with the deltas that were shown.
        outcome = read("chat", chat(*deltas, finish=finish), exact="changed" not in case)
        assert outcome.error is None
        assert [(name, arguments) for name, _, arguments in outcome.calls] == expected
        ids = [call_id for _, call_id, _ in outcome.calls]
        assert len(set(ids)) == len(ids), "outputs could not be distinguished"


def test_a_whole_message_completes_what_streamed_of_its_calls() -> None:
    """The message at the end completes a call, and nothing is called twice."""
    function = {"name": "get", "arguments": WEATHER}
    again = [{"id": "1", "function": function, "extra_content": {"google": {"x": 1}}}]
    last = {"choices": [{"message": {"tool_calls": again}, "finish_reason": "tool_calls"}]}
    for streamed in (WEATHER, '{"city":'):
        deltas = chat(call("get", streamed, index=0, id="1"))
        outcome = read(
            "chat",
            deltas.split(b'data: {"id": "c", "choices": [{"index": 0, "delta": {}')[0] + sse(last),
        )
        assert outcome.calls == [("get", "1", WEATHER)]
        assert outcome.items[0].extra == {"extra_content": {"google": {"x": 1}}}


def test_arguments_are_joined_in_linear_time() -> None:
    """langchain-ai/deepagents#5712: each look at the arguments so far costs as much as their
    length, so they are looked at only a few times."""
    count = 5000
    deltas = [call("run", '{"code":"', index=0, id="1")]
    deltas += [call(None, "{}", index=0) for _ in range(count)]
    outcome = read("chat", chat(*deltas, call(None, '"}', index=0)))
    assert json.loads(outcome.calls[0][2]) == {"code": "{}" * count}


# --- items of the Responses API -------------------------------------------------------------------

CALL = {"id": "fc", "type": "function_call", "call_id": "c", "name": "bash", "arguments": "{}"}
REASONING = {"id": "rs", "type": "reasoning", "summary": [], "encrypted_content": "E"}


def test_items_finish_in_the_order_in_which_they_began() -> None:
    """earendil-works/pi#6009 (OpenRouter finishes reasoning after its call) and BerriAI/litellm
    #36356 (a call is finished before the message that began earlier: the next request is refused).
    """
    frames = [added(REASONING), added(CALL, 1), done(CALL, 1), done(REASONING), completed()]
    outcome = read("responses", sse(*frames))
    assert [item.type for item in outcome.items] == ["reasoning", "function_call"]
    frames = [
        added(message("")),
        text("Let me see."),
        added(CALL, 1),
        done(CALL, 1),
        done(message("Let me see.")),
        completed(),
    ]
    outcome = read("responses", sse(*frames))
    assert outline(outcome) == [("message", "Let me see."), ("function_call", "{}")]
    # A stream that breaks does not lose the call that waits for its message.
    outcome = read("responses", sse(*frames[:4]))
    assert outline(outcome) == [("message", "Let me see."), ("function_call", "{}")]


def test_a_whole_call_that_waits_is_known() -> None:
    """The request is not repeated then, though its message is not finished."""
    decoder = decoder_for("responses")
    frames = [added(message("")), text("Hm"), added(CALL, 1), done(CALL, 1)]
    known = []
    for frame in frames:
        decoder.feed(json.dumps(frame))
        known.append(decoder.holds_call)
    assert known == [False, False, False, True]


def test_the_order_of_the_response_itself_counts_for_what_never_began() -> None:
    """invergent-ai/surogate#175: the last event has the items in another order than the stream."""
    frames = [text("Hello"), completed(REASONING, message("Hello"), CALL)]
    outcome = read("responses", sse(*frames))
    assert [item.type for item in outcome.items] == ["reasoning", "message", "function_call"]


@pytest.mark.parametrize("twice", [False, True])
def test_an_item_that_is_announced_again_is_a_repeat(twice: bool) -> None:
    """transformers serve: the finished message is announced and finished once more."""
    said = message("Hello.")
    frames = [added(message("")), text("Hello."), done(said), added(message("")), done(said)]
    if twice:
        part = {"item_id": "m", "output_index": 0, "content_index": 0}
        frames[4:4] = [
            {"type": "response.content_part.added", "part": {"type": "output_text"}, **part},
            {"type": "response.output_text.done", "text": "Hello.", **part},
            {"type": "response.content_part.done", "part": said["content"][0], **part},
        ]
    outcome = read("responses", sse(*frames, completed(said)))
    assert outline(outcome) == [("message", "Hello.")]
    assert outcome.text == "Hello."
    assert outcome.types.count("OutputItemAdded") == 1


def test_an_id_that_is_used_again_is_another_item() -> None:
    """Some gateways give every message the same id."""
    frames = [added(message("")), text("One."), done(message("One."))]
    frames += [added(message(""), 1), text("Two.", index=1), done(message("Two."), 1)]
    outcome = read("responses", sse(*frames, completed()), exact=False)
    assert outline(outcome) == [("message", "One."), ("message", "Two.")]
    frames = [done(message("One.")), added(message(""), 1), done(message("Two."), 1), completed()]
    assert outline(read("responses", sse(*frames), exact=False)) == [
        ("message", "One."),
        ("message", "Two."),
    ]


def test_empty_messages_are_no_items() -> None:
    """An empty message beside a call: several receivers refuse it in the history."""
    frames = [added(message("")), done(message("")), done(CALL, 1), completed(message(""), CALL)]
    assert outline(read("responses", sse(*frames))) == [("function_call", "{}")]
    assert outline(read("chat", chat({"content": ""}, call("a", "{}", index=0, id="1")))) == [
        ("function_call", "{}")
    ]


def test_the_finished_arguments_count_where_the_deltas_cannot_be_read() -> None:
    """lidge-jun/opencodex#995: GitHub Copilot streams ciphertext and ends with the arguments."""
    name = "response.function_call_arguments"
    where = {"item_id": "fc", "output_index": 0}
    frames = [
        added({**CALL, "arguments": ""}),
        {"type": f"{name}.delta", "delta": "gAAAAB", "obfuscation": "x", **where},
        {"type": f"{name}.done", "arguments": WEATHER, **where},
        done({**CALL, "arguments": WEATHER}),
        completed(),
    ]
    outcome = read("responses", sse(*frames), exact=False)
    assert outcome.calls == [("bash", "c", WEATHER)]


def test_pieces_of_several_calls_are_distinguished_by_their_index() -> None:
    """SamSaffron/term-llm#314: neither index nor id, but several calls in each delta."""

    def pieces(*parts: str) -> dict[str, Any]:
        return {"tool_calls": [{"function": {"arguments": part}} for part in parts]}

    begun = [{"id": name, "function": {"name": name, "arguments": ""}} for name in ("a", "b")]
    deltas = [{"tool_calls": begun}, pieces('{"n":', '{"n":'), pieces("1}", "2}")]
    outcome = read("chat", chat(*deltas, finish="tool_calls"))
    assert outcome.calls == [("a", "a", '{"n":1}'), ("b", "b", '{"n":2}')]


@pytest.mark.parametrize("wire", ["chat", "responses"])
def test_arguments_in_a_string_of_json(wire: str) -> None:
    """quarkiverse/quarkus-langchain4j#2642, vllm-project/vllm#54964: an object written as text."""
    text = json.dumps(WEATHER)
    if wire == "chat":
        body = chat(call("bash", text, index=0, id="c"), finish="tool_calls")
    else:
        body = sse(done({**CALL, "arguments": text}), completed())
    assert read(wire, body, exact=False).calls == [("bash", "c", WEATHER)]
    plain = chat(call("bash", '"Rome"', index=0, id="c"), finish="tool_calls")
    assert read("chat", plain).calls == [("bash", "c", '"Rome"')]


@pytest.mark.parametrize("wire", ["chat", "responses"])
def test_marks_of_the_chat_format_are_no_part_of_a_name(wire: str) -> None:
    """vllm-project/vllm#32587: gpt-oss calls ``query_dataset<|channel|>commentary``."""
    name = "bash<|channel|>commentary"
    if wire == "chat":
        body = chat(call(name, WEATHER, index=0, id="c"), finish="tool_calls")
    else:
        body = sse(done({**CALL, "name": name, "arguments": WEATHER}), completed())
    assert read(wire, body, exact=False).calls == [("bash", "c", WEATHER)]
