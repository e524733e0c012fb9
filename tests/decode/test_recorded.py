"""Recorded streams of real servers, and what they contain."""

from __future__ import annotations

import json
from typing import Any

import pytest

from sidestream.errors import ErrorKind
from sidestream.types import events as ev
from sidestream.types.usage import TokenUsage


def usage(sent: int, received: int, cached: int = 0, reasoning: int = 0) -> TokenUsage:
    return TokenUsage(
        input_tokens=sent,
        cached_input_tokens=cached,
        output_tokens=received,
        reasoning_output_tokens=reasoning,
        total_tokens=sent + received,
    )


PARIS = ("get_weather", "call_Paris01", '{"city":"Paris"}')
OSLO = ("get_weather", "call_Oslo02", '{"city":"Oslo","unit":"°C"}')

# name: text, calls, reasoning (summary or raw), usage
ANSWERS: dict[str, tuple[str, list[tuple[str, str, str]], str, TokenUsage | None]] = {
    "openai_responses_text": (
        'Hello! Straße 👋🏽 and\n\n```py\nprint("hi")\n```\n',
        [],
        "",
        usage(36, 24),
    ),
    "openai_responses_parallel_calls": (
        "",
        [PARIS, OSLO],
        "**Planning the lookup**\n\nTwo cities.**Calling tools**",
        usage(312, 148, 256, 64),
    ),
    "openai_responses_web_search": (
        "The side panel arrived in 114 ([chrome.sidePanel]).",
        [],
        "",
        usage(8123, 61),
    ),
    "openai_responses_refusal": ("", [], "", usage(20, 12)),
    "openai_responses_custom_tool": ("", [], "", usage(50, 20)),
    "azure_responses": ("Guten Tag!", [], "", usage(18, 4)),
    "chatgpt_responses": (
        "I'll read it.",
        [("shell", "call_codex01", '{"command":["cat","a.txt"]}')],
        "**Reading the file**",
        usage(900, 80, 768, 32),
    ),
    "openrouter_responses": ("Hi there.", [], "The user greets me.", usage(25, 30, 0, 18)),
    "vllm_responses": (
        "Hello! How can I help?",
        [],
        "The user says hello.",
        usage(70, 22, 64, 9),
    ),
    "lmstudio_responses": (
        "Let me check.",
        [("read_file", "call_lms01", '{"path":"a.txt"}')],
        "",
        usage(120, 31),
    ),
    "ollama_responses": (
        "",
        [("get_weather", "call_x7", '{"city":"Toronto"}')],
        "I need the weather.",
        usage(160, 40),
    ),
    "llamacpp_responses": ("2 + 2 = 4.", [], "Simple sum.", usage(15, 12)),
    "litellm_responses": (
        "Looking it up.",
        [("lookup", "call_lit01", '{"q": "x"}')],
        "Look it up.",
        usage(40, 20),
    ),
    "copilot_responses": ("Done and dusted.", [], "Thinking it through.", usage(60, 20, 0, 8)),
    "openai_chat_text": ("Hello, wörld 🌍!", [], "", usage(19, 10)),
    "openai_chat_tools": (
        "",
        [
            ("get_weather", "call_a1", '{"city":"Paris"}'),
            ("get_time", "call_b2", '{"tz":"Europe/Oslo"}'),
        ],
        "",
        usage(82, 40),
    ),
    "openai_chat_refusal": ("", [], "", usage(30, 9)),
    "openai_chat_search": ("See the docs ([docs](https://example.com/a)).", [], "", usage(9, 14)),
    "azure_chat": ("Hey there!", [], "", usage(13, 5)),
    "openrouter_chat": ("Hi there!", [], "The user says hi.", usage(21, 34, 0, 22)),
    "ollama_chat_tools": (
        "",
        [
            (
                "file_write",
                "call_4q8x1k2a",
                '{"filePath":"hello.py","content":"print(\'hello\')"}',
            ),
            (
                "file_write",
                "call_9z7y3m5b",
                '{"filePath":"world.py","content":"print(\'world\')"}',
            ),
        ],
        "Two files.",
        usage(180, 62),
    ),
    "ollama_chat_text": ("Hello!", [], "", None),
    "lmstudio_chat_tools": (
        "I'll look.",
        [("list_files", "365174485", '{"dir":"."}')],
        "",
        usage(55, 18),
    ),
    "llamacpp_chat": ("4.", [], "We add.", usage(71, 9)),
    "llamacpp_chat_no_done": ("No sentinel", [], "", usage(5, 2)),
    "vllm_chat_tools": (
        "",
        [("get_weather", "chatcmpl-tool-1f2e3d", '{"city": "Paris"}')],
        "Need weather",
        usage(170, 40),
    ),
    "litellm_chat": (
        "Bonjour",
        [],
        "",
        usage(12, 5, 8).model_copy(update={"cache_write_input_tokens": 4}),
    ),
    "deepseek_chat": ("9.8 is greater.", [], "9.11 < 9.8", usage(18, 30, 0, 21)),
    "mistral_chat": ("The answer is **2**.", [], "4 divided by 2 is 2.", usage(12, 32)),
    "mistral_chat_tools": (
        "",
        [
            ("get_weather", "D681PevKs", '{"city": "Paris"}'),
            ("get_weather", "xVbOq2Lm9", '{"city": "Lyon"}'),
        ],
        "",
        usage(94, 30),
    ),
    "gemini_chat_tools": (
        "",
        [
            ("get_weather", "function-call-1184", '{"city":"Paris"}'),
            ("get_weather", "function-call-2233", '{"city":"Rome"}'),
        ],
        "",
        usage(60, 20).model_copy(update={"total_tokens": 95}),
    ),
    "groq_chat": ("Quick answer.", [], "", usage(40, 4)),
    "proxy_chat_bare_calls": (
        "",
        [
            ("a", "call_bb50befce1f9a2389ca08f3e", '{"x": 1}'),
            ("b", "call_8d3223843e1f49a1b5ea8eb7", '{"y":2}'),
        ],
        "",
        None,
    ),
}

