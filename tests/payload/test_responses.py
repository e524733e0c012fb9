from __future__ import annotations

import json
from collections.abc import Callable
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from sidestream.errors import ErrorKind, SidestreamError
from sidestream.models import ModelInfo, model_info
from sidestream.payload.responses import build_responses_request
from sidestream.presets import PRESETS
from sidestream.prompt import CallOptions, Prompt
from sidestream.provider import Provider
from sidestream.types.items import ResponseItem, response_item
from sidestream.types.tools import (
    CodeInterpreterTool,
    CustomTool,
    FileSearchTool,
    FunctionTool,
    ImageGenerationTool,
    NamespaceTool,
    ToolSpec,
    WebSearchTool,
)

OPENAI = PRESETS["openai"].provider()
AZURE = PRESETS["azure"].provider(base_url="https://res.openai.azure.com/openai/v1")
CHATGPT = PRESETS["chatgpt"].provider()
OPENROUTER = PRESETS["openrouter"].provider()
LOCAL = Provider(name="Local", base_url="http://127.0.0.1:8080/v1")
PROVIDERS = [OPENAI, AZURE, CHATGPT, OPENROUTER, LOCAL]

Matches = Callable[[str, Any], None]


def items(*raw: dict[str, Any]) -> list[ResponseItem]:
    return [response_item.validate_python(each) for each in raw]


def request(
    provider: Provider = OPENAI, model: str = "gpt-5.2", *, prompt: Any = "Hi", **options: Any
) -> dict[str, Any]:
    if not isinstance(prompt, Prompt):
        prompt = Prompt.from_text(prompt) if isinstance(prompt, str) else Prompt(input=prompt)
    return build_responses_request(prompt, CallOptions(model=model, **options), provider)


WEATHER = FunctionTool(
    name="weather",
    description="The weather of a place.",
    parameters={"type": "object", "properties": {"place": {"type": "string"}}},
)
SCHEMA = {"type": "object", "properties": {"answer": {"type": "string"}}}
CONVERSATION = items(
    {"type": "message", "role": "system", "content": "Be kind."},
    {"type": "message", "role": "developer", "content": "Be brief."},
    {
        "type": "message",
        "role": "user",
        "content": [
            {"type": "input_text", "text": "What is this?"},
            {"type": "input_image", "image_url": "data:image/png;base64,AA==", "detail": "low"},
            {"type": "input_image", "image_url": "https://a.example/b.png"},
            {"type": "input_audio", "audio_url": "data:audio/wav;base64,UklGRg=="},
        ],
    },
    {
        "type": "reasoning",
        "id": "rs_1",
        "summary": [{"type": "summary_text", "text": "Looking."}],
        "content": [{"type": "text", "text": "It may be a cat."}],
        "encrypted_content": "gAAAA",
    },
    {"type": "reasoning", "id": "rs_2", "summary": [], "content": [{"text": "Or a dog."}]},
    {
        "type": "message",
        "id": "msg_1",
        "role": "assistant",
        "phase": "commentary",
        "content": [
            {"type": "output_text", "text": "I look it up.", "annotations": [{"type": "x"}]}
        ],
    },
    {
        "type": "function_call",
        "id": "fc_1",
        "call_id": "call_1",
        "name": "read",
        "namespace": "files",
        "arguments": '{"path": "a"}',
    },
    {"type": "custom_tool_call", "id": "ctc_1", "call_id": "call_2", "name": "patch", "input": "x"},
    {
        "type": "function_call_output",
        "call_id": "call_1",
        "output": [
            {"type": "input_text", "text": "A picture:"},
            {"type": "input_image", "image_url": "data:image/png;base64,AA=="},
        ],
    },
    {"type": "web_search_call", "id": "ws_1", "status": "completed", "action": {"type": "search"}},
    {"type": "image_generation_call", "id": "ig_1", "status": "completed", "result": "AA=="},
    {"type": "compaction_summary", "encrypted_content": "gBBBB"},
    {"type": "something_new", "id": "sn_1"},
    {"type": "message", "id": "item-7", "role": "assistant", "content": "A cat."},
    {"type": "message", "role": "user", "content": "Thanks."},
)
EVERYTHING: dict[str, Any] = {
    "effort": "high",
    "summary": "detailed",
    "verbosity": "high",
    "output_schema": SCHEMA,
    "conversation_id": "conv-1",
    "tool_choice": "weather",
    "parallel_tool_calls": False,
    "service_tier": "fast",
    "max_output_tokens": 1000,
    "temperature": 0.5,
    "top_p": 0.9,
    "metadata": {"who": "me"},
    "client_metadata": {"window": "1"},
}


