from __future__ import annotations

import copy
import json
from typing import Any

from hypothesis import given, settings
from hypothesis import strategies as st

from sidestream.adjust import Adjustments, Change, apply, changes_for
from sidestream.adjust._apply import HISTORY_CHANGES
from sidestream.errors import ErrorKind, SidestreamError

IMAGE = "data:image/png;base64,AAAA"
CHAT: dict[str, Any] = {
    "model": "m",
    "messages": [
        {"role": "system", "content": "Be kind."},
        {"role": "user", "content": [{"type": "image_url", "image_url": {"url": IMAGE}}]},
        {
            "role": "assistant",
            "content": None,
            "reasoning_content": "Hm.",
            "tool_calls": [
                {
                    "id": "c1",
                    "type": "function",
                    "function": {"name": "read", "arguments": "{}"},
                    "extra_content": {"google": {"thought_signature": "s"}},
                }
            ],
        },
        {"role": "tool", "tool_call_id": "c1", "content": "9"},
        {"role": "user", "content": "and?"},
    ],
    "tools": [
        {
            "type": "function",
            "function": {
                "name": "read",
                "description": "Reads.",
                "strict": True,
                "parameters": {"type": "object", "properties": {"a": {"type": "integer"}}},
            },
        }
    ],
    "stream": True,
    "stream_options": {"include_usage": True},
    "reasoning_effort": "high",
    "temperature": 0.5,
    "max_tokens": 100,
    "response_format": {"type": "json_schema"},
}
RESPONSES: dict[str, Any] = {
    "model": "m",
    "instructions": "Be kind.",
    "input": [
        {"type": "message", "role": "user", "content": [{"type": "input_text", "text": "hi"}]},
        {"type": "reasoning", "id": "rs_1", "summary": [], "encrypted_content": "E"},
        {"type": "function_call", "id": "fc_1", "call_id": "c1", "name": "read", "arguments": "{}"},
        {"type": "function_call_output", "call_id": "c1", "output": "9"},
        {"type": "message", "role": "user", "content": [{"type": "input_text", "text": "and?"}]},
    ],
    "tools": [{"type": "function", "name": "read", "parameters": {"type": "object"}}],
    "reasoning": {"effort": "high", "summary": "auto"},
    "text": {"verbosity": "low", "format": {"type": "json_schema"}},
    "store": False,
    "include": ["reasoning.encrypted_content"],
    "max_output_tokens": 100,
    "stream": True,
}
PIECES = st.sampled_from(
    [
        *(
            "Unsupported parameter: ",
            "Extra inputs are not permitted",
            "is not supported",
            " ",
            "'",
        ),
        *("messages", "messages[2]", "messages.2.reasoning_content", "input[1].id", "input.3"),
        *("tools[0]", "tools[0].function.strict", "tools.0.function.parameters", "model", "stream"),
        *("'temperature'", "'store'", "`include`", "max_tokens", "max_completion_tokens", "schema"),
        *(
            "reasoning.effort",
            "reasoning",
            "supported values: ",
            "low",
            "high",
            "none",
            "at most 7",
        ),
        *(
            "image",
            "invalid",
            "encrypted content",
            "could not be verified",
            "signature",
            "not found",
        ),
        *("Item with id 'rs_1'", "System role not supported", "body", "$.", "#/", "content", "id"),
        *(
            "response_format",
            "text.format",
            "tool_calls",
            "function",
            "name",
            "required",
            "[]",
            ".",
        ),
    ]
)
ERRORS = st.builds(
    lambda words, param, status, kind: SidestreamError(
        kind, "refused", status=status, param=param, server_message="".join(words)
    ),
    st.lists(PIECES, max_size=8),
    st.none() | PIECES,
    st.sampled_from([400, 404, 413, 422, 500, None]),
    st.sampled_from([ErrorKind.INVALID_REQUEST, ErrorKind.SERVER_ERROR, ErrorKind.NOT_FOUND]),
)


def asked(request: dict[str, Any]) -> Any:
    """Return what no change may touch: the model, the messages and the tools."""
    items = request.get("messages") or request.get("input") or []
    said = json.dumps(items)
    return (
        request["model"],
        request["stream"],
        [tool.get("name") or tool["function"]["name"] for tool in request["tools"]],
        request.get("response_format") or request["text"]["format"],
        [word for word in ("and?", '"arguments": "{}"', "read") if word in said],
        [item["role"] for item in items if item.get("role") in ("user", "tool")],
        sum(item.get("type", "").startswith("function_call") for item in items),
    )


@settings(max_examples=300)
@given(ERRORS, st.sampled_from([CHAT, RESPONSES]))
def test_a_request_is_never_changed_into_another_one(
    error: SidestreamError, request: dict[str, Any]
) -> None:
    before = copy.deepcopy(request)
    changes = changes_for(error, request)
    changed = apply(request, changes)
    assert request == before
    assert asked(changed) == asked(request)
    assert bool(changes) is (changed != request)
    assert apply(changed, [c for c in changes if c.action != "rename"]) == changed


@settings(max_examples=100)
@given(st.lists(ERRORS, max_size=8), st.sampled_from([CHAT, RESPONSES]))
def test_changes_come_to_an_end(errors: list[SidestreamError], request: dict[str, Any]) -> None:
    made: list[Change] = []
    seen = [json.dumps(request)]
    for error in errors * 3:
        changes = changes_for(error, apply(request, made), made)
        if changes:
            made += changes
            seen.append(json.dumps(apply(request, made)))
    assert len(seen) < 30
    assert asked(apply(request, made)) == asked(request)


@given(st.lists(st.tuples(st.sampled_from("ab"), st.sampled_from([*HISTORY_CHANGES])), max_size=20))
def test_what_was_learnt_is_the_same_after_a_restart(learnt: list[tuple[str, str]]) -> None:
    first = Adjustments()
    for conversation, path in learnt:
        change = Change("history", path, scope="conversation")
        first.add("https://a.test", "m", "chat", conversation, change)
    second = Adjustments()
    second.restore(first.to_json())
    for conversation in "ab":
        known = first.known("https://a.test", "m", "chat", conversation)
        assert second.known("https://a.test", "m", "chat", conversation) == known[:6]
    assert first.known("https://a.test", "m", "chat", "") == []


def test_only_so_much_is_remembered() -> None:
    adjustments = Adjustments()
    for number in range(600):
        change = Change("drop", "stream_options")
        adjustments.add(f"https://{number}.test", "m", "chat", "", change)
    assert adjustments.known("https://0.test", "m", "chat", "") == []
    assert adjustments.known("https://599.test", "m", "chat", "")
    assert len(adjustments.to_json()) < 100_000