# name: kind, partial text, retryable, usage
FAILURES = {
    "openai_responses_incomplete": (
        ErrorKind.INCOMPLETE,
        "Once upon a time there",
        False,
        usage(11, 16),
    ),
    "openai_responses_failed": (ErrorKind.RATE_LIMITED, "The answer is", True, None),
    "openai_responses_error_event": (ErrorKind.SERVER_ERROR, "", True, None),
    "openai_chat_length": (ErrorKind.INCOMPLETE, "Once upon a", False, usage(10, 3)),
    "azure_chat_content_filter": (ErrorKind.INCOMPLETE, "The first step", False, None),
    "openrouter_chat_error": (ErrorKind.SERVER_ERROR, "The answer", True, None),
}


def test_every_recording_is_expected(stream: str) -> None:
    assert (stream in ANSWERS) != (stream in FAILURES)


@pytest.mark.parametrize("name", ANSWERS)
def test_answer(name: str, play: Any, recorded: Any) -> None:
    text, calls, reasoning, used = ANSWERS[name]
    outcome = play(*recorded(name))
    assert outcome.text == text
    assert outcome.calls == calls
    assert outcome.summary + outcome.reasoning == reasoning
    assert outcome.usage == used
    assert outcome.error is None
    assert outcome.decoder.complete
    assert outcome.decoder.skipped == 0


@pytest.mark.parametrize("name", FAILURES)
def test_failure(name: str, play: Any, recorded: Any) -> None:
    kind, text, retryable, used = FAILURES[name]
    outcome = play(*recorded(name))
    assert outcome.error.kind == kind
    assert outcome.error.retryable is retryable
    assert outcome.text == text
    assert [message.text for message in outcome.messages] == ([text] if text else [])
    assert outcome.usage == used
    assert "OutputItemDone" not in outcome.types[: outcome.fed] or name.endswith("incomplete")


def test_order_and_side_events_of_the_chatgpt_backend(play: Any, recorded: Any) -> None:
    outcome = play(*recorded("chatgpt_responses"))
    assert outcome.types[:6] == [
        "ServerModel",
        "Created",
        "ModelVerifications",
        "TurnModerationMetadata",
        "SafetyBuffering",
        "OutputItemAdded",
    ]
    assert outcome.of(ev.ServerModel) == [ev.ServerModel(model="gpt-5.5-codex-2026-06-01")]
    assert outcome.of(ev.ModelVerifications)[0].verifications == ["trusted_access_for_cyber"]
    assert outcome.of(ev.SafetyBuffering)[0].faster_model == "gpt-5.5-mini"
    assert outcome.completed.end_turn is False
    assert outcome.items[0].encrypted_content == "gAAAAABcodex"


