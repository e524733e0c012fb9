from __future__ import annotations

import json
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from sidestream.errors import ErrorKind, SidestreamError
from sidestream.model_list import parse_model_list
from sidestream.models import ModelInfo, model_info


def listing(*entries: Any, **more: Any) -> list[ModelInfo]:
    return parse_model_list(json.dumps({"object": "list", "data": list(entries), **more}).encode())


def test_the_listing_of_openai() -> None:
    found = listing(
        {"id": "gpt-5.2", "object": "model", "created": 1, "owned_by": "system"},
        {"id": "text-embedding-3-large", "object": "model"},
        {"id": "gpt-4o-realtime-preview"},
        {"id": "gpt-4o-transcribe"},
        {"id": "gpt-4o-mini-tts"},
        {"id": "omni-moderation-latest"},
        {"id": "sora-2"},
        {"id": "gpt-4o"},
        {"id": "gpt-4o"},
    )
    assert found == [model_info("gpt-5.2"), model_info("gpt-4o")]


def test_the_listing_of_openrouter() -> None:
    [qwen, gpt] = listing(
        {
            "id": "qwen/qwen3-vl",
            "name": "Qwen: Qwen3 VL",
            "context_length": 262_144,
            "architecture": {"input_modalities": ["Text", "image"], "output_modalities": ["text"]},
            "top_provider": {"context_length": 131_072, "max_completion_tokens": 32_768},
            "supported_parameters": ["temperature", "tools", "reasoning"],
        },
        {
            "id": "openai/gpt-5.2",
            "context_length": 400_000,
            "top_provider": {"context_length": None, "max_completion_tokens": None},
            "architecture": {"input_modalities": ["text"]},
            "supported_parameters": ["verbosity", "max_tokens"],
        },
        {"id": "google/image", "architecture": {"output_modalities": ["image"]}},
    )
    assert (qwen.context_window, qwen.max_output_tokens) == (131_072, 32_768)
    assert qwen.display_name == "Qwen: Qwen3 VL"
    assert qwen.supports_images is True
    assert qwen.supports_audio is False
    assert (qwen.supports_tools, qwen.supports_reasoning) == (True, True)
    assert qwen.supports_verbosity is False
    assert qwen.sampling is None
    assert gpt.context_window == 272_000
    assert gpt.supports_images is False
    assert (gpt.sampling, gpt.supports_verbosity) == ("never", True)
    assert gpt.supports_tools is False
    assert gpt.max_output_tokens == 128_000


def test_the_listings_of_ollama() -> None:
    [one] = listing({"id": "qwen3:30b", "object": "model", "owned_by": "library"})
    assert one == model_info("qwen3:30b")
    tags = {"models": [{"name": "qwen3:30b", "model": "qwen3:30b", "details": {}}]}
    [same] = parse_model_list(json.dumps(tags).encode())
    assert same == one.model_copy(update={"display_name": "qwen3:30b"})


def test_the_listing_of_lm_studio() -> None:
    [vlm, llm] = listing(
        {
            "id": "qwen2-vl",
            "type": "vlm",
            "max_context_length": 32_768,
            "loaded_context_length": 4_096,
        },
        {"id": "text-embedding-nomic", "type": "embeddings", "max_context_length": 2048},
        {"id": "llama", "type": "llm", "max_context_length": 131_072},
    )
    assert (vlm.context_window, vlm.max_context_window, vlm.supports_images) == (
        4_096,
        32_768,
        True,
    )
    assert (llm.context_window, llm.max_context_window, llm.supports_images) == (
        131_072,
        None,
        False,
    )


def test_the_listing_of_llama_cpp() -> None:
    meta = {"n_ctx_train": 131_072, "n_params": 1}
    [one] = listing({"id": "/models/a.gguf", "meta": meta}, models=[{"name": "other"}])
    assert (one.slug, one.context_window) == ("/models/a.gguf", 131_072)
    [one] = listing({"id": "a", "meta": {**meta, "n_ctx": 8_192}})
    assert (one.context_window, one.max_context_window) == (8_192, 131_072)
    [one] = listing({"id": "a", "meta": None})
    assert one.context_window is None


def test_the_listing_of_vllm() -> None:
    [one] = listing({"id": "Qwen/Qwen3-8B", "max_model_len": 40_960, "root": "x", "parent": None})
    assert one.context_window == 40_960


