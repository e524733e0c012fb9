"""The official Python SDK as a yardstick: for every recorded stream, what it extracts.

Where its helper for streams gives up or misreads a server, `WHY` says so; its plain iterator must
then still give the same text.
"""

from __future__ import annotations

import json
import warnings
from pathlib import Path
from typing import Any, NamedTuple, get_args

import httpx2
import openai
import pytest
from openai.types.responses import ResponseStreamEvent

from sidestream.decode import decoder_for
from sidestream.sse import SSEDecoder
from sidestream.types.events import Completed, OutputTextDelta, RefusalDelta
from sidestream.types.items import CustomToolCallItem, FunctionCallItem, MessageItem

STREAMS = Path(__file__).parent.parent / "fixtures" / "streams"


class Extract(NamedTuple):
    text: str
    refusal: str
    calls: list[tuple[str, str, str]]
    usage: tuple[int, int, int, int, int] | None
    """Input, cached, output, reasoning, total."""


RAISES = "raises"

# What the SDK makes differently of a recording, and why.
WHY: dict[str, dict[str, str]] = {
    "azure_chat_content_filter": {RAISES: "It does not give out a partial answer."},
    "openai_chat_length": {RAISES: "It does not give out a partial answer."},
    "openai_responses_incomplete": {RAISES: "It only knows response.completed as an end."},
    "openai_responses_failed": {RAISES: "It only knows response.completed as an end."},
    "openai_responses_error_event": {RAISES: "It only knows response.completed as an end."},
    "openrouter_chat_error": {RAISES: "It raises the server's error, and keeps no answer."},
    "copilot_responses": {RAISES: "It does not follow ids that change from event to event."},
    "litellm_responses": {RAISES: "It needs an output_item.done for every item."},
    "llamacpp_responses": {RAISES: "It needs an output_index."},
    "vllm_responses": {RAISES: "It needs the right output_index and content_index."},
    "proxy_chat_bare_calls": {RAISES: "It needs an index in every tool call."},
    "chatgpt_responses": {
        "text": "It believes the empty output of response.completed.",
        "calls": "It believes the empty output of response.completed.",
    },
    "mistral_chat": {"text": "It does not read content that is an array."},
    "gemini_chat_tools": {"calls": "It joins calls that all have the index 0."},
    "ollama_chat_tools": {"calls": "It joins calls that all have the index 0."},
    "lmstudio_chat_tools": {"calls": "It doubles a name that is repeated."},
    "vllm_chat_tools": {"calls": "It joins the ids when every delta has another."},
    "groq_chat": {"usage": "It does not know where Groq puts it."},
}


def ours(wire_api: str, data: bytes) -> Extract:
    decoder = decoder_for(wire_api)
    frames = SSEDecoder().feed(data)
    events = [event for frame in frames for event in decoder.feed(frame.data)]
    events += decoder.close()
    items = decoder.finished_items
    done = events[-1]
    assert isinstance(done, Completed)
    used = done.token_usage
    text = "".join(item.text for item in items if isinstance(item, MessageItem))
    assert text == "".join(event.delta for event in events if isinstance(event, OutputTextDelta))
    return Extract(
        text,
        "".join(event.delta for event in events if isinstance(event, RefusalDelta)),
        [
            (item.name, item.call_id, item.arguments)
            if isinstance(item, FunctionCallItem)
            else (item.name, item.call_id, item.input)
            for item in items
            if isinstance(item, (FunctionCallItem, CustomToolCallItem))
        ],
        used
        and (
            used.input_tokens,
            used.cached_input_tokens,
            used.output_tokens,
            used.reasoning_output_tokens,
            used.total_tokens,
        ),
    )


def client(data: bytes) -> openai.OpenAI:
    def answer(request: httpx2.Request) -> httpx2.Response:
        headers = {"content-type": "text/event-stream"}
        return httpx2.Response(200, headers=headers, content=data)

    transport = httpx2.MockTransport(answer)
    return openai.OpenAI(
        api_key="test",
        base_url="http://server.test/v1",
        http_client=httpx2.Client(transport=transport),
        max_retries=0,
    )


