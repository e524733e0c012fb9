from __future__ import annotations

import pytest

from sidestream.errors import ErrorKind, SidestreamError
from sidestream.models import (
    ModelInfo,
    get_auto_compact_token_limit,
    get_model_context_window,
    model_info,
)

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


def test_a_configuration_of_the_wrong_type_is_reported() -> None:
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
