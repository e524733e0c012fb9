"""Public reports of fields of reasoning or calls that were not sent back, or to the wrong place."""

from __future__ import annotations

from typing import Any

import pytest

from sidestream.payload.chat import build_chat_request
from sidestream.payload.responses import build_responses_request
from sidestream.prompt import CallOptions, Prompt
from sidestream.provider import Provider
from sidestream.receivers import NO_REASONING, SKIP_SIGNATURE
from sidestream.testing import check_request
from sidestream.types.items import ItemOrigin, ResponseItem, response_item
from sidestream.types.tools import FunctionTool

TOOL = FunctionTool(name="bash", parameters={"type": "object", "properties": {}})
USER = {"type": "message", "role": "user", "content": "List the files"}
GOOGLE = "https://generativelanguage.googleapis.com/v1beta/openai"
VERTEX = (
    "https://europe-west4-aiplatform.googleapis.com/v1/projects/p/locations/l/endpoints/openapi"
)
OPENROUTER = "https://openrouter.ai/api/v1"


def turn(
    base_url: str,
    model: str,
    *,
    reasoning: dict[str, Any] | None = None,
    extra: dict[str, Any] | None = None,
    calls: int = 1,
) -> list[ResponseItem]:
    """Make a turn with calls of a model at a server."""
    made = Provider(name="x", base_url=base_url).origin
    origin = ItemOrigin(provider=made, model=model)
    items: list[dict[str, Any]] = [USER]
    if reasoning is not None:
        items.append({"type": "reasoning", **reasoning, "origin": origin})
    for number in range(calls):
        call = {"type": "function_call", "call_id": f"call{number:05}", "name": "bash"}
        signed = extra if number == 0 else None
        items.append({**call, "arguments": "{}", "extra": signed, "origin": signed and origin})
    for number in range(calls):
        output = {"type": "function_call_output", "call_id": f"call{number:05}", "output": "a.txt"}
        items.append(output)
    return [response_item.validate_python(item) for item in items]


def messages(
    base_url: str, model: str, items: list[ResponseItem], preset: str = ""
) -> list[dict[str, Any]]:
    provider = Provider(name="x", base_url=base_url, preset=preset)
    prompt = Prompt(input=items, tools=[TOOL])
    request = build_chat_request(prompt, CallOptions(model=model), provider)
    assert check_request(provider.maker, request) == []
    sent: list[dict[str, Any]] = request["messages"]
    return sent


def calls_of(sent: list[dict[str, Any]]) -> list[dict[str, Any]]:
    return [call for message in sent for call in message.get("tool_calls") or ()]


def signature(name: str = "google") -> dict[str, Any]:
    return {"extra_content": {name: {"thought_signature": "AY89a18"}}}


def test_a_signature_under_the_name_of_vertex() -> None:
    """earendil-works/pi#6733: Vertex signs as extra_content.vertex, and wants that back."""
    items = turn(VERTEX, "google/gemini-3-pro", extra=signature("vertex"))
    provider = Provider(name="x", base_url=VERTEX)
    options = CallOptions(model="google/gemini-3-pro")
    request = build_chat_request(Prompt(input=items, tools=[TOOL]), options, provider)
    assert calls_of(request["messages"])[0]["extra_content"] == signature("vertex")["extra_content"]


def test_only_the_first_of_parallel_calls_is_signed() -> None:
    """earendil-works/pi#7745: what was signed goes back unchanged."""
    items = turn(GOOGLE, "gemini-3-pro", extra=signature(), calls=2)
    first, second = calls_of(messages(GOOGLE, "gemini-3-pro", items))
    assert first["extra_content"] == signature()["extra_content"]
    assert "extra_content" not in second


@pytest.mark.parametrize("made", [("https://api.openai.com/v1", "gpt-5"), (GOOGLE, "gemini-2.5")])
def test_calls_that_gemini_3_did_not_make(made: tuple[str, str]) -> None:
    """jeremychone/rust-genai#115, earendil-works/pi#1829: the documented stand-in."""
    items = turn(*made, extra=signature())
    [call] = calls_of(messages(GOOGLE, "gemini-3-pro-preview", items))
    assert call["extra_content"] == {"google": {"thought_signature": SKIP_SIGNATURE}}
    [call] = calls_of(messages(GOOGLE, "gemini-2.5-flash", items))
    assert "extra_content" not in call


def test_a_signature_of_one_model_is_corrupt_to_another() -> None:
    """decolua/9router#4136: Corrupted thought signature after a change of the model."""
    gateway = "https://gateway.example/v1"
    items = turn(gateway, "gemini-3-pro", extra=signature())
    [call] = calls_of(messages(gateway, "claude-opus-4", items))
    assert "extra_content" not in call


def test_reasoning_details_are_for_the_model_that_made_them() -> None:
    """linanwx/nagobot#21, CommonstackAI/UncommonRoute#20: Invalid signature in thinking block."""
    details = {"reasoning_details": [{"type": "reasoning.text", "text": "Hm", "signature": "S"}]}
    reasoning = {"extra": details, "content": [{"text": "Hm"}], "field": "reasoning"}
    items = turn(OPENROUTER, "anthropic/claude-sonnet-4.5", reasoning=reasoning)
    same = messages(OPENROUTER, "anthropic/claude-sonnet-4.5", items)[1]
    assert same["reasoning_details"] == details["reasoning_details"]
    assert "reasoning" not in same
    other = messages(OPENROUTER, "z-ai/glm-4.7", items)[1]
    assert not {"reasoning_details", "reasoning"} & set(other)