def sdk_responses(data: bytes) -> Extract:
    with client(data) as api, api.responses.stream(model="m", input="Hi") as stream:
        response = stream.get_final_response()
    calls = [
        (item.name, item.call_id, item.arguments if item.type == "function_call" else item.input)
        for item in response.output
        if item.type in ("function_call", "custom_tool_call")
    ]
    parts = [p for item in response.output if item.type == "message" for p in item.content]
    refusal = "".join(part.refusal for part in parts if part.type == "refusal")
    used = response.usage
    return Extract(
        response.output_text,
        refusal,
        calls,
        used
        and (
            used.input_tokens,
            used.input_tokens_details.cached_tokens if used.input_tokens_details else 0,
            used.output_tokens,
            used.output_tokens_details.reasoning_tokens if used.output_tokens_details else 0,
            used.total_tokens,
        ),
    )


def sdk_chat(data: bytes) -> Extract:
    messages: Any = [{"role": "user", "content": "Hi"}]
    with (
        client(data) as api,
        api.chat.completions.stream(model="m", messages=messages) as stream,
    ):
        completion = stream.get_final_completion()
    message = completion.choices[0].message
    used = completion.usage
    sent = used and used.prompt_tokens_details
    received = used and used.completion_tokens_details
    return Extract(
        message.content or "",
        message.refusal or "",
        [
            (call.function.name, call.id, call.function.arguments)
            for call in message.tool_calls or ()
        ],
        used
        and (
            used.prompt_tokens,
            (sent and sent.cached_tokens) or 0,
            used.completion_tokens,
            (received and received.reasoning_tokens) or 0,
            used.total_tokens,
        ),
    )


def sdk_plain_text(wire_api: str, data: bytes) -> str:
    """The text that the SDK's plain iterator gives, up to the error if there is one."""
    text = ""
    with client(data) as api:
        try:
            if wire_api == "responses":
                for event in api.responses.create(model="m", input="Hi", stream=True):
                    if event.type == "response.output_text.delta":
                        text += event.delta
            else:
                messages: Any = [{"role": "user", "content": "Hi"}]
                chunks = api.chat.completions.create(model="m", messages=messages, stream=True)
                for chunk in chunks:
                    for choice in chunk.choices:
                        text += choice.delta.content or ""
        except openai.APIError:
            pass
    return text


@pytest.mark.parametrize("name", sorted(path.stem for path in STREAMS.glob("*.sse")))
def test_extracts_what_the_official_sdk_extracts(name: str) -> None:
    data = (STREAMS / f"{name}.sse").read_bytes()
    wire_api = "chat" if "_chat" in name else "responses"
    mine = ours(wire_api, data)
    why = WHY.get(name, {})
    with warnings.catch_warnings():
        # Its own models warn about what these servers send.
        warnings.simplefilter("ignore", UserWarning)
        if RAISES in why:
            with pytest.raises(Exception):  # noqa: B017, PT011
                sdk_chat(data) if wire_api == "chat" else sdk_responses(data)
            assert sdk_plain_text(wire_api, data) == mine.text
            return
        theirs = sdk_chat(data) if wire_api == "chat" else sdk_responses(data)
    different = {
        field for field in Extract._fields if getattr(mine, field) != getattr(theirs, field)
    }
    assert different == why.keys()


def test_the_reasons_are_about_recordings() -> None:
    assert all((STREAMS / f"{name}.sse").exists() for name in WHY)


# --- the table of events ------------------------------------------------------------------------


def sdk_event_types() -> set[str]:
    union = get_args(ResponseStreamEvent)[0]
    return {get_args(model.model_fields["type"].annotation)[0] for model in get_args(union)}


def test_every_event_type_of_the_sdk_has_a_row() -> None:
    table = (Path(__file__).parents[2] / "docs" / "events.md").read_text(encoding="utf-8")
    rows = {line.split("`")[1] for line in table.splitlines() if line.startswith("| `")}
    types = sdk_event_types()
    assert len(types) > 50
    assert types - rows == set()


def test_no_event_type_of_the_sdk_is_unknown() -> None:
    item = {"id": "x", "type": "message"}
    for kind in sdk_event_types():
        frame = {"type": kind, "delta": "d", "item_id": "x", "item": item, "arguments": "{}"}
        decoder = decoder_for("responses")
        decoder.feed(json.dumps(frame))
        assert decoder.skipped == 0, kind
        assert not decoder.foreign, kind