def test_the_listings_of_groq_mistral_and_together() -> None:
    [groq] = listing({"id": "llama", "context_window": 131_072, "max_completion_tokens": 32_768})
    assert (groq.context_window, groq.max_output_tokens) == (131_072, 32_768)
    [mistral] = listing(
        {
            "id": "mistral-large",
            "max_context_length": 131_072,
            "capabilities": {"vision": True, "function_calling": False, "other": 1},
        }
    )
    assert (mistral.supports_images, mistral.supports_tools) == (True, False)
    together = [{"id": "a", "type": "chat", "context_length": 8192}, {"id": "b", "type": "image"}]
    [chat] = parse_model_list(json.dumps(together).encode())
    assert (chat.slug, chat.context_window) == ("a", 8192)


def test_the_listing_of_the_chatgpt_backend() -> None:
    entry = {
        "slug": "gpt-9",
        "display_name": "GPT-9",
        "default_reasoning_level": "high",
        "supported_reasoning_levels": [{"effort": "low"}, {"effort": "high"}, {"no": 1}, 3],
        "support_verbosity": True,
        "default_verbosity": "low",
        "supports_reasoning_summaries": True,
        "default_reasoning_summary": "auto",
        "supports_parallel_tool_calls": True,
        "use_responses_lite": True,
        "context_window": 100_000,
        "max_context_window": 400_000,
        "auto_compact_token_limit": 80_000,
        "effective_context_window_percent": 90,
        "input_modalities": ["text", "image"],
    }
    hidden = {"slug": "review", "visibility": "hide"}
    [info] = parse_model_list(json.dumps({"models": [hidden, entry]}).encode())
    assert info == ModelInfo(
        slug="gpt-9",
        display_name="GPT-9",
        context_window=100_000,
        max_context_window=400_000,
        effective_context_window_percent=90,
        auto_compact_token_limit=80_000,
        supports_reasoning=True,
        efforts=["low", "high"],
        default_effort="high",
        supports_reasoning_summaries=True,
        default_summary="auto",
        supports_verbosity=True,
        default_verbosity="low",
        supports_parallel_tool_calls=True,
        supports_images=True,
        supports_audio=False,
        uses_responses_lite=True,
    )
    [plain] = parse_model_list(b'{"models": [{"slug": "x", "supported_reasoning_levels": []}]}')
    assert (plain.supports_reasoning, plain.efforts) == (False, [])


def test_a_list_of_embeddings_alone_is_shown_as_it_is() -> None:
    assert [info.slug for info in listing({"id": "bge-m3"})] == ["bge-m3"]
    assert listing() == []


@pytest.mark.parametrize("size", ["8192", 8192, 8192.7, "0008192"])
def test_sizes_may_come_as_text(size: Any) -> None:
    assert listing({"id": "a", "context_length": size})[0].context_window == 8192


@pytest.mark.parametrize("size", ["", "8k", "²", -1, 0, True, None, [], {}, 1e300, "9" * 5000])
def test_what_is_no_size_is_unknown(size: Any) -> None:
    assert listing({"id": "a", "context_length": size})[0].context_window is None


@pytest.mark.parametrize(
    "body",
    [b"", b"<html>", b"{}", b"3", b'{"data": {}}', b'{"error": {}}', b"\xff", b"[" * 100_000],
)
def test_what_is_no_listing_is_reported(body: bytes) -> None:
    with pytest.raises(SidestreamError) as caught:
        parse_model_list(body)
    assert caught.value.kind is ErrorKind.BAD_RESPONSE
    assert caught.value.hint


field_names = st.sampled_from(
    [
        *("id", "slug", "name", "type"),
        *("meta", "top_provider", "architecture", "capabilities"),
        *("context_length", "max_model_len", "supported_parameters", "input_modalities"),
        *("n_ctx", "n_ctx_train", "supported_reasoning_levels", "effort"),
        *("default_reasoning_level", "support_verbosity", "visibility", "max_tokens"),
    ]
)
values = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=5),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(field_names, inner, max_size=4),
    max_leaves=12,
)


@given(entries=st.lists(values, max_size=4))
def test_any_listing_is_read_without_a_fault(entries: list[Any]) -> None:
    found = parse_model_list(json.dumps({"data": entries}).encode())
    slugs = [info.slug for info in found]
    assert len(set(slugs)) == len(slugs)
    assert all(slug == slug.strip() != "" for slug in slugs)
    for info in found:
        assert info.context_window is None or info.context_window > 0
        assert ModelInfo.model_validate_json(info.to_json()) == info
