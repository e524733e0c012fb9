"""Public reports about reasoning: in the text, and what must go back with it."""

from __future__ import annotations

import json
from typing import Any

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from sidestream.types import events as ev
from sidestream.types.items import IN_BAND
from tests.field.decoding import (
    call,
    chat,
    completed,
    done,
    message,
    outline,
    read,
    responses,
    sse,
    text,
)

THOUGHT, SAID = "reasoning", "message"

ANSWERS = {
    "<think>Hm.\n</think>\n\nHello": [(THOUGHT, "Hm."), (SAID, "Hello")],
    "\n<think>\nHm.</think>Hello <b>": [(THOUGHT, "Hm."), (SAID, "Hello <b>")],
    "<THINK>Hm.</THINK>Hello": [(THOUGHT, "Hm."), (SAID, "Hello")],
    "<thinking>Hm.</thinking>Hello": [(THOUGHT, "Hm."), (SAID, "Hello")],
    "<thought>Hm.</thought>Hello": [(THOUGHT, "Hm."), (SAID, "Hello")],
    "<reasoning>Hm.</reasoning>Hello": [(THOUGHT, "Hm."), (SAID, "Hello")],
    "◁think▷Hm.◁/think▷Hello": [(THOUGHT, "Hm."), (SAID, "Hello")],
    "[THINK]Hm.[/THINK]Hello": [(THOUGHT, "Hm."), (SAID, "Hello")],
    "<seed:think>Hm.</seed:think>Hello": [(THOUGHT, "Hm."), (SAID, "Hello")],
    "<|channel>thought\nHm.<channel|>Hello": [(THOUGHT, "Hm."), (SAID, "Hello")],
    "<|START_THINKING|>Hm.<|END_THINKING|><|START_RESPONSE|>Hello": [
        (THOUGHT, "Hm."),
        (SAID, "Hello"),
    ],
    "<|channel|>analysis<|message|>Hm.<|end|><|start|>assistant<|channel|>final<|message|>Hello": [
        (THOUGHT, "Hm."),
        (SAID, "Hello"),
    ],
    "<|start|>assistant<|channel|>analysis<|message|>Hm.<|end|><|start|>assistant<|channel|>"
    "commentary to=functions.find <|constrain|>json<|message|>{}<|call|><|start|>assistant"
    "<|channel|>final<|message|>Hello<|return|>": [
        (THOUGHT, "Hm."),
        (THOUGHT, "{}"),
        (SAID, "Hello"),
    ],
    # The chat template has put the opening tag into the prompt.
    "Hm.\n</think>\n\nHello": [(THOUGHT, "Hm."), (SAID, "Hello")],
    'internal reasoning\n</think>{"a":1}': [(THOUGHT, "internal reasoning"), (SAID, '{"a":1}')],
    "</think>\n\nHello": [(SAID, "Hello")],
    "Hm.<channel|>Hello": [(THOUGHT, "Hm."), (SAID, "Hello")],
    "Hm.[/THINK]Hello": [(THOUGHT, "Hm."), (SAID, "Hello")],
    # Models that think twice before they answer.
    "<think>Hm.</think>\n<think>Well.</think>Hello": [
        (THOUGHT, "Hm."),
        (THOUGHT, "Well."),
        (SAID, "Hello"),
    ],
    "Hm.</think><think>Well.</think>Hello": [
        (THOUGHT, "Hm."),
        (THOUGHT, "Well."),
        (SAID, "Hello"),
    ],
    # No reasoning at all.
    "<think>\n\n</think>\n\nHello": [(SAID, "Hello")],
    # Nothing but reasoning.
    "<think>Hm.": [(THOUGHT, "Hm.")],
    "<think>Hm.</think>": [(THOUGHT, "Hm.")],
    # The same letters in code, in quotes, or later in the text.
    "Use `<think>draft</think>` as the example.": None,
    "`</think>` ends it.": None,
    'It is called "</think>".': None,
    "```xml\n<think>\n</think>\n```\nThat is all.": None,
    "A block looks like this: <think>x</think>.": None,
    "~~~\n</think>\n~~~\n": None,
    "[1] <t> <think": None,
    "<thin air> is no tag": None,
    "[THE END]": None,
    # Code inside of reasoning.
    "<think>`</think>` is a tag.</think>Hello": [
        (THOUGHT, "`</think>` is a tag."),
        (SAID, "Hello"),
    ],
}


