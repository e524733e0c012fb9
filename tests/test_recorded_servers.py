"""Answers of real servers, byte for byte as they arrived, through the whole client.

Recorded from the LiteLLM proxy 1.106.2 (in front of the demo provider), llama.cpp's llama-server
0c1e570 and transformers serve 5.23.0 (models with random weights); see docs/heavier-servers.md.
"""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

from sidestream import Client, ErrorKind, Prompt, Provider, TurnResult, WireApi
from sidestream.testing import FakeFetch, MockSSEStream, Reply, run
from sidestream.types.items import MessageItem, ReasoningItem

RECORDED = Path(__file__).parent / "fixtures" / "recorded"
NAMES = sorted(path.stem for path in RECORDED.glob("*.sse"))

# name: kinds of the items, input, output, reasoning and cached tokens, error
EXPECTED: dict[str, tuple[list[type], tuple[int, int, int, int], ErrorKind | None]] = {
    "litellm_chat": ([ReasoningItem, MessageItem], (9, 138, 88, 0), None),
    "litellm_responses": ([ReasoningItem, MessageItem], (9, 138, 0, 0), None),
    "llamacpp_chat": ([MessageItem], (60, 6, 0, 59), ErrorKind.INCOMPLETE),
    "llamacpp_responses": ([MessageItem], (60, 6, 0, 59), None),
    "transformers_chat": ([MessageItem], (4, 24, 0, 0), ErrorKind.INCOMPLETE),
    "transformers_responses": ([MessageItem], (4, 24, 0, 0), None),
}


def deltas(name: str) -> str:
    """Read the text in the simplest way."""
    text = ""
    for line in (RECORDED / f"{name}.sse").read_text(encoding="utf-8").splitlines():
        if line.startswith("data: {"):
            data: dict[str, Any] = json.loads(line[6:])
            if data.get("type") == "response.output_text.delta":
                text += data["delta"]
            for choice in data.get("choices", []):
                text += choice["delta"].get("content") or ""
    return text


def answer(name: str, size: int) -> tuple[TurnResult, Client]:
    wire_api = WireApi.CHAT if name.endswith("_chat") else WireApi.RESPONSES
    body = (RECORDED / f"{name}.sse").read_bytes()
    client = Client(
        provider=Provider(name="Local", base_url="http://localhost/v1", wire_api=wire_api),
        fetch=FakeFetch(Reply(MockSSEStream(body).chunked(size))),
        model="any",
    )
    return run(client.complete(Prompt.from_text("think"))), client


def test_every_recording_is_expected() -> None:
    assert set(EXPECTED) == set(NAMES)


@pytest.mark.parametrize("name", NAMES)
def test_the_answer_of_a_real_server(name: str) -> None:
    kinds, tokens, error = EXPECTED[name]
    result, client = answer(name, 1000)
    assert [type(item) for item in result.items] == kinds
    assert result.text == deltas(name) != ""
    used = result.usage
    assert used is not None
    assert tokens == (
        used.input_tokens,
        used.output_tokens,
        used.reasoning_output_tokens,
        used.cached_input_tokens,
    )
    assert (result.error and result.error.kind) == error
    assert result.response_id
    assert client.stats.skipped_frames == 0


@pytest.mark.parametrize("name", NAMES)
def test_the_chunks_do_not_matter(name: str) -> None:
    whole, _ = answer(name, 1 << 20)
    for size in (7, 61):
        pieces, _ = answer(name, size)
        assert (pieces.items, pieces.usage, pieces.response_id) == (
            whole.items,
            whole.usage,
            whole.response_id,
        )
