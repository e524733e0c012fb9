"""Whatever a server sends, decoders never raise; whatever it leaves out, the answer is the same."""

from __future__ import annotations

import itertools
import json
import random
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from sidestream._json import parse
from sidestream.decode import decoder_for
from sidestream.sse import SSEDecoder

# --- nonsense ------------------------------------------------------------------------------------

KEYS = st.sampled_from(
    [
        *("type", "delta", "item_id", "call_id", "name", "output_index", "content_index", "text"),
        *("summary_index", "refusal", "arguments", "input", "item", "part", "annotation", "id"),
        *("response", "headers", "metadata", "safety_buffering", "error", "code", "message"),
        *("content", "summary", "role", "status", "usage", "output", "incomplete_details"),
        *("choices", "index", "finish_reason", "tool_calls", "function", "reasoning", "message"),
        *("reasoning_content", "reasoning_details", "annotations", "function_call", "thinking"),
        *("use_cases", "reasons", "retry_model", "openai-model", "input_tokens", "custom"),
        *("prompt_tokens", "total_tokens", "encrypted_content", "object", "error_message"),
        *("openai_verification_recommendation", "openai_chatgpt_moderation_metadata"),
    ]
)
EVENTS = [
    *("response.created", "response.in_progress", "response.output_item.added", "error", "ping"),
    *("response.output_item.done", "response.content_part.added", "response.content_part.done"),
    *("response.output_text.delta", "response.output_text.done", "response.refusal.delta"),
    *("response.refusal.done", "response.output_text.annotation.added", "response.metadata"),
    *("response.reasoning_text.delta", "response.reasoning_text.done"),
    *("response.reasoning_summary_text.delta", "response.reasoning_summary_text.done"),
    *("response.reasoning_summary_part.added", "response.reasoning_summary_part.done"),
    *("response.function_call_arguments.delta", "response.function_call_arguments.done"),
    *("response.custom_tool_call_input.delta", "response.custom_tool_call_input.done"),
    *("response.web_search_call.searching", "response.code_interpreter_call_code.delta"),
    *("response.shell_call_output_content.delta", "response.completed", "response.failed"),
    *("response.incomplete", "response.done", "response.cancelled", "response.error"),
]
WORDS = st.sampled_from(
    [
        *("", "a", "b", "msg_1", "fc_1", "{", '{"a":1}', "stop", "length", "tool_calls", "error"),
        *("message", "reasoning", "function_call", "custom_tool_call", "web_search_call", "weird"),
        *("output_text", "refusal", "reasoning_text", "text", "completed", "incomplete", "😀"),
        *("\ud83d", "\ude00", "x\ud83d", "\ude00y", "[DONE]", "url_citation", "thinking"),
    ]
)
SCALARS = (
    st.none()
    | st.booleans()
    | st.integers(-3, 5)
    | st.floats()
    | WORDS
    | st.sampled_from(EVENTS)
    | st.text(max_size=4)
    | st.sampled_from([10**30, 1e300, -0.0])
)
JSON = st.recursive(
    SCALARS,
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(KEYS | WORDS, inner, max_size=5),
    max_leaves=20,
)
FRAMES = st.builds(
    lambda kind, rest: {**rest, "type": kind},
    st.sampled_from(EVENTS),
    st.dictionaries(KEYS, JSON, max_size=6),
)
CHUNKS = st.builds(
    lambda delta, rest, more: {"choices": [{"delta": delta, **rest}], **more},
    st.dictionaries(KEYS, JSON, max_size=4),
    st.dictionaries(KEYS, SCALARS, max_size=2),
    st.dictionaries(KEYS, SCALARS, max_size=1),
)
NOISE = (
    st.text(max_size=12)
    | st.sampled_from(["[DONE]", "{", "[]", "null", '"x"', "1e999", "[" * 5000, '{"type":' * 300])
    | (JSON | FRAMES | CHUNKS).map(json.dumps)
)