def pieces(said: str, size: int) -> list[str]:
    return [said[start : start + size] for start in range(0, len(said), size)]


@pytest.mark.parametrize("said", ANSWERS)
def test_reasoning_in_the_text_becomes_an_item_wherever_it_is_cut(said: str) -> None:
    """kekzl/imp#86 and jundot/omlx#2043 (Qwen's template opens the block), nbramia/LifeOS#568 (only
    the closing tag; the tags in code), kekzl/imp#793 (thought again after the first block),
    bytedance/deer-flow#3217 (shown until the closing tag comes), lmstudio-bug-tracker#2013,
    qwersyk/Newelle#427 and jundot/omlx#2533 (Gemma 4), kekzl/imp#768, odysseus-dev/odysseus#2420
    and #4522 (harmony), scouzi1966/maclocal-api#148 (Cohere), vLLM's parsers for Kimi and Seed-OSS.
    """
    expected = ANSWERS[said] or [(SAID, said)]
    for size in (1, 2, 3, 5, 1000):
        outcome = read("chat", chat(*({"content": piece} for piece in pieces(said, size))))
        assert outline(outcome) == expected
        for whole in (True, False):
            outcome = read("responses", responses(*pieces(said, size), whole=whole))
            assert outline(outcome) == expected
            assert outcome.error is None
        thoughts = [item for item in outcome.items if item.type == THOUGHT]
        assert all(item.field == IN_BAND and item.id is None for item in thoughts)


@pytest.mark.parametrize("said", ANSWERS)
def test_reasoning_in_a_text_that_arrives_at_once(said: str) -> None:
    """The same where nothing streams, and where a whole message follows the deltas."""
    expected = ANSWERS[said] or [(SAID, said)]
    thought = "\n\n".join(text for kind, text in expected if kind == THOUGHT)
    rest = "".join(text for kind, text in expected if kind == SAID)
    whole = {"choices": [{"message": {"content": said}, "finish_reason": "stop"}]}
    deltas = chat(*({"content": piece} for piece in pieces(said, 3)))
    for outcome in (
        read("chat", sse(whole)),
        read(
            "chat",
            deltas.split(b'data: {"id": "c", "choices": [{"index": 0, "delta": {}')[0] + sse(whole),
        ),
        read("responses", sse(done(message(said)), completed())),
        read("responses", sse(completed(message(said)))),
    ):
        items = outline(outcome)
        assert "\n\n".join(s for kind, s in items if kind == THOUGHT) == thought
        assert "".join(s for kind, s in items if kind == SAID) == rest


def test_text_that_turns_out_to_be_reasoning_is_withdrawn() -> None:
    """bytedance/deer-flow#3217, the other way round: text that was shown disappears from it."""
    body = chat({"content": "Let me see. "}, {"content": "Yes.\n</th"}, {"content": "ink>\nHello"})
    outcome = read("chat", body, size=7, joined=False)
    kinds = [kind for kind in outcome.types if kind != "ReasoningContentDelta"]
    assert kinds == [
        *("Created", "OutputItemAdded", "OutputTextDelta", "OutputTextDelta"),
        *("OutputTextReplaced", "OutputItemAdded", "OutputItemDone", "OutputTextDelta"),
        *("OutputItemDone", "Completed"),
    ]
    assert outcome.of(ev.OutputTextReplaced) == [ev.OutputTextReplaced(text="")]
    assert outline(outcome) == [(THOUGHT, "Let me see. Yes."), (SAID, "Hello")]
    body = sse(text("Yes."), text("\n</think>Hello"), completed())
    outcome = read("responses", body, size=7)
    assert outcome.of(ev.OutputTextReplaced) == [ev.OutputTextReplaced(text="", item_id="m")]
    assert outline(outcome) == [(THOUGHT, "Yes."), (SAID, "Hello")]


def test_a_block_without_its_end_before_a_call() -> None:
    """vLLM's Kimi K2 parser: a tool call may end the reasoning without a tag."""
    body = chat({"content": "<think>I look it up."}, call("find", '{"q":1}', index=0, id="1"))
    assert outline(read("chat", body)) == [(THOUGHT, "I look it up."), ("function_call", '{"q":1}')]