# --- whole requests ----------------------------------------------------------------------------


@pytest.mark.parametrize("provider", PROVIDERS, ids=lambda provider: provider.name.lower())
def test_a_plain_question(provider: Provider, matches_snapshot: Matches) -> None:
    name = f"responses_plain_{provider.name.lower()}"
    matches_snapshot(name, request(provider, conversation_id="conv-1"))


@pytest.mark.parametrize("provider", PROVIDERS, ids=lambda provider: provider.name.lower())
def test_everything_at_once(provider: Provider, matches_snapshot: Matches) -> None:
    prompt = Prompt(input=CONVERSATION, instructions="You are an expert.", tools=[WEATHER])
    name = f"responses_full_{provider.name.lower()}"
    matches_snapshot(name, request(provider, prompt=prompt, **EVERYTHING))


def test_a_model_that_wants_its_tools_in_the_input(matches_snapshot: Matches) -> None:
    prompt = Prompt(input=CONVERSATION, instructions="You are an expert.", tools=[WEATHER])
    lite = request(CHATGPT, "gpt-5.6-sol", prompt=prompt, conversation_id="conv-1", effort="ultra")
    matches_snapshot("responses_lite", lite)
    # The public API has no such models.
    assert request(OPENAI, "gpt-5.6-sol", prompt=prompt)["instructions"] == "You are an expert."


def test_an_unknown_model_at_an_unknown_server_gets_the_bare_standard() -> None:
    assert request(LOCAL, "qwen3", conversation_id="c", service_tier="flex") == {
        "model": "qwen3",
        "input": [
            {
                "type": "message",
                "role": "user",
                "content": [{"type": "input_text", "text": "Hi"}],
            }
        ],
        "stream": True,
    }


def test_a_request_needs_a_model() -> None:
    for model in (None, "  "):
        with pytest.raises(SidestreamError) as caught:
            build_responses_request(Prompt.from_text("Hi"), CallOptions(model=model), OPENAI)
        assert caught.value.kind is ErrorKind.CONFIGURATION
        assert "model" in caught.value.message


# --- field by field ----------------------------------------------------------------------------


def test_azure_stores_and_keeps_the_ids_that_are_its_own() -> None:
    sent = request(AZURE, prompt=CONVERSATION)
    assert sent["store"] is True
    ids = [each.get("id") for each in sent["input"]]
    assert [i for i in ids if i] == ["rs_1", "rs_2", "msg_1", "fc_1", "ctc_1", "ig_1"]


def test_elsewhere_ids_are_left_out() -> None:
    sent = request(OPENAI, prompt=CONVERSATION)
    assert sent["store"] is False
    assert [each["id"] for each in sent["input"] if "id" in each] == ["ig_1"]
    stored = request(OPENAI, prompt=CONVERSATION, store=True)["input"]
    assert [each["id"] for each in stored if "id" in each][:2] == ["rs_1", "rs_2"]
    local = request(LOCAL, prompt=CONVERSATION, store=True)
    assert [each["id"] for each in local["input"] if "id" in each] == ["rs_1", "rs_2"]


@pytest.mark.parametrize(
    ("provider", "store", "sent"),
    [
        (OPENAI, None, False),
        (OPENAI, True, True),
        (AZURE, None, True),
        (AZURE, False, False),
        (CHATGPT, True, False),
        (LOCAL, None, None),
        (LOCAL, True, True),
        (LOCAL, False, False),
    ],
)
def test_store(provider: Provider, store: bool | None, sent: bool | None) -> None:
    assert request(provider, store=store).get("store") is sent