@pytest.mark.parametrize("wire_api", ["responses", "chat"])
@given(frames=st.lists(NOISE, max_size=12))
def test_nonsense_never_raises(wire_api: str, frames: list[str], play: Any) -> None:
    play(wire_api, frames, exact=False)


@pytest.mark.parametrize("wire_api", ["responses", "chat"])
@given(body=st.binary(max_size=20) | (JSON | FRAMES | CHUNKS).map(lambda v: json.dumps(v).encode()))
def test_nonsense_bodies_never_raise(wire_api: str, body: bytes) -> None:
    decoder = decoder_for(wire_api)
    events = decoder.feed_body(body)
    events += decoder.close()
    assert decoder.done
    assert [event.type for event in events].count("Completed") == 1


@given(rubbish=st.lists(NOISE.filter(lambda text: not _counts(text)), max_size=8), data=st.data())
def test_junk_between_frames_loses_none(rubbish: list[str], data: Any, play: Any) -> None:
    for name in ("openai_responses_parallel_calls", "openai_chat_tools", "vllm_responses"):
        wire_api, frames = _recording(name)
        mixed = list(frames)
        for junk in rubbish:
            if wire_api == "chat" and not _is_json(junk):
                continue  # nothing repeats the text of this frame
            mixed.insert(data.draw(st.integers(0, len(mixed))), junk)
        clean = play(wire_api, frames)
        outcome = play(wire_api, mixed)
        assert outcome.events == clean.events


def _is_json(text: str) -> bool:
    try:
        parse(text)
    except ValueError:
        return False
    return True


def _counts(text: str) -> bool:
    """Whether a decoder would read a frame from this."""
    if text.strip() in ("[DONE]", "DONE"):
        return True
    try:
        value = parse(text)
    except ValueError:
        return False
    meaningful = {"type", "choices", "usage", "error", "error_message", "object"}
    meaningful |= {"headers", "response", "safety_buffering", "message", "code"}
    return isinstance(value, dict) and bool(meaningful & value.keys())


def _recording(name: str) -> tuple[str, list[str]]:
    path = Path(__file__).parent.parent / "fixtures" / "streams" / f"{name}.sse"
    frames = [event.data for event in SSEDecoder().feed(path.read_bytes())]
    return "chat" if "_chat" in name else "responses", frames


# --- the same answer, sent in every way ----------------------------------------------------------


@dataclass
class Item:
    kind: str
    pieces: list[str]
    place: int
    frames: list[dict[str, Any]] = field(default_factory=list)

    @property
    def text(self) -> str:
        return "".join(self.pieces)

    @property
    def item_id(self) -> str:
        return f"{self.kind}_{self.place}"

    def whole(self, *, status: str = "completed") -> dict[str, Any]:
        done = status == "completed"
        text = self.text if done else ""
        raw: dict[str, Any] = {"id": self.item_id, "type": self.kind, "status": status}
        if self.kind == "message":
            parts = [{"type": "output_text", "text": text, "annotations": []}]
            return {**raw, "role": "assistant", "content": parts if done else []}
        if self.kind == "reasoning":
            parts = [{"type": "summary_text", "text": text}]
            return {**raw, "summary": parts if done else [], "encrypted_content": "enc"}
        return {**raw, "name": "tool", "call_id": f"call_{self.place}", "arguments": text}


NAMES = {
    "message": "response.output_text",
    "reasoning": "response.reasoning_summary_text",
    "function_call": "response.function_call_arguments",
}

PIECES = st.lists(st.text('abc😀é \n"\\', min_size=1, max_size=3), min_size=1, max_size=4)