def test_reasoning_that_a_servers_parser_missed() -> None:
    """kekzl/imp#793: thinking leaks into ``content`` beside what is in ``reasoning_content``."""
    body = chat({"reasoning_content": "Hm."}, {"content": "Well.\n</think>"}, {"content": "Hello"})
    outcome = read("chat", body)
    assert outline(outcome) == [(THOUGHT, "Hm."), (THOUGHT, "Well."), (SAID, "Hello")]
    assert [item.field for item in outcome.items[:2]] == ["reasoning_content", IN_BAND]


@example("``</think><think>", 1)
@example("``</think><", 9)
@given(
    said=st.lists(
        st.sampled_from(
            [
                *("<think>", "</think>", "`", "\n", " ", "a", "<", "</", "think>", "[/THINK]"),
                *("```\n", "<|channel|>", "final", "<|message|>", "<|end|>", "◁", "x</think>"),
                "<|start|>assistant",
            ]
        ),
        max_size=12,
    ).map("".join),
    size=st.integers(1, 9),
)
def test_no_text_is_lost_or_changed_however_it_is_cut(said: str, size: int) -> None:
    """The network decides where text is cut, so that must not make a difference."""
    once = read("chat", chat({"content": said}))
    cut = read("chat", chat(*({"content": piece} for piece in pieces(said, size))))
    assert outline(cut) == outline(once)
    for joined in (True, False):
        body = responses(*pieces(said, size), whole=False)
        streamed = read("responses", body, joined=joined)
        assert outline(streamed) == outline(once)
        assert streamed.error == once.error or streamed.error.kind is once.error.kind


# --- what must go back ---------------------------------------------------------------------------

DETAIL = {"type": "reasoning.text", "format": "anthropic-claude-v1", "index": 0}
SECRET = {"type": "reasoning.encrypted", "data": "ENC", "index": 0, "id": "tool_1"}
BLOCK = {"type": "thinking", "signature": ""}


def extras(outcome: Any) -> list[dict[str, Any] | None]:
    return [item.extra for item in outcome.items]