@pytest.mark.parametrize(
    ("provider", "asked"),
    [(OPENAI, True), (AZURE, True), (LOCAL, True), (CHATGPT, False), (OPENROUTER, False)],
)
def test_background_is_stored(provider: Provider, asked: bool) -> None:
    sent = request(provider, background=True, store=False)
    assert (sent.get("background"), sent["store"], sent["stream"]) == (asked or None, asked, True)
    assert "background" not in request(provider, background=False)


def test_background_sends_the_whole_history() -> None:
    """Its items may not have been stored, so their ids mean nothing."""
    plain = request(OPENAI, prompt=CONVERSATION)
    background = request(OPENAI, prompt=CONVERSATION, background=True)
    assert background == {**plain, "background": True, "store": True}


def test_a_reasoning_item_without_an_id_is_fine_elsewhere() -> None:
    raw = {"type": "reasoning", "id": "", "content": [{"text": "Why."}]}
    user = {"type": "message", "role": "user", "content": "Hi"}
    answer = {"type": "message", "role": "assistant", "content": "So."}
    assert request(LOCAL, prompt=items(user, raw, answer))["input"][1] == {
        "type": "reasoning",
        "summary": [],
        "content": [{"type": "reasoning_text", "text": "Why."}],
    }


@pytest.mark.parametrize(
    ("provider", "model", "options", "reasoning"),
    [
        (OPENAI, "gpt-5.2", {}, None),
        (OPENAI, "gpt-5.2", {"effort": "none"}, {"effort": "none"}),
        (OPENAI, "gpt-5.2", {"effort": "ultra"}, {"effort": "xhigh"}),
        (OPENAI, "gpt-5.6-sol", {"effort": "ultra"}, {"effort": "max"}),
        (OPENAI, "gpt-5.6-luna", {"effort": "ultra"}, {"effort": "max"}),
        (OPENAI, "gpt-5.2", {"effort": "sideways"}, {"effort": "sideways"}),
        (OPENAI, "gpt-5.2", {"summary": "auto"}, {"summary": "auto"}),
        (OPENAI, "gpt-5.2", {"summary": "none"}, None),
        (CHATGPT, "gpt-5.2", {}, {"effort": "medium", "summary": "auto"}),
        (CHATGPT, "gpt-5.2", {"summary": "none"}, {"effort": "medium"}),
        (OPENAI, "gpt-4o", {"effort": "high", "summary": "auto"}, None),
        (OPENAI, "gpt-9", {}, None),
        (OPENAI, "gpt-9", {"effort": "high"}, {"effort": "high"}),
        (LOCAL, "qwen3", {}, None),
        (
            LOCAL,
            "qwen3",
            {"effort": "low", "summary": "auto"},
            {"effort": "low", "summary": "auto"},
        ),
        (LOCAL, "gpt-5.2", {}, None),
    ],
)
def test_reasoning(
    provider: Provider, model: str, options: dict[str, Any], reasoning: dict[str, Any] | None
) -> None:
    assert request(provider, model, **options).get("reasoning") == reasoning


def test_summaries_are_for_models_that_make_them() -> None:
    info = ModelInfo(slug="m", supports_reasoning=True, supports_reasoning_summaries=False)
    sent = request(OPENAI, "m", model_info=info, summary="auto", effort="low")
    assert sent["reasoning"] == {"effort": "low"}


@pytest.mark.parametrize(
    ("provider", "model", "options", "include"),
    [
        (OPENAI, "gpt-5.2", {}, ["reasoning.encrypted_content"]),
        (OPENAI, "gpt-4o", {}, None),
        (AZURE, "my-deployment", {}, None),
        (AZURE, "my-deployment", {"effort": "low"}, ["reasoning.encrypted_content"]),
        (OPENROUTER, "openai/gpt-5.2", {}, ["reasoning.encrypted_content"]),
        (OPENROUTER, "qwen/qwen3", {}, None),
        (LOCAL, "gpt-oss:20b", {"effort": "low"}, None),
        (LOCAL, "gpt-oss:20b", {"include": ["x"]}, ["x"]),
        (OPENAI, "gpt-5.2", {"include": []}, None),
    ],
)
def test_include(
    provider: Provider, model: str, options: dict[str, Any], include: list[str] | None
) -> None:
    assert request(provider, model, **options).get("include") == include