@st.composite
def answers(draw: st.DrawFn) -> tuple[list[Item], list[dict[str, Any]]]:
    """Draw items, and frames with these items from which everything optional may be missing."""
    kinds = draw(st.lists(st.sampled_from(sorted(NAMES)), min_size=1, max_size=4))
    items = [Item(kind, draw(PIECES), place) for place, kind in enumerate(kinds)]
    # How the frames of an item are matched. "rotating": every frame has another id.
    by = draw(st.sampled_from(["both", "id", "index", "rotating", "colliding", "order"]))
    drop = draw(
        st.sets(st.sampled_from(["added", "part", "text_done", "part_done", "item_done", "deltas"]))
    )
    output = draw(st.booleans())
    if "deltas" in drop and not output:
        drop.discard("item_done")
    if by in ("colliding", "order"):
        drop.discard("added")
        drop.discard("item_done")
    if "item_done" in drop and not output:
        drop.discard("added")
    for item in items:
        name = NAMES[item.kind]
        index = 0 if by == "colliding" else item.place

        def frame(kind: str, *, index: int = index, of: Item = item, **more: Any) -> None:
            data: dict[str, Any] = {"type": kind, **more}
            if by in ("both", "id", "colliding") and "item" not in more:
                data["item_id"] = of.item_id
            if by == "rotating" and "item" not in more:
                data["item_id"] = f"{of.item_id}_{len(of.frames)}"
            if by in ("both", "index", "rotating", "colliding"):
                data["output_index"] = index
            if by == "rotating" and "item" in more:
                data["item"] = {**more["item"], "id": f"{of.item_id}_{len(of.frames)}"}
            if by in ("index", "order") and "item" in more and of.kind != "function_call":
                data["item"] = {key: v for key, v in more["item"].items() if key != "id"}
            of.frames.append(data)

        if "added" not in drop:
            begun = item.whole(status="in_progress")
            frame(
                "response.output_item.added",
                item={**begun, "arguments": ""} if "arguments" in begun else begun,
            )
        if "part" not in drop and item.kind == "message":
            frame("response.content_part.added", content_index=0, part={"type": "output_text"})
        if "deltas" not in drop:
            for piece in item.pieces:
                frame(f"{name}.delta", delta=piece, content_index=0, summary_index=0)
        field_name = "arguments" if item.kind == "function_call" else "text"
        if "text_done" not in drop:
            frame(f"{name}.done", **{field_name: item.text}, content_index=0, summary_index=0)
        if "part_done" not in drop and item.kind == "message":
            part = item.whole()["content"][0]
            frame("response.content_part.done", content_index=0, part=part)
        if "item_done" not in drop:
            frame("response.output_item.done", item=item.whole())
    if by == "order":
        frames = [data for item in items for data in item.frames]
    else:
        # The items' frames are interleaved; each item's own order is kept.
        order = [item for item in items for _ in item.frames]
        random.Random(draw(st.integers(0, 2**32))).shuffle(order)
        queues = {item.place: iter(item.frames) for item in items}
        frames = [next(queues[item.place]) for item in order]
    sent = [item.whole() for item in items]
    if by == "rotating":
        sent = [{**raw, "id": f"{raw['id']}_last"} for raw in sent]
    done = {"id": "resp_1", "status": "completed", "output": sent if output else []}
    return items, [*frames, {"type": "response.completed", "response": done}]


@given(answers())
def test_answers_agree_with_what_streamed(
    play: Any, answer: tuple[list[Item], list[dict[str, Any]]]
) -> None:
    items, frames = answer
    outcome = play("responses", frames)
    assert outcome.error is None
    texts = {kind: sorted(i.text for i in items if i.kind == kind) for kind in NAMES}
    assert sorted(message.text for message in outcome.messages) == texts["message"]
    assert sorted(call[2] for call in outcome.calls) == texts["function_call"]
    sent = ["".join(p.text for p in i.summary) for i in outcome.items if i.type == "reasoning"]
    assert sorted(sent) == texts["reasoning"]
    assert {call[0] for call in outcome.calls} <= {"tool"}
    assert sorted(outcome.text) == sorted("".join(texts["message"]))


# --- Chat Completions ----------------------------------------------------------------------------