def test_thinking_blocks_of_litellm() -> None:
    """BerriAI/litellm#15601: Expected `thinking` or `redacted_thinking`, but found `tool_use`."""
    gateway = "https://litellm.example/v1"
    blocks = {"thinking_blocks": [{"type": "thinking", "thinking": "Hm", "signature": "S"}]}
    reasoning = {"extra": blocks, "content": [{"text": "Hm"}], "field": "reasoning_content"}
    items = turn(gateway, "claude-4-5-sonnet", reasoning=reasoning)
    items += [response_item.validate_python(USER)]
    sent = messages(gateway, "claude-4-5-sonnet", items)[1]
    assert sent["thinking_blocks"] == blocks["thinking_blocks"]
    assert sent["reasoning_content"] == "Hm"


@pytest.mark.parametrize("field", ["reasoning", "reasoning_content", "reasoning_text"])
def test_reasoning_goes_back_in_the_field_that_it_arrived_in(field: str) -> None:
    """vllm-project/router#115, opencode#30477: vLLM reads one name and drops the other silently."""
    server = "http://gpu.example:9000/v1"
    reasoning = {"content": [{"text": "Look first."}], "field": field}
    sent = messages(server, "MiniMax-M2.7", turn(server, "MiniMax-M2.7", reasoning=reasoning))[1]
    assert sent[field] == "Look first."
    assert len({"reasoning", "reasoning_content", "reasoning_text"} & set(sent)) == 1


def test_reasoning_in_the_text_does_not_come_back_as_a_field() -> None:
    """ggml-org/llama.cpp#20861 and others: reasoning in the text is not sent back."""
    server = "http://localhost:8080/v1"
    reasoning = {"content": [{"text": "Hm."}], "field": "think"}
    sent = messages(server, "q", turn(server, "q", reasoning=reasoning), preset="llamacpp")[1]
    assert set(sent) == {"role", "content", "tool_calls"}


def test_reasoning_is_never_sent_to_groq() -> None:
    """freellmapi#1070, janhq/jan#8136: property 'reasoning_content' is unsupported."""
    groq = "https://api.groq.com/openai/v1"
    reasoning = {"content": [{"text": "Hm."}], "field": "reasoning"}
    sent = messages(groq, "qwen/qwen3-32b", turn(groq, "qwen/qwen3-32b", reasoning=reasoning))[1]
    assert set(sent) == {"role", "content", "tool_calls"}


@pytest.mark.parametrize(
    ("base_url", "model"),
    [
        ("https://api.moonshot.ai/v1", "kimi-k2.6"),
        ("https://api.kimi.com/coding/v1", "kimi-for-coding"),
        ("https://api.deepseek.com", "deepseek-v4-pro"),
        ("https://opencode.example/zen/v1", "kimi-k2.6"),
    ],
)
def test_calls_of_another_provider_get_some_reasoning(base_url: str, model: str) -> None:
    """earendil-works/pi#4251, zeroclaw#5600, OmniRoute#6419: an empty one counts as missing."""
    items = turn("https://api.openai.com/v1", "gpt-5", reasoning={"encrypted_content": "gAAA"})
    assert messages(base_url, model, items)[1]["reasoning_content"] == NO_REASONING


def test_reasoning_of_the_flash_model_comes_back_to_the_large_one() -> None:
    """SillyTavern/SillyTavern#5545: the stored reasoning, in all subsequent requests."""
    deepseek = "https://api.deepseek.com"
    reasoning = {"content": [{"text": "Look it up."}], "field": "reasoning_content"}
    items = turn(deepseek, "deepseek-v4-flash", reasoning=reasoning)
    items += [
        response_item.validate_python(item)
        for item in ({"type": "message", "role": "assistant", "content": "One file."}, USER)
    ]
    assert messages(deepseek, "deepseek-v4-pro", items)[1]["reasoning_content"] == "Look it up."


def test_encrypted_reasoning_of_openai_is_not_sent_to_azure() -> None:
    """CLIProxyAPI#1793, openai/codex#3573: invalid_encrypted_content after a change."""
    here = "https://r.openai.azure.com/openai/v1"
    items = turn(
        "https://api.openai.com/v1", "gpt-5", reasoning={"id": "rs_1", "encrypted_content": "gAAA"}
    )
    provider = Provider(name="Azure", base_url=here)
    request = build_responses_request(
        Prompt(input=items, tools=[TOOL]), CallOptions(model="gpt-5"), provider
    )
    assert check_request("azure", request, made_here=set()) == []
    assert "gAAA" not in str(request)


def test_ids_of_openai_are_not_sent_to_a_gateway() -> None:
    """Kilo-Org/kilocode#10197: Item with id 'rs_…' not found."""
    items = turn(
        "https://api.openai.com/v1", "gpt-5", reasoning={"id": "rs_1", "encrypted_content": "gAAA"}
    )
    for base_url in (OPENROUTER, "https://gateway.example/v1"):
        provider = Provider(name="OpenAI", base_url=base_url)
        options = CallOptions(model="openai/gpt-5")
        request = build_responses_request(Prompt(input=items, tools=[TOOL]), options, provider)
        assert check_request(provider.maker, request, made_here=set()) == []
        assert all("id" not in item for item in request["input"])


def test_an_answer_without_a_thought_has_an_empty_one_at_deepseek() -> None:
    """claude-code-best/claude-code#403: DeepSeek requires it even in answers without reasoning."""
    said = {"type": "message", "role": "assistant", "content": "Done."}
    items = [response_item.validate_python(item) for item in (USER, said, USER)]
    sent = messages("https://api.deepseek.com", "deepseek-v4-pro", items)[1]
    assert (sent["content"], sent["reasoning_content"]) == ("Done.", "")
    sent = messages("https://api.moonshot.ai/v1", "kimi-k2.6", items)[1]
    assert "reasoning_content" not in sent