@pytest.mark.parametrize(
    ("tool", "include"),
    [
        (WebSearchTool(), ["web_search_call.action.sources"]),
        (CodeInterpreterTool(), ["code_interpreter_call.outputs"]),
        (FileSearchTool(vector_store_ids=["vs_1"]), ["file_search_call.results"]),
        (ImageGenerationTool(), []),
        (WEATHER, []),
    ],
)
def test_results_of_provider_tools_are_requested(tool: ToolSpec, include: list[str]) -> None:
    prompt = Prompt(input=[], tools=[tool])
    for provider in (OPENAI, AZURE):
        assert request(provider, "gpt-4.1", prompt=prompt).get("include", []) == include
        both = ["reasoning.encrypted_content", *include]
        assert request(provider, prompt=prompt)["include"] == both
    # These are not known to have these names.
    for provider in (CHATGPT, OPENROUTER, LOCAL):
        alone = request(provider, "gpt-4.1").get("include")
        assert request(provider, "gpt-4.1", prompt=prompt).get("include") == alone
    assert request(prompt=prompt, include=["x"])["include"] == ["x"]


@pytest.mark.parametrize(
    ("tier", "sent"),
    [(None, None), ("default", None), ("fast", "priority"), ("flex", "flex"), ("auto", "auto")],
)
def test_service_tier(tier: str | None, sent: str | None) -> None:
    assert request(OPENAI, service_tier=tier).get("service_tier") == sent
    assert "service_tier" not in request(LOCAL, service_tier=tier)


def test_the_cache_key_is_the_conversation_unless_it_is_set() -> None:
    assert request(OPENAI, conversation_id="c")["prompt_cache_key"] == "c"
    assert request(OPENAI, conversation_id="c", prompt_cache_key="k")["prompt_cache_key"] == "k"
    assert "prompt_cache_key" not in request(OPENAI)
    assert "prompt_cache_key" not in request(LOCAL, conversation_id="c")
    assert request(LOCAL, prompt_cache_key="k")["prompt_cache_key"] == "k"


@pytest.mark.parametrize(
    ("model", "options", "sent"),
    [
        ("gpt-5.2", {}, set()),
        ("gpt-5.2", {"effort": "low"}, set()),
        ("gpt-5.2", {"effort": "none"}, {"temperature", "top_p"}),
        ("gpt-5", {"effort": "none"}, set()),
        ("o3", {}, set()),
        ("gpt-4o", {}, {"temperature", "top_p"}),
        ("qwen3", {}, {"temperature", "top_p"}),
    ],
)
def test_sampling_is_for_models_that_take_it(
    model: str, options: dict[str, Any], sent: set[str]
) -> None:
    for provider in (OPENAI, LOCAL):
        made = request(provider, model, temperature=0.0, top_p=1.0, **options)
        assert {"temperature", "top_p"} & set(made) == sent
    made = request(LOCAL, "qwen3", top_p=0.5)
    assert made["top_p"] == 0.5
    assert "temperature" not in made
    assert request(LOCAL, "qwen3", temperature=0.5)["temperature"] == 0.5


def test_verbosity_is_for_models_that_know_it() -> None:
    assert request(CHATGPT, "gpt-5.2")["text"] == {"verbosity": "low"}
    assert "text" not in request(OPENAI, "gpt-5.2")
    assert request(OPENAI, "gpt-5.2", verbosity="high")["text"] == {"verbosity": "high"}
    assert "text" not in request(OPENAI, "gpt-4o", verbosity="high")
    assert "text" not in request(LOCAL, "qwen3", verbosity="high")
    assert "text" not in request(OPENROUTER, "openai/gpt-5.2")
    assert request(OPENROUTER, "openai/gpt-5.2", verbosity="low")["text"] == {"verbosity": "low"}


def test_an_output_schema_of_the_call_wins() -> None:
    prompt = Prompt(
        input=[], output_schema={}, output_schema_name="mine", output_schema_strict=False
    )
    made = {"type": "json_schema", "name": "mine", "strict": False}
    assert request(LOCAL, prompt=prompt)["text"]["format"] == {**made, "schema": {}}
    sent = request(LOCAL, prompt=prompt, output_schema=SCHEMA)
    assert sent["text"]["format"] == {**made, "schema": SCHEMA}