@st.composite
def chats(draw: st.DrawFn) -> tuple[str, str, list[str], list[Any]]:
    """Draw text, reasoning, the arguments of calls, and chunks with them."""
    text, reasoning = draw(PIECES), draw(PIECES)
    calls = [
        json.dumps({"value": value})
        for value in draw(st.lists(st.text('ab{}"é', max_size=5), max_size=3))
    ]
    style = draw(st.sampled_from(["indexed", "repeated", "ids", "colliding", "bare"]))
    name = draw(st.sampled_from(["reasoning", "reasoning_content", "reasoning_details"]))
    deltas: list[dict[str, Any]] = []
    for piece in reasoning:
        details = [{"type": "reasoning.text", "text": piece}]
        deltas.append({name: details if name == "reasoning_details" else piece})
    deltas += [{"content": piece} for piece in text]
    streams = []
    for place, arguments in enumerate(calls):
        step = draw(st.integers(1, 9))
        pieces = [arguments[i : i + step] for i in range(0, len(arguments), step)]
        if style in ("colliding", "bare"):
            pieces = [arguments]
        own = []
        for number, piece in enumerate(pieces):
            call: dict[str, Any] = {"function": {"arguments": piece}}
            if number == 0 or style == "repeated":
                call["function"]["name"] = "tool"
            if style in ("indexed", "repeated"):
                call["index"] = place
            if style == "colliding":
                call["index"] = 0
            if style in ("ids", "colliding") or (style != "bare" and number == 0):
                call["id"] = f"call_{place}"
            own.append({"tool_calls": [call]})
        streams.append(own)
    if style == "bare":
        deltas += [delta for own in streams for delta in own]
    else:
        order = [place for place, own in enumerate(streams) for _ in own]
        random.Random(draw(st.integers(0, 2**32))).shuffle(order)
        queues = [iter(own) for own in streams]
        deltas += [next(queues[place]) for place in order]
    finish = "tool_calls" if calls and draw(st.booleans()) else "stop"
    chunks: list[Any] = [{"id": "c", "choices": [{"index": 0, "delta": d}]} for d in deltas]
    chunks.append({"id": "c", "choices": [{"index": 0, "delta": {}, "finish_reason": finish}]})
    if draw(st.booleans()):
        chunks.append({"id": "c", "choices": [], "usage": {"prompt_tokens": 1}})
    if draw(st.booleans()):
        chunks.append("[DONE]")
    return "".join(text), "".join(reasoning), calls, chunks


@given(chats())
def test_chats_agree_with_what_streamed(
    play: Any, chat: tuple[str, str, list[str], list[Any]]
) -> None:
    text, reasoning, calls, chunks = chat
    outcome = play("chat", chunks)
    assert outcome.error is None
    assert outcome.text == text == "".join(message.text for message in outcome.messages)
    assert outcome.reasoning == reasoning
    assert sorted(call[2] for call in outcome.calls) == sorted(calls)
    assert len({call[1] for call in outcome.calls}) == len(calls)


# --- characters split in two ---------------------------------------------------------------------


@given(text=st.text("a😀é\U0001f469\U0001f3fd", min_size=1, max_size=12), data=st.data())
def test_split_characters_are_joined(text: str, data: Any, play: Any) -> None:
    units = text.encode("utf-16-le")
    cuts = sorted(data.draw(st.sets(st.integers(0, len(units) // 2), max_size=6)))
    edges = [0, *cuts, len(units) // 2]
    pieces = [
        units[a * 2 : b * 2].decode("utf-16-le", "surrogatepass")
        for a, b in itertools.pairwise(edges)
    ]
    responses = [{"type": "response.output_text.delta", "delta": piece} for piece in pieces]
    outcome = play("responses", [*responses, {"type": "response.completed", "response": {}}])
    assert outcome.text == text
    chunks: list[Any] = [{"choices": [{"delta": {"content": piece}}]} for piece in pieces]
    outcome = play("chat", [*chunks, "[DONE]"])
    assert outcome.text == text
