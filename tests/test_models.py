from __future__ import annotations

import json
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from sidestream.errors import ErrorKind, SidestreamError
from sidestream.models import (
    ModelInfo,
    get_auto_compact_token_limit,
    get_model_context_window,
    model_info,
    parse_model_list,
)


def listing(*entries: Any, **more: Any) -> list[ModelInfo]:
    return parse_model_list(json.dumps({"object": "list", "data": list(entries), **more}).encode())


# --- the table ---------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("slug", "window"),
    [
        ("gpt-5.6-sol", 272_000),
        ("gpt-5.2", 272_000),
        ("gpt-5.2-2025-12-11", 272_000),
        ("gpt-5", 272_000),
        ("gpt-5-mini", 272_000),
        ("GPT-5", 272_000),
        ("openai/gpt-5:free", 272_000),
        ("gpt-5.10", 272_000),
        ("gpt-5-chat-latest", 128_000),
        ("gpt-7", 272_000),
        ("gpt-12-turbo", 272_000),
        ("codex-auto-review", 272_000),
        ("codex-mini-latest", 200_000),
        ("o3", 200_000),
        ("o4-mini-2025-04-16", 200_000),
        ("gpt-4.1", 1_047_576),
        ("gpt-4.1-2025-04-14", 1_047_576),
        ("gpt-4o", 128_000),
        ("gpt-4o-mini", 128_000),
        ("ft:gpt-4o:org::id", 128_000),
        ("gpt-4", 8_192),
        ("gpt-3.5-turbo", 16_385),
        ("gpt-oss:20b", 96_000),
        ("openai/gpt-oss-120b", 96_000),
        ("gpt-5x", None),
        ("o31", None),
        ("o3x-large", None),
        ("gpt-j-6b", None),
        ("gpt4all", None),
        ("qwen3:30b", None),
        ("", None),
    ],
)
def test_context_windows_by_family(slug: str, window: int | None) -> None:
    assert get_model_context_window(slug) == window
    assert model_info(slug).slug == slug


def test_an_unknown_model_is_unknown_in_every_way() -> None:
    info = model_info("qwen3")
    assert info.model_dump(exclude_defaults=True) == {"slug": "qwen3"}
    assert info.effective_context_window is None


@pytest.mark.parametrize(
    ("slug", "effort", "verbosity", "sampling"),
    [
        ("gpt-5.6-sol", "low", "low", "without_reasoning"),
        ("gpt-5.6-terra", "medium", "low", "without_reasoning"),
        ("gpt-5.4-mini", "medium", "medium", "without_reasoning"),
        ("gpt-5.2", "medium", "low", "without_reasoning"),
        ("gpt-5.2-codex", "medium", None, "never"),
        ("gpt-5", "medium", "medium", "never"),
        ("gpt-5-pro", "high", "medium", "never"),
        ("o3", "medium", None, "never"),
        ("gpt-4o", None, None, "always"),
        ("gpt-oss-20b", None, None, "always"),
        ("llama3", None, None, None),
    ],
)
def test_defaults_by_family(
    slug: str, effort: str | None, verbosity: str | None, sampling: str | None
) -> None:
    info = model_info(slug)
    assert (info.default_effort, info.default_verbosity, info.sampling) == (
        effort,
        verbosity,
        sampling,
    )
    if effort and info.efforts:
        assert effort in info.efforts


def test_abilities_by_family() -> None:
    assert model_info("gpt-5.2").supports_parallel_tool_calls is True
    assert model_info("o3").supports_parallel_tool_calls is False
    assert model_info("gpt-4o").supports_reasoning is False
    assert model_info("gpt-4o").supports_images is True
    assert model_info("o3-mini").supports_images is False
    assert model_info("gpt-5.6-luna").efforts[-1] == "max"
    assert model_info("gpt-5.6-terra").efforts[-1] == "ultra"
    assert model_info("gpt-5.6-terra").uses_responses_lite
    assert model_info("gpt-5.2").default_summary == "auto"


def test_a_configuration_wins() -> None:
    info = model_info("qwen3", {"context_window": 32_768, "max_output_tokens": None, "slug": "x"})
    assert (info.slug, info.context_window) == ("qwen3", 32_768)
    assert model_info("gpt-5.2", {"context_window": 500_000}).context_window == 272_000
    assert model_info("gpt-5.4", {"context_window": 500_000}).context_window == 500_000
    assert model_info("gpt-4o", ModelInfo(slug="y", supports_images=False)) == model_info(
        "gpt-4o"
    ).model_copy(update={"supports_images": False})


def test_a_configuration_of_the_wrong_type_is_told() -> None:
    with pytest.raises(SidestreamError) as caught:
        model_info("qwen3", {"context_window": "large"})
    assert caught.value.kind is ErrorKind.CONFIGURATION


def test_windows_and_limits() -> None:
    assert get_model_context_window("gpt-5.2", 100_000) == 100_000
    assert get_model_context_window("gpt-5.2", 900_000) == 272_000
    assert get_model_context_window("qwen3", 8_192) == 8_192
    assert get_model_context_window(ModelInfo(slug="a", max_context_window=5)) == 5
    assert model_info("gpt-5.2").effective_context_window == 258_400
    assert ModelInfo(slug="a", max_context_window=200).effective_context_window == 190


@pytest.mark.parametrize(
    ("model", "configured", "window", "limit"),
    [
        ("gpt-5.2", None, None, 244_800),
        ("gpt-5.2", 100_000, None, 100_000),
        ("gpt-5.2", 270_000, None, 244_800),
        ("gpt-5.2", None, 100_000, 90_000),
        ("qwen3", None, None, None),
        ("qwen3", 5_000, None, 5_000),
        ("qwen3", None, 32_768, 29_491),
        (ModelInfo(slug="a", context_window=100, auto_compact_token_limit=50), None, None, 50),
        (ModelInfo(slug="a", context_window=100, auto_compact_token_limit=50), 70, None, 70),
        (ModelInfo(slug="a", auto_compact_token_limit=50), None, None, 50),
    ],
)
def test_auto_compact_limits(
    model: str | ModelInfo, configured: int | None, window: int | None, limit: int | None
) -> None:
    assert get_auto_compact_token_limit(model, configured, context_window=window) == limit


# --- listings ----------------------------------------------------------------------------------


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


def test_a_listing_of_nothing_but_embeddings_is_shown_as_it_is() -> None:
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
def test_what_is_no_listing_is_told_as_such(body: bytes) -> None:
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