@pytest.mark.parametrize(
    ("deltas", "expected"),
    [
        pytest.param(
            [
                {"reasoning": "a", "reasoning_details": [{**DETAIL, "text": "a"}]},
                {"reasoning": "b", "reasoning_details": [{**DETAIL, "text": "b"}]},
                {"reasoning_details": [{**DETAIL, "signature": "SIG"}]},
                {"content": "Hi"},
            ],
            [{"reasoning_details": [{**DETAIL, "text": "ab", "signature": "SIG"}]}, None],
            id="text in pieces, the signature last",
        ),
        pytest.param(
            [
                {"reasoning_details": [{"type": "reasoning.summary", "summary": "A", "index": 0}]},
                {"reasoning_details": [{"type": "reasoning.summary", "summary": "B", "index": 0}]},
                {"reasoning_details": [{"type": "reasoning.summary", "summary": "C", "index": 1}]},
                {"content": "Hi"},
            ],
            [
                {
                    "reasoning_details": [
                        {"type": "reasoning.summary", "summary": "AB", "index": 0},
                        {"type": "reasoning.summary", "summary": "C", "index": 1},
                    ]
                },
                None,
            ],
            id="two summaries",
        ),
        pytest.param(
            [{"reasoning_details": [SECRET, {**SECRET, "id": "tool_2"}]}, {"content": "Hi"}],
            [{"reasoning_details": [SECRET, {**SECRET, "id": "tool_2"}]}, None],
            id="only encrypted, for two calls",
        ),
        pytest.param(
            [{"content": "Hi"}, {"content": "", "reasoning_details": [SECRET]}],
            [{"reasoning_details": [SECRET]}, None],
            id="after the text",
        ),
        pytest.param(
            [
                *(
                    {"reasoning_content": said, "thinking_blocks": [{**BLOCK, "thinking": said}]}
                    for said in ("Step 1. ", "Step 2.")
                ),
                {"thinking_blocks": [{**BLOCK, "thinking": "", "signature": "SIG"}]},
                {"content": "Hi"},
            ],
            [
                {"thinking_blocks": [{**BLOCK, "thinking": "Step 1. Step 2.", "signature": "SIG"}]},
                None,
            ],
            id="LiteLLM",
        ),
        pytest.param(
            [
                *(
                    {"reasoning_content": said, "thinking_blocks": [{**BLOCK, "thinking": said}]}
                    for said in ("Step 1. ", "Step 2.")
                ),
                {"thinking_blocks": [{**BLOCK, "thinking": "Step 1. Step 2.", "signature": "SIG"}]},
                {"content": "Hi"},
            ],
            [
                {"thinking_blocks": [{**BLOCK, "thinking": "Step 1. Step 2.", "signature": "SIG"}]},
                None,
            ],
            id="LiteLLM, the text once more with the signature",
        ),
        pytest.param(
            [
                {"thinking_blocks": [{**BLOCK, "thinking": "a", "signature": "S1"}]},
                {"thinking_blocks": [{"type": "redacted_thinking", "data": "R"}]},
                {"thinking_blocks": [{**BLOCK, "thinking": "b", "signature": "S2"}]},
                {"content": "Hi"},
            ],
            [
                {
                    "thinking_blocks": [
                        {**BLOCK, "thinking": "a", "signature": "S1"},
                        {"type": "redacted_thinking", "data": "R"},
                        {**BLOCK, "thinking": "b", "signature": "S2"},
                    ]
                },
                None,
            ],
            id="LiteLLM, several blocks",
        ),
        pytest.param(
            [{"reasoning_text": "a"}, {"content": "Hi"}, {"reasoning_opaque": "OP"}],
            [None, {"reasoning_opaque": "OP"}, None],
            id="Copilot, late",
        ),
        pytest.param(
            [{"content": "Hi", "extra_content": {"google": {"thought_signature": "T"}}}],
            [{"extra_content": {"google": {"thought_signature": "T"}}}],
            id="Gemini, with the text",
        ),
        pytest.param(
            [
                {"content": "<thought>Hm", "extra_content": {"google": {"thought": True}}},
                {"content": "</thought>Hi"},
            ],
            [None, None],
            id="Gemini's mark of a thought",
        ),
        pytest.param(
            [{"content": "Hi", "origin": {"provider": "x"}, "extra": {"a": 1}, "field": "q"}],
            [None],
            id="our own names",
        ),
    ],
)
def test_fields_beside_reasoning_are_kept(
    deltas: list[dict[str, Any]], expected: list[dict[str, Any] | None]
) -> None:
    """braintrustdata/braintrust-sdk-javascript#1883 and RooCodeInc/Roo-Code#9506 (OpenRouter's
    ``reasoning_details``), BerriAI/litellm#29428 and openai/openai-agents-python#4177 (one block
    per delta cannot be sent back), open-webui/open-webui#29860 (the whole text once more),
    anomalyco/opencode#46022 and BerriAI/litellm#35021 (``reasoning_opaque`` after the text).
    """
    outcome = read("chat", chat(*deltas))
    assert extras(outcome) == expected
    assert [item.type for item in outcome.items] == [THOUGHT] * (len(expected) - 1) + [SAID]
    whole: dict[str, Any] = {"content": "Hi"}
    for name in ("reasoning_details", "thinking_blocks", "extra_content"):
        found = [extra[name] for extra in expected if extra and name in extra]
        if found:
            whole[name] = found[0]
    body = sse({"choices": [{"message": whole, "finish_reason": "stop"}]})
    if len(whole) > 1:
        assert [extra for extra in extras(read("chat", body)) if extra] == [
            {name: value} for name, value in whole.items() if name != "content"
        ]


@pytest.mark.parametrize(
    ("delta", "field"),
    [
        ({"reasoning": "Hm"}, "reasoning"),
        ({"reasoning_content": "Hm"}, "reasoning_content"),
        ({"reasoning_text": "Hm"}, "reasoning_text"),
        ({"content": "<think>Hm</think>"}, IN_BAND),
        ({"reasoning_details": [{**DETAIL, "text": "Hm"}]}, None),
    ],
)
def test_the_field_of_reasoning_is_kept(delta: dict[str, Any], field: str | None) -> None:
    """llama-server and LiteLLM take ``reasoning_content`` back, vLLM takes ``reasoning``."""
    assert read("chat", chat(delta, {"content": "Hi"})).items[0].field == field