@pytest.mark.parametrize(
    ("provider", "model", "parallel", "sent"),
    [
        (CHATGPT, "gpt-5.2", None, True),
        (CHATGPT, "gpt-9", None, False),
        (OPENAI, "gpt-5.2", None, None),
        (OPENAI, "gpt-5.2", False, False),
        (OPENAI, "o3", None, None),
        (OPENAI, "o3", True, None),
        (OPENAI, "gpt-9", None, None),
        (OPENAI, "gpt-9", True, True),
        (LOCAL, "qwen3", None, None),
        (LOCAL, "qwen3", True, True),
        (LOCAL, "o3", True, None),
    ],
)
def test_parallel_tool_calls(
    provider: Provider, model: str, parallel: bool | None, sent: bool | None
) -> None:
    prompt = Prompt(input=[], tools=[WEATHER])
    made = request(provider, model, prompt=prompt, parallel_tool_calls=parallel)
    assert made.get("parallel_tool_calls") is sent


def test_tool_choice_is_for_requests_with_tools() -> None:
    assert request(CHATGPT, tool_choice="required")["tool_choice"] == "auto"
    assert "tool_choice" not in request(OPENAI, tool_choice="required")
    assert "tool_choice" not in request(LOCAL, tool_choice="required")
    prompt = Prompt(input=[], tools=[WebSearchTool()])
    assert request(CHATGPT, prompt=prompt)["tool_choice"] == "auto"
    for provider in (OPENAI, LOCAL):
        assert "tool_choice" not in request(provider, prompt=prompt)
        sent = request(provider, prompt=prompt, tool_choice="required")
        assert sent["tool_choice"] == "required"
        assert sent["tools"] == [{"type": "web_search"}]


RAN = {
    "type": "code_interpreter_call",
    "id": "ci_1",
    "status": "completed",
    "code": "print(1)",
    "container_id": "cntr_1",
    "outputs": [{"type": "logs", "logs": "1"}],
}
FOUND = {"type": "file_search_call", "id": "fs_1", "status": "completed", "queries": ["q"]}


@pytest.mark.parametrize("provider", PROVIDERS)
def test_provider_tool_calls_are_sent_elsewhere_as_function_calls(provider: Provider) -> None:
    hi = {"type": "message", "role": "user", "content": "Hi"}
    sent = request(provider, prompt=items(hi, RAN, FOUND), store=False)["input"][1:]
    assert [item["type"] for item in sent] == ["function_call", "function_call_output"]
    assert json.loads(sent[0]["arguments"]) == {"code": "print(1)"}
    assert sent[1]["output"] == "1"


def test_items_that_the_provider_stored_go_back_unchanged() -> None:
    for provider in (OPENAI, AZURE):
        assert request(provider, prompt=items(RAN, FOUND), store=True)["input"] == [RAN, FOUND]
    sent = request(AZURE, prompt=items({**RAN, "id": None}, {**FOUND, "id": None}))["input"]
    assert [item["type"] for item in sent] == ["function_call", "function_call_output"]


def test_custom_calls_are_sent_as_such_where_custom_tools_are_offered() -> None:
    history = items(
        {"type": "message", "role": "user", "content": "Hi"},
        {"type": "custom_tool_call", "call_id": "c", "name": "patch", "input": "x"},
    )
    patch = CustomTool(name="patch")
    for tools in ([patch], [NamespaceTool(name="ns", tools=[patch])]):
        sent = request(LOCAL, prompt=Prompt(input=history, tools=tools))
        assert [each["type"] for each in sent["input"][1:]] == [
            "custom_tool_call",
            "custom_tool_call_output",
        ]
    for tools in ([WEATHER], [NamespaceTool(name="ns", tools=[WEATHER])]):
        sent = request(LOCAL, prompt=Prompt(input=history, tools=tools))
        assert sent["input"][1]["type"] == "function_call"