def test_parallel_calls_stream_with_their_names(play: Any, recorded: Any) -> None:
    outcome = play(*recorded("openai_responses_parallel_calls"))
    streamed: dict[tuple[str, str], str] = {}
    for event in outcome.of(ev.FunctionCallArgumentsDelta):
        key = (event.name, event.call_id)
        streamed[key] = streamed.get(key, "") + event.delta
    assert [(*key, text) for key, text in streamed.items()] == [PARIS, OSLO]
    assert outcome.of(ev.ReasoningSummaryPartAdded) == [
        ev.ReasoningSummaryPartAdded(summary_index=0),
        ev.ReasoningSummaryPartAdded(summary_index=1),
    ]


def test_web_search_shows_its_progress_and_its_citations(play: Any, recorded: Any) -> None:
    outcome = play(*recorded("openai_responses_web_search"))
    assert outcome.of(ev.WebSearchCallBegin) == [ev.WebSearchCallBegin(call_id="ws_68940e2b")]
    progress = outcome.of(ev.ToolCallProgress)
    assert [event.status for event in progress] == ["in_progress", "searching", "completed"]
    assert {event.tool for event in progress} == {"web_search_call"}
    annotation = outcome.of(ev.OutputTextAnnotationAdded)[0].annotation
    assert annotation["title"] == "chrome.sidePanel"
    assert outcome.messages[0].content[0].annotations == [annotation]
    assert outcome.items[0].action["query"] == "Chromium side panel API"


@pytest.mark.parametrize("name", ["openai_responses_refusal", "openai_chat_refusal"])
def test_refusals_are_no_text(name: str, play: Any, recorded: Any) -> None:
    outcome = play(*recorded(name))
    assert outcome.refusal.startswith("I'm sorry")
    assert outcome.messages[0].text == ""
    assert outcome.messages[0].content[0].refusal == outcome.refusal


def test_custom_tool_input_streams(play: Any, recorded: Any) -> None:
    outcome = play(*recorded("openai_responses_custom_tool"))
    deltas = outcome.of(ev.ToolCallInputDelta)
    assert "".join(event.delta for event in deltas) == outcome.items[0].input
    assert {(event.item_id, event.call_id) for event in deltas} == {("ctc_01", "call_patch")}


def test_reasoning_comes_before_what_it_led_to(play: Any, recorded: Any) -> None:
    outcome = play(*recorded("openrouter_responses"))
    assert [item.type for item in outcome.items] == ["reasoning", "message"]


def test_chat_citations_are_those_of_the_responses_api(play: Any, recorded: Any) -> None:
    outcome = play(*recorded("openai_chat_search"))
    assert outcome.of(ev.OutputTextAnnotationAdded)[0].annotation == {
        "type": "url_citation",
        "start_index": 14,
        "end_index": 42,
        "title": "Docs",
        "url": "https://example.com/a",
    }


def test_events_need_no_sequence_number(stream: str, play: Any, recorded: Any) -> None:
    wire_api, frames = recorded(stream)
    bare = []
    for frame in frames:
        data = json.loads(frame) if frame != "[DONE]" else frame
        if isinstance(data, dict):
            data.pop("sequence_number", None)
            data.pop("obfuscation", None)
        bare.append(data)
    assert play(wire_api, bare).events == play(wire_api, frames).events


def test_cut_off_anywhere_keeps_what_arrived(stream: str, play: Any, recorded: Any) -> None:
    wire_api, frames = recorded(stream)
    whole = play(wire_api, frames)
    for length in range(len(frames)):
        cut = play(wire_api, frames[:length])
        assert whole.text.startswith(cut.text)
        if not cut.decoder.complete and whole.error is None:
            assert cut.error.kind == ErrorKind.STREAM_CLOSED
            assert cut.error.retryable
            assert cut.completed.response_id == ""
            assert all(call in whole.calls for call in cut.calls)