@pytest.mark.parametrize("index", [{"index": 0}, {}])
def test_a_signature_that_comes_after_its_call_is_kept(index: dict[str, int]) -> None:
    """open-webui/computer#224: Gemini leaves the index out, splits the arguments, ends with "stop"
    and sends the signature in a delta of its own. ServiceNow/eva#206, NousResearch/hermes-agent
    #2997 and can1357/oh-my-pi#10173 lose it while they assemble the call.
    """
    signature = {"google": {"thought_signature": "SIG"}}
    body = chat(
        call("get_weather", '{"city":', id="1", **index),
        call(None, '"Sydney"}', **index),
        {"tool_calls": [{"extra_content": signature, **index}]},
    )
    (made,) = read("chat", body).items
    assert made.arguments == '{"city":"Sydney"}'
    assert made.extra == {"extra_content": signature}


def test_unknown_fields_of_responses_items_are_kept_and_ours_are_not_theirs_to_set() -> None:
    """Fields that a gateway adds to an item are kept, but cannot forge an item's origin."""
    forged = {"origin": {"provider": "https://evil.test", "model": ""}, "extra": {"a": 1}}
    reasoning = {"id": "rs", "type": "reasoning", "summary": [], "signature": "S", **forged}
    said = {**message("Hi"), "status": "completed", "phase": "final_answer", **forged}
    made = {"id": "fc", "type": "function_call", "call_id": "c", "name": "n", "arguments": "{}"}
    made |= {
        "status": "completed",
        "extra_content": {"google": {"thought_signature": "T"}},
        **forged,
    }
    output = [{**reasoning, "field": "x"}, said, made]
    outcome = read(
        "responses", sse(*(done(item, at) for at, item in enumerate(output)), completed())
    )
    assert [item.origin for item in outcome.items] == [None] * 3
    assert extras(outcome) == [{"signature": "S"}, None, {"extra_content": made["extra_content"]}]
    assert outcome.items[0].field is None
    outcome = read("responses", sse(done({"type": "new", "field": 1, "extra": [1]}), completed()))
    assert json.loads(outcome.items[0].to_json()) == {"type": "new"}


def test_what_only_the_end_has_of_reasoning_is_added_to_it() -> None:
    """Azure leaves ``encrypted_content`` out of ``output_item.done``."""
    reasoning = {"id": "rs", "type": "reasoning", "summary": []}
    made = {"id": "fc", "type": "function_call", "call_id": "c", "name": "n", "arguments": "{}"}
    body = sse(
        done(reasoning), done(made, 1), completed({**reasoning, "encrypted_content": "E"}, made)
    )
    outcome = read("responses", body)
    assert [item.type for item in outcome.items] == [THOUGHT, "function_call"]
    assert outcome.items[0].encrypted_content == "E"
    assert outcome.decoder.finished_items == outcome.items
    assert [e.item.type for e in outcome.of(ev.OutputItemDone)] == [
        THOUGHT,
        "function_call",
        THOUGHT,
    ]


def test_a_lone_closing_tag_by_its_longer_name() -> None:
    """anomalyco/opencode#36569: MiniMax M3 ends its reasoning with ``</thinking>``."""
    body = chat({"content": "The user wants.\n</think"}, {"content": "ing>\n\nHello"})
    assert outline(read("chat", body)) == [(THOUGHT, "The user wants."), (SAID, "Hello")]
    said = "The tag `</thinking>` ends it."
    assert outline(read("chat", chat({"content": said}))) == [(SAID, said)]


def test_reasoning_in_a_part_with_summaries() -> None:
    """databricks/appkit#559: gpt-oss at Databricks sends its content in parts."""
    part = {"type": "reasoning", "summary": [{"type": "summary_text", "text": "Hm."}]}
    body = chat({"content": [part]}, {"content": [{"type": "text", "text": "Hello"}]})
    assert outline(read("chat", body)) == [(THOUGHT, "Hm."), (SAID, "Hello")]


def test_the_same_reasoning_in_the_text_and_in_a_field() -> None:
    """can1357/oh-my-pi#2434: MiniMax M3 streams it both ways at once."""
    deltas = [
        {"content": "<think>The user", "reasoning_content": "The user"},
        {"content": " asks.", "reasoning_content": " asks."},
        {"content": "</think>Hello"},
    ]
    assert outline(read("chat", chat(*deltas))) == [(THOUGHT, "The user asks."), (SAID, "Hello")]
