"""Public reports of histories that a server refused: order, names, ids, contents."""

from __future__ import annotations

import json
from typing import Any

import pytest

from sidestream.auth import ApiKeyAuth
from sidestream.client import Client
from sidestream.payload.chat import build_chat_request
from sidestream.payload.history import BRIDGE
from sidestream.payload.responses import build_responses_request
from sidestream.prompt import CallOptions, Prompt
from sidestream.provider import Provider
from sidestream.testing import ChatStream, FakeFetch, Reply, check_request, run
from sidestream.transport import HttpRequest
from sidestream.types.items import (
    FunctionCallItem,
    FunctionCallOutputItem,
    InputImage,
    InputText,
    MessageItem,
    ResponseItem,
)
from sidestream.types.tools import FunctionTool
from sidestream.types.wire_api import WireApi

USER = MessageItem(role="user", content="What is the weather?")
SAID = MessageItem(role="assistant", content="It is sunny.")
TOOL = FunctionTool(name="weather", parameters={"type": "object", "properties": {}})


def called(call_id: str = "call_1", name: str = "weather") -> list[ResponseItem]:
    call = FunctionCallItem(call_id=call_id, name=name, arguments="{}")
    return [call, FunctionCallOutputItem(call_id=call_id, output="Sunny")]


def chat(base_url: str, model: str, *items: ResponseItem, preset: str = "") -> Any:
    provider = Provider(name="Any", base_url=base_url, preset=preset)
    prompt = Prompt(input=list(items), tools=[TOOL])
    request = build_chat_request(prompt, CallOptions(model=model), provider)
    assert check_request(provider.maker, request) == []
    return request["messages"]


def roles(messages: Any) -> list[str]:
    return [message["role"] for message in messages]


def test_images_of_a_tool_behind_a_gateway_to_mistral() -> None:
    """LibreChat-AI/agents#344: Scaleway refuses them inside and right after the tool's message."""
    call, _ = called("abcdefghi")
    image = InputImage(image_url="data:image/png;base64,AA==")
    output = FunctionCallOutputItem(
        call_id="abcdefghi", output=[InputText(text="A map"), image, image]
    )
    messages = chat("https://api.scaleway.example/v1", "pixtral-12b", USER, call, output)
    assert roles(messages) == ["user", "assistant", "tool", "assistant", "user"]
    assert messages[2]["content"] == "A map"
    assert messages[3]["content"] == BRIDGE
    assert [part["type"] for part in messages[4]["content"]] == ["text", "image_url", "image_url"]


def test_ids_that_the_server_itself_has_made() -> None:
    """jundot/omlx#1995: its tokenizer refuses its own ids in the next request."""
    messages = chat("http://localhost:10240/v1", "Devstral-Small-2-24B", USER, *called("call_49c8"))
    assert len(messages[1]["tool_calls"][0]["id"]) == 9
    assert messages[2]["tool_call_id"] == messages[1]["tool_calls"][0]["id"]


def test_an_id_of_gemini_sent_to_azure() -> None:
    """BerriAI/litellm#11392: 41 characters, where Azure takes 40."""
    long = "call_" + "7" * 36
    azure = "https://r.openai.azure.com/openai/v1"
    messages = chat(azure, "gpt-4o", USER, *called(long), *called("short"))
    assert [len(m["tool_call_id"]) <= 40 for m in messages if m["role"] == "tool"] == [True, True]
    assert messages[3]["tool_calls"][0]["id"] == "short"


def test_ids_that_differ_at_the_end_only_stay_different() -> None:
    """Helicone/helicone#5575: truncation would make two ids equal."""
    ids = ["call_" + "x" * 60 + end for end in "ab"]
    messages = chat("https://api.openai.com/v1", "gpt-4.1", USER, *called(ids[0]), *called(ids[1]))
    sent = [message["tool_call_id"] for message in messages if message["role"] == "tool"]
    assert len(set(sent)) == 2


def test_an_id_of_kimi_sent_to_claude() -> None:
    """BlockRunAI/ClawRouter#17: tool_use.id: String should match pattern '^[a-zA-Z0-9_-]+$'."""
    gateway, items = "https://gateway.example/v1", [USER, *called("functions.weather:0")]
    claude = chat(gateway, "anthropic/claude-opus-4", *items)
    assert ":" not in claude[1]["tool_calls"][0]["id"]
    other = chat(gateway, "qwen3", *items)
    assert other[1]["tool_calls"][0]["id"] == "functions.weather:0"


def test_a_name_that_begins_with_a_digit() -> None:
    """MoonshotAI/kimi-cli#2531, google-gemini/gemini-cli#2966: names begin with a letter."""
    items = [USER, *called(name="21st_magic_component_builder")]
    kimi = chat("https://api.moonshot.ai/v1", "kimi-k2.5", *items)
    google = "https://generativelanguage.googleapis.com/v1beta/openai"
    gemini = chat(google, "gemini-2.5-flash", *items)
    for messages in (kimi, gemini):
        assert messages[1]["tool_calls"][0]["function"]["name"][0].isalpha()


def test_a_name_repeated_without_end() -> None:
    """agno-agi/agno#6653: a model in a loop makes a name of more than 64 characters."""
    azure = "https://r.openai.azure.com/openai/v1"
    messages = chat(azure, "gpt-5", USER, *called(name="SearchAgno" * 20))
    assert len(messages[1]["tool_calls"][0]["function"]["name"]) <= 64