def test_the_chatgpt_backend_is_sent_the_conversation_and_no_refused_fields() -> None:
    assert request(CHATGPT)["instructions"]
    assert "client_metadata" not in request(CHATGPT)
    assert "client_metadata" not in request(OPENAI, client_metadata={"a": "b"})
    sent = request(CHATGPT, client_metadata={"session_id": "mine"}, conversation_id="c")
    assert sent["client_metadata"] == {"session_id": "mine", "thread_id": "c"}
    roles = [each["role"] for each in request(CHATGPT, prompt=CONVERSATION[:2])["input"]]
    assert roles == ["developer", "developer"]
    roles = [each["role"] for each in request(LOCAL, prompt=CONVERSATION[:2])["input"]]
    assert roles == ["system", "system"]


def test_images_are_for_models_that_can_see() -> None:
    sent = json.dumps(request(OPENAI, "o3-mini", prompt=CONVERSATION))
    assert "input_image" not in sent
    blind = model_info("qwen3", {"supports_images": False})
    assert "input_image" not in json.dumps(
        request(LOCAL, "qwen3", model_info=blind, prompt=CONVERSATION)
    )
    other = model_info("other", {"supports_images": False})
    assert "input_image" in json.dumps(
        request(LOCAL, "qwen3", model_info=other, prompt=CONVERSATION)
    )


@pytest.mark.parametrize(
    ("url", "audio"),
    [
        ("data:audio/mpeg;base64,AA==", {"data": "AA==", "format": "mp3"}),
        ("data:audio/x-wav;rate=8;base64,AA==", {"data": "AA==", "format": "wav"}),
        ("data:audio/ogg;base64,", {"data": "", "format": "ogg"}),
    ],
)
def test_recordings(url: str, audio: dict[str, str]) -> None:
    part = {"type": "input_audio", "audio_url": url}
    history = items({"type": "message", "role": "user", "content": [part]})
    sent = request(LOCAL, "qwen3", prompt=history)["input"][0]["content"]
    assert sent == [{"type": "input_audio", "input_audio": audio}]
    hearing = model_info("gpt-5.2", {"supports_audio": True})
    sent = request(CHATGPT, prompt=history, model_info=hearing)["input"][0]["content"]
    assert sent == [part]


@pytest.mark.parametrize(
    "url", ["https://a.example/b.mp3", "data:audio/wav,abc", "data:video/mp4;base64,AA==", ""]
)
def test_recordings_elsewhere_are_refused(url: str) -> None:
    part = {"type": "input_audio", "audio_url": url}
    history = items({"type": "message", "role": "user", "content": [part]})
    with pytest.raises(SidestreamError) as caught:
        request(LOCAL, "qwen3", prompt=history)
    assert caught.value.kind is ErrorKind.UNSUPPORTED


def test_further_fields_win_except_over_streaming() -> None:
    sent = request(LOCAL, extra_body={"top_k": 5, "store": True, "stream": False})
    assert (sent["top_k"], sent["store"], sent["stream"]) == (5, True, True)


@given(
    provider=st.sampled_from(PROVIDERS),
    model=st.sampled_from(["gpt-5.2", "gpt-5.6-sol", "gpt-4o", "o3-mini", "qwen3"]),
    cut=st.integers(0, len(CONVERSATION)),
    options=st.fixed_dictionaries({}, optional={k: st.just(v) for k, v in EVERYTHING.items()}),
)
def test_any_request_is_json_and_pure(
    provider: Provider, model: str, cut: int, options: dict[str, Any]
) -> None:
    prompt = Prompt(input=CONVERSATION[cut:])
    sent = request(provider, model, prompt=prompt, **options)
    assert sent == request(provider, model, prompt=prompt, **options)
    assert json.loads(json.dumps(sent)) == sent
    assert None not in sent.values()


@given(
    provider=st.sampled_from(PROVIDERS),
    model=st.sampled_from(["gpt-5.2", "gpt-4o", "o3-mini", "llama3"]),
    start=st.integers(0, len(CONVERSATION)),
    end=st.integers(0, len(CONVERSATION)),
)
def test_what_was_sent_can_be_read_and_sent_again(
    provider: Provider, model: str, start: int, end: int
) -> None:
    deaf = model_info(model, {"supports_audio": False})
    sent = request(provider, model, prompt=CONVERSATION[start:end], model_info=deaf)["input"]
    assert request(provider, model, prompt=items(*sent), model_info=deaf)["input"] == sent
