"""Public reports of parameters that the user had not set, and of values that are refused."""

from __future__ import annotations

from typing import Any

import pytest
from pydantic import ValidationError

from sidestream.model_list import parse_model_list
from sidestream.models import clamp_effort
from sidestream.payload.chat import build_chat_request
from sidestream.payload.responses import build_responses_request
from sidestream.prompt import CallOptions, Prompt
from sidestream.provider import Provider
from sidestream.types.tools import FunctionTool

OPENAI = "https://api.openai.com/v1"
GATEWAY = "https://gateway.example/v1"
TOOL = FunctionTool(name="look", parameters={"type": "object", "properties": {}})


def chat(base_url: str, model: str, **options: Any) -> dict[str, Any]:
    provider = Provider(name="Any", base_url=base_url)
    prompt = Prompt.from_text("Hi").model_copy(update={"tools": [TOOL]})
    return build_chat_request(prompt, CallOptions(model=model, **options), provider)


def responses(base_url: str, model: str, **options: Any) -> dict[str, Any]:
    provider = Provider(name="Any", base_url=base_url)
    prompt = Prompt.from_text("Hi").model_copy(update={"tools": [TOOL]})
    return build_responses_request(prompt, CallOptions(model=model, **options), provider)


@pytest.mark.parametrize(
    ("model", "asked", "sent"),
    [
        ("gpt-5.5", "minimal", "low"),
        ("gpt-5.2", "minimal", "low"),
        ("gpt-5.1", "xhigh", "high"),
        ("gpt-5.1", "minimal", "low"),
        ("gpt-5-codex", "minimal", "low"),
        ("gpt-5-codex", "none", "low"),
        ("gpt-5-pro", "low", "high"),
        ("gpt-5.6-luna", "minimal", "low"),
        ("gpt-5.6-luna", "ultra", "max"),
        ("gpt-5.6-sol", "ultra", "ultra"),
        ("gpt-5.4-mini", "max", "xhigh"),
        ("gpt-oss:20b", "xhigh", "high"),
        ("a-model-of-tomorrow", "ultra", "ultra"),
        ("gpt-5.5", "their-own-word", "their-own-word"),
    ],
)
def test_an_effort_is_the_nearest_that_the_model_takes(model: str, asked: str, sent: str) -> None:
    """nexu-io/open-design#223, CLIProxyAPI#4380, lionagi#2076, open-gsd/gsd-core#3765."""
    assert clamp_effort(model, asked) == sent


def test_thinking_cannot_be_turned_off_in_gemini_3() -> None:
    """HKUDS/DeepTutor#809: "none" is refused but by the smaller models of 2.5."""
    google = "https://generativelanguage.googleapis.com/v1beta/openai"
    assert chat(google, "gemini-3-pro-preview", effort="none")["reasoning_effort"] == "minimal"
    assert chat(google, "models/gemini-2.5-pro", effort="none")["reasoning_effort"] == "minimal"
    assert chat(google, "gemini-2.5-flash", effort="none")["reasoning_effort"] == "none"
    assert chat(google, "gemini-3-flash", effort="ultra")["reasoning_effort"] == "high"


def test_no_effort_and_no_summary_unless_chosen() -> None:
    """OpenHands/software-agent-sdk#1004, BerriAI/litellm#16210, continuedev/continue#12047."""
    request = responses(OPENAI, "gpt-5")
    assert not {"reasoning", "text", "tool_choice", "parallel_tool_calls"} & set(request)
    assert responses(OPENAI, "gpt-5", summary="auto")["reasoning"] == {"summary": "auto"}
    assert "reasoning" not in responses(OPENAI, "gpt-5", summary="none")


def test_parallel_calls_are_not_spoken_of_to_models_without() -> None:
    """run-llama/llama_index#20865: o3-mini refuses the parameter, whatever its value."""
    for made in (chat, responses):
        assert "parallel_tool_calls" not in made(OPENAI, "o3-mini", parallel_tool_calls=False)
        assert "parallel_tool_calls" not in made(GATEWAY, "some-model")


def test_the_limit_of_tokens_at_github_models() -> None:
    """promptfoo/promptfoo#7205: "openai/gpt-5-mini" is a reasoning model all the same."""
    github = "https://models.github.ai/inference"
    assert "max_completion_tokens" in chat(github, "openai/gpt-5-mini", max_output_tokens=9)
    assert "max_completion_tokens" in chat(github, "openai/o4-mini", max_output_tokens=9)
    assert "max_tokens" in chat(github, "meta/Llama-3.3-70B", max_output_tokens=9)
    mistral = "https://api.mistral.ai/v1"
    assert "max_tokens" in chat(mistral, "labs-devstral-small-2512", max_output_tokens=9)


def test_no_temperature_unless_chosen() -> None:
    """vercel/ai#4667, openai-python#2072, npiv/chatblade#100: a default that models refuse."""
    for made in (chat, responses):
        assert not {"temperature", "top_p"} & set(made(GATEWAY, "o3-mini"))
        assert not {"temperature", "top_p"} & set(made(GATEWAY, "o3-mini", temperature=0.2))


@pytest.mark.parametrize(
    "options",
    [
        {"temperature": 9.0},
        {"temperature": -0.1},
        {"temperature": float("nan")},
        {"temperature": float("inf")},
        {"top_p": 1.5},
        {"top_p": float("nan")},
        {"max_output_tokens": 0},
        {"max_output_tokens": -1},
    ],
)
def test_values_out_of_range_are_refused_where_they_are_set(options: dict[str, Any]) -> None:
    """BeehiveInnovations/pal-mcp-server#78 and others: the server refuses them each time."""
    with pytest.raises(ValidationError) as caught:
        CallOptions(**options)
    assert isinstance(caught.value, ValueError)
    assert next(iter(options)) in str(caught.value)


def test_a_model_as_it_is_called_at_openrouter() -> None:
    """gnehs/subtitle-translator-electron#133: "openai/gpt-5" is an invalid model at OpenAI."""
    for made in (chat, responses):
        assert made(OPENAI, "openai/gpt-5")["model"] == "gpt-5"
        assert made("https://openrouter.ai/api/v1", "openai/gpt-5")["model"] == "openai/gpt-5"
        assert made(GATEWAY, "openai/gpt-5")["model"] == "openai/gpt-5"
        assert made(GATEWAY, "my models/a b.gguf")["model"] == "my models/a b.gguf"


@pytest.mark.parametrize(
    ("body", "models"),
    [
        (b'{"object": "list", "data": null}', []),
        (b'{"models": null}', []),
        (b'["a", "b"]', ["a", "b"]),
        (b'{"models": ["a", "b"]}', ["a", "b"]),
        (b'{"data": ["a", {"id": "b"}, 7, null, ""]}', ["a", "b"]),
        (b'{"data": null, "models": ["a"]}', ["a"]),
    ],
)
def test_listings_without_models_and_of_plain_names(body: bytes, models: list[str]) -> None:
    """NousResearch/hermes-agent#104220, tinyhumansai/openhuman#4121: an Ollama without models."""
    assert [info.slug for info in parse_model_list(body)] == models


def test_what_a_strict_server_is_sent() -> None:
    """mistralai/platform-docs-public#7, osaurus-ai/osaurus#556: extra inputs are not permitted."""
    request = chat("https://api.mistral.ai/v1", "mistral-small-latest", conversation_id="c")
    assert set(request) == {"model", "messages", "stream", "tools"}
    assert set(request["tools"][0]["function"]) == {"name", "description", "parameters"}