def test_a_tool_message_names_its_tool() -> None:
    """NousResearch/hermes-agent#19728: function_response.name: Name cannot be empty."""
    google = "https://generativelanguage.googleapis.com/v1beta/openai"
    messages = chat(google, "gemini-2.5-flash", USER, *called())
    assert messages[2]["name"] == "weather"
    assert "name" not in chat("https://api.openai.com/v1", "gpt-4.1", USER, *called())[2]


def test_a_system_message_in_the_middle() -> None:
    """ggml-org/llama.cpp#27367: System message must be at the beginning."""
    reminder = MessageItem(role="developer", content="Be brief.")
    items = [MessageItem(role="system", content="S"), USER, SAID, reminder]
    messages = chat("http://localhost:8080/v1", "qwen3.8", *items, preset="llamacpp")
    assert roles(messages) == ["system", "user", "assistant", "user"]
    assert messages[-1]["content"] == "Be brief."


@pytest.mark.parametrize(
    ("base_url", "model"),
    [
        ("http://localhost:8080/v1", "qwen3.5"),
        ("https://api.anthropic.com/v1", "claude-sonnet-4-6"),
        ("https://openrouter.ai/api/v1", "anthropic/claude-opus-4.6"),
        ("https://api.mistral.ai/v1", "mistral-large-latest"),
    ],
)
def test_an_answer_that_was_begun_comes_last(base_url: str, model: str) -> None:
    """aj47/SpeakMCP#1037, ggml-org/llama.cpp#20861, 0xPlaygrounds/rig#1130: prefill is refused."""
    assert roles(chat(base_url, model, USER, SAID)) == ["user", "assistant", "user"]


@pytest.mark.parametrize("base_url", ["http://localhost:11434/v1", "http://localhost:1234/v1"])
def test_calls_without_text_have_empty_content(base_url: str) -> None:
    """pydantic-ai#5206 (Ollama), lmstudio-bug-tracker#261 (LM Studio): null is no content."""
    assert chat(base_url, "gemma4:26b", USER, *called())[1]["content"] == ""


def test_calls_without_text_have_no_content_at_bedrock() -> None:
    """agentjido/jido_ai#215: but a blank text block is refused there."""
    bedrock = "https://bedrock-runtime.us-east-1.amazonaws.com/openai/v1"
    assert chat(bedrock, "anthropic.claude-sonnet-4", USER, *called())[1]["content"] is None


def test_a_tool_that_gave_nothing() -> None:
    """BerriAI/litellm#7169: the text field in the ContentBlock object is blank."""
    call, _ = called()
    nothing = FunctionCallOutputItem(call_id="call_1", output=" \n")
    assert chat("https://gateway.example/v1", "m", USER, call, nothing)[2]["content"].strip()


def test_a_message_that_was_never_answered() -> None:
    """mcowger/generic-copilot#43: conversation roles must alternate user/assistant."""
    messages = chat("http://localhost:1234/v1", "devstral", USER, USER, SAID, USER)
    assert roles(messages) == ["user", "assistant", "user"]


def test_a_summary_after_tools_at_a_gateway_to_bedrock() -> None:
    """can1357/oh-my-pi#1227, botocore#3458: tools are declared, and tool_choice is not "none"."""
    provider = Provider(name="LiteLLM", base_url="https://litellm.example/v1")
    prompt = Prompt(input=[USER, *called(name="a b"), USER])
    for build in (build_chat_request, build_responses_request):
        request = build(prompt, CallOptions(model="bedrock-claude-sonnet-4-6"), provider)
        assert check_request("unknown", request) == []
        assert len(request["tools"]) == 1
        assert "tool_choice" not in request


def test_reasoning_that_was_cut_off() -> None:
    """openai/openai-agents-python#1611: provided without its required following item."""
    provider = Provider(name="OpenAI", base_url="https://api.openai.com/v1")
    why = {"type": "reasoning", "id": "rs_1", "summary": [], "encrypted_content": "gAAA"}
    user = {"type": "message", "role": "user", "content": "Hi"}
    prompt = Prompt.model_validate({"input": [user, why, user, why]})
    for store in (True, False):
        options = CallOptions(model="gpt-5", store=store)
        request = build_responses_request(prompt, options, provider)
        assert check_request("openai", request) == []
        assert [item["type"] for item in request["input"]] == ["message", "message"]


def test_a_history_that_begins_with_an_answer() -> None:
    """run-llama/llama_index#11731: Conversation roles must alternate user/assistant."""
    messages = chat("http://localhost:8000/v1", "gemma-3", SAID, USER, preset="vllm")
    assert roles(messages) == ["user", "assistant", "user"]


def test_a_tool_whose_name_had_to_be_changed_is_called_by_its_own() -> None:
    """MoonshotAI/kimi-cli#2531: renamed for the request, and renamed back in the answer."""
    tool = FunctionTool(name="21st.magic", parameters={"type": "object", "properties": {}})

    def answer(request: HttpRequest) -> Reply:
        [declared] = json.loads(request.body or b"")["tools"]
        name = declared["function"]["name"]
        return Reply(ChatStream().tool_call(name, "{}").finish("tool_calls").done())

    async def main() -> list[ResponseItem]:
        client = Client(
            provider=Provider(
                name="K", base_url="https://api.moonshot.ai/v1", wire_api=WireApi.CHAT
            ),
            auth=ApiKeyAuth("k"),
            fetch=FakeFetch(then=answer),
            model="kimi-k2.5",
        )
        result = await client.complete(Prompt(input=[USER], tools=[tool]))
        return result.items

    [call] = run(main())
    assert isinstance(call, FunctionCallItem)
    assert call.name == "21st.magic"
