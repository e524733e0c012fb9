from __future__ import annotations

import json
from collections.abc import Callable
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from sidestream.errors import ErrorKind, SidestreamError
from sidestream.models import ModelInfo
from sidestream.payload.chat import build_chat_request
from sidestream.payload.history import BRIDGE, CONTINUE, IMAGES_FOLLOW
from sidestream.presets import PRESETS
from sidestream.prompt import CallOptions, Prompt
from sidestream.provider import Provider
from sidestream.types.items import ResponseItem, response_item
from sidestream.types.tools import FunctionTool, WebSearchTool

OPENAI = PRESETS["openai"].provider()
AZURE = PRESETS["azure"].provider(base_url="https://res.openai.azure.com/openai/v1")
OPENROUTER = PRESETS["openrouter"].provider()
LLAMACPP = PRESETS["llamacpp"].provider()
LOCAL = Provider(name="Local", base_url="http://127.0.0.1:8080/v1")
PROVIDERS = [OPENAI, AZURE, OPENROUTER, LLAMACPP, LOCAL]

Matches = Callable[[str, Any], None]


def item(type_: str, **fields: Any) -> ResponseItem:
    return response_item.validate_python({"type": type_, **fields})


def said(role: str, *content: Any) -> ResponseItem:
    text = content[0] if len(content) == 1 and isinstance(content[0], str) else list(content)
    return item("message", role=role, content=text)


def call(call_id: str, name: str = "look", **fields: Any) -> ResponseItem:
    return item("function_call", call_id=call_id, name=name, arguments='{"q":1}', **fields)


def out(call_id: str, output: Any = "found") -> ResponseItem:
    return item("function_call_output", call_id=call_id, output=output)


def thought(text: str) -> ResponseItem:
    return item("reasoning", content=[{"type": "reasoning_text", "text": text}])


def request(
    *history: ResponseItem,
    provider: Provider = LOCAL,
    model: str = "qwen3",
    prompt: dict[str, Any] | None = None,
    **options: Any,
) -> dict[str, Any]:
    made = Prompt(input=list(history) or [USER], **(prompt or {}))
    return build_chat_request(made, CallOptions(model=model, **options), provider)


def messages(*history: ResponseItem, **arguments: Any) -> Any:
    return request(*history, **arguments)["messages"]


def tool_call(call_id: str, name: str = "look", arguments: str = '{"q":1}') -> dict[str, Any]:
    return {"id": call_id, "type": "function", "function": {"name": name, "arguments": arguments}}


USER = said("user", "Hi")
TOOL = FunctionTool(name="look", parameters={"type": "object", "properties": {}})
SCHEMA = {"type": "object", "properties": {}}
TEXT = {"type": "input_text", "text": "a"}
IMAGE = {"type": "input_image", "image_url": "data:image/png;base64,AA=="}
EVERYTHING: dict[str, Any] = {
    "effort": "high",
    "summary": "detailed",
    "verbosity": "high",
    "output_schema": SCHEMA,
    "conversation_id": "conv-1",
    "tool_choice": "look",
    "parallel_tool_calls": False,
    "service_tier": "fast",
    "max_output_tokens": 1000,
    "temperature": 0.5,
    "top_p": 0.9,
    "store": False,
    "metadata": {"who": "me"},
}


# --- whole requests ----------------------------------------------------------------------------


@pytest.mark.parametrize("provider", PROVIDERS, ids=lambda provider: provider.name.lower())
def test_everything_at_once(provider: Provider, matches_snapshot: Matches) -> None:
    sent = request(
        said("developer", "Be brief."),
        said("user", TEXT, IMAGE, {**IMAGE, "detail": "original"}, {**IMAGE, "detail": "low"}),
        thought("A cat?"),
        said("assistant", "I look it up."),
        call("c1", namespace="files"),
        item("custom_tool_call", call_id="c2", name="patch", input="x"),
        out("c1", [TEXT, IMAGE]),
        said("assistant", "A cat."),
        provider=provider,
        model="gpt-5.2",
        prompt={"instructions": "You are an expert.", "tools": [TOOL]},
        **EVERYTHING,
    )
    matches_snapshot(f"chat_full_{provider.name.lower().replace('.', '')}", sent)


def test_a_plain_question() -> None:
    assert request() == {
        "model": "qwen3",
        "messages": [{"role": "user", "content": "Hi"}],
        "stream": True,
        "stream_options": {"include_usage": True},
    }


def test_a_request_needs_a_model() -> None:
    with pytest.raises(SidestreamError) as caught:
        request(model="")
    assert caught.value.kind is ErrorKind.CONFIGURATION


# --- messages ----------------------------------------------------------------------------------


def test_instructions_and_leading_system_messages_are_one() -> None:
    history = [said("system", "A"), said("developer", "B"), USER, said("developer", "C")]
    assert messages(*history, prompt={"instructions": "I"}) == [
        {"role": "system", "content": "I\n\nA\n\nB"},
        {"role": "user", "content": "Hi\n\nC"},
    ]
    assert messages(*history, provider=OPENAI)[1:] == [
        {"role": "user", "content": "Hi"},
        {"role": "system", "content": "C"},
    ]
    assert messages(said("system", "A"), USER)[0] == {"role": "system", "content": "A"}


def test_text_is_plain_unless_an_image_is_beside_it() -> None:
    assert messages(said("user", TEXT, TEXT)) == [{"role": "user", "content": "aa"}]
    assert messages(said("user", TEXT, IMAGE)) == [
        {
            "role": "user",
            "content": [
                {"type": "text", "text": "a"},
                {"type": "image_url", "image_url": {"url": "data:image/png;base64,AA=="}},
            ],
        }
    ]


def test_audio_parts() -> None:
    audio = {"type": "input_audio", "audio_url": "data:audio/wav;base64,AA=="}
    [message] = messages(said("user", audio))
    assert message["content"] == [
        {"type": "input_audio", "input_audio": {"data": "AA==", "format": "wav"}}
    ]


def test_consecutive_output_of_the_model_is_one_message() -> None:
    assert messages(USER, said("assistant", "Wait."), call("1"), call("2"), out("2"), out("1")) == [
        {"role": "user", "content": "Hi"},
        {
            "role": "assistant",
            "content": "Wait.",
            "tool_calls": [tool_call("1"), tool_call("2")],
        },
        {"role": "tool", "tool_call_id": "1", "content": "found"},
        {"role": "tool", "tool_call_id": "2", "content": "found"},
    ]
    assert messages(USER, call("1"), said("assistant", "Wait."), out("1"))[1] == {
        "role": "assistant",
        "content": "Wait.",
        "tool_calls": [tool_call("1")],
    }
    assert messages(USER, call("1"), USER) == [
        {"role": "user", "content": "Hi"},
        {"role": "assistant", "content": None, "tool_calls": [tool_call("1")]},
        {"role": "tool", "tool_call_id": "1", "content": "aborted"},
        {"role": "assistant", "content": BRIDGE},
        {"role": "user", "content": "Hi"},
    ]


def test_consecutive_texts_are_joined_and_repetitions_dropped() -> None:
    said_twice = [said("assistant", "A"), said("assistant", "A"), said("assistant", "B")]
    assert messages(USER, *said_twice)[1]["content"] == "A\n\nB"
    again = messages(USER, said("assistant", "A"), USER, said("assistant", "A"))
    assert [message["content"] for message in again] == ["Hi", "A", "Hi", "A", CONTINUE]


def test_a_refusal_is_sent_as_the_models_text() -> None:
    refusal = {"type": "refusal", "refusal": "No."}
    assert messages(USER, said("assistant", refusal), USER)[1] == {
        "role": "assistant",
        "content": "No.",
    }


def test_other_calls_become_functions_and_the_rest_is_left_out() -> None:
    sent = messages(
        USER,
        item("custom_tool_call", call_id="1", name="patch", namespace="ns", input="x"),
        item("local_shell_call", call_id="2", action={"command": ["ls"]}),
        item("web_search_call", id="ws_1"),
        item("compaction", encrypted_content="g"),
        item("reasoning", encrypted_content="g"),
        item("unheard_of"),
        item("custom_tool_call_output", call_id="1", output="ok"),
    )
    assert sent[1]["tool_calls"] == [
        tool_call("1", "ns__patch", '{"input": "x"}'),
        tool_call("2", "local_shell", '{"command": ["ls"]}'),
    ]
    assert [message["role"] for message in sent] == ["user", "assistant", "tool", "tool"]


def test_images_that_a_tool_gave_back_follow_as_a_users_message() -> None:
    image = {"type": "image_url", "image_url": {"url": "data:image/png;base64,AA=="}}
    following = {"role": "user", "content": [{"type": "text", "text": IMAGES_FOLLOW}, image]}
    history = [USER, call("1"), call("2"), out("1", [TEXT, IMAGE, TEXT]), out("2")]
    sent = messages(*history, provider=OPENAI)
    assert sent[2] == {"role": "tool", "tool_call_id": "1", "content": "aa"}
    assert sent[4:] == [following]
    sent = messages(*history, said("assistant", "Nice."), provider=OPENAI)
    assert sent[4:] == [following, {"role": "assistant", "content": "Nice."}]
    user = {"role": "user", "content": "Hi"}
    assert messages(*history, USER, provider=OPENAI)[4:] == [following, user]
    bridge = {"role": "assistant", "content": BRIDGE}
    both = {"role": "user", "content": [*following["content"], {"type": "text", "text": "Hi"}]}
    assert messages(*history, USER)[4:] == [bridge, both]
    [_, _, alone] = messages(USER, call("1"), out("1", [IMAGE]), provider=OPENAI)[:3]
    assert alone["content"] == IMAGES_FOLLOW


# --- reasoning that goes back ------------------------------------------------------------------


def test_reasoning_goes_back_while_a_turn_of_tools_is_under_way() -> None:
    turn = [USER, thought("Why"), thought("not"), call("1"), thought(" "), call("2")]
    assert messages(*turn)[1] == {
        "role": "assistant",
        "content": None,
        "tool_calls": [tool_call("1"), tool_call("2")],
        "reasoning_content": "Why\nnot",
    }
    more = [*turn, out("1"), out("2"), thought("So"), said("assistant", "Yes.")]
    answer = {"role": "assistant", "content": "Yes.", "reasoning_content": "So"}
    assert messages(*more)[-2] == answer
    # In later turns it stays with the calls, which DeepSeek, Kimi and others require.
    told = [message.get("reasoning_content") for message in messages(*more, USER)]
    assert told == [None, "Why\nnot", None, None, None, None]
    assert messages(USER, thought("Why")) == [{"role": "user", "content": "Hi"}]
    split = {"content": [{"text": "W"}, {"text": "hy"}]}
    sent = messages(USER, item("reasoning", **split, field="reasoning"), call("1"))
    assert sent[1]["reasoning"] == "Why"


@pytest.mark.parametrize(
    ("provider", "field"),
    [
        (LOCAL, "reasoning_content"),
        (OPENROUTER, "reasoning"),
        (LLAMACPP, "reasoning_content"),
        (Provider(name="D", base_url="https://api.deepseek.com/v1"), "reasoning_content"),
        (Provider(name="G", base_url="https://api.groq.com/openai/v1"), None),
        (LOCAL.model_copy(update={"reasoning_field": "none"}), None),
        (OPENAI, None),
        (AZURE, None),
    ],
)
def test_the_field_for_reasoning(provider: Provider, field: str | None) -> None:
    sent = messages(USER, thought("Why"), call("1"), provider=provider)[1]
    assert set(sent) - {"role", "content", "tool_calls"} == ({field} if field else set())


# --- options -----------------------------------------------------------------------------------


def test_the_limit_of_tokens_has_two_names() -> None:
    for provider in (OPENAI, AZURE):
        sent = request(provider=provider, model="mine", max_output_tokens=5)
        assert sent["max_completion_tokens"] == 5
    for provider in (LOCAL, AZURE):
        sent = request(provider=provider, max_output_tokens=5)
        assert sent["max_tokens"] == 5
        assert "max_completion_tokens" not in sent
    for model in ("gpt-5.2", "openai/gpt-5-mini", "azure/o4-mini", "openai.gpt-5"):
        assert request(model=model, max_output_tokens=5)["max_completion_tokens"] == 5
    for model in ("gpt-oss:20b", "openai/gpt-4.1", "o1x", "gpt-5x"):
        assert request(model=model, max_output_tokens=5)["max_tokens"] == 5


def test_an_output_schema_goes_where_it_can() -> None:
    for provider in PROVIDERS:
        assert request(provider=provider, output_schema=SCHEMA)["response_format"] == {
            "type": "json_schema",
            "json_schema": {"name": "codex_output_schema", "strict": True, "schema": SCHEMA},
        }
    plain = LOCAL.model_copy(update={"supports_json_schema": False})
    with pytest.raises(SidestreamError) as caught:
        request(provider=plain, prompt={"output_schema": SCHEMA})
    assert caught.value.kind is ErrorKind.UNSUPPORTED
    assert "Local" in caught.value.message
    assert caught.value.hint


def test_tools_and_what_belongs_to_them() -> None:
    sent = request(prompt={"tools": [TOOL]}, tool_choice="look", parallel_tool_calls=True)
    assert sent["tools"][0]["function"]["name"] == "look"
    assert sent["tool_choice"] == {"type": "function", "function": {"name": "look"}}
    assert sent["parallel_tool_calls"] is True
    sent = request(prompt={"tools": [TOOL]})
    assert not {"tool_choice", "parallel_tool_calls"} & set(sent)
    assert "tool_choice" not in request(tool_choice="look", parallel_tool_calls=True)
    sent = request(prompt={"tools": [TOOL]}, parallel_tool_calls=True, model="o3")
    assert "parallel_tool_calls" not in sent
    with pytest.raises(SidestreamError):
        request(prompt={"tools": [WebSearchTool()]})


@pytest.mark.parametrize(
    ("model", "options", "sent"),
    [
        ("qwen3", {"effort": "ultra"}, {"reasoning_effort": "max"}),
        ("gpt-4o", {"effort": "high"}, {}),
        ("gpt-5.2", {"verbosity": "low"}, {"verbosity": "low"}),
        ("qwen3", {"verbosity": "low"}, {}),
        ("qwen3", {"temperature": 0.0, "top_p": 1.0}, {"temperature": 0.0, "top_p": 1.0}),
        ("qwen3", {"temperature": 0.0}, {"temperature": 0.0}),
        ("qwen3", {"top_p": 1.0}, {"top_p": 1.0}),
        ("o3", {"temperature": 0.0, "top_p": 1.0}, {}),
        ("qwen3", {"store": True, "service_tier": "flex", "conversation_id": "c"}, {}),
        (
            "qwen3",
            {"prompt_cache_key": "k", "metadata": {"a": "b"}},
            {
                "prompt_cache_key": "k",
                "metadata": {"a": "b"},
            },
        ),
        ("qwen3", {"extra_body": {"top_k": 5, "stream": False}}, {"top_k": 5}),
    ],
)
def test_options(model: str, options: dict[str, Any], sent: dict[str, Any]) -> None:
    plain = request(model=model)
    assert request(model=model, **options) == {**plain, **sent}


def test_options_that_openai_takes() -> None:
    options = {"store": True, "service_tier": "fast", "conversation_id": "c"}
    plain = request(provider=OPENAI)
    assert request(provider=OPENAI, **options) == {
        **plain,
        "store": True,
        "service_tier": "priority",
        "prompt_cache_key": "c",
    }
    assert "prompt_cache_key" not in request(provider=AZURE, conversation_id="c")


def test_servers_without_stream_options() -> None:
    plain = LOCAL.model_copy(update={"supports_stream_options": False})
    assert "stream_options" not in request(provider=plain)


def test_models_that_cannot_see_get_no_images() -> None:
    info = ModelInfo(slug="qwen3", supports_images=False, supports_audio=False)
    assert "image_url" not in json.dumps(request(said("user", TEXT, IMAGE), model_info=info))


# --- whatever the history ----------------------------------------------------------------------

pieces = st.sampled_from(
    [
        USER,
        said("system", "S"),
        said("assistant", "A"),
        said("user", TEXT, IMAGE),
        thought("W"),
        call("1"),
        call("2", "other"),
        out("1"),
        out("2", [TEXT, IMAGE]),
        item("custom_tool_call", call_id="3", name="patch", input="x"),
        item("custom_tool_call_output", call_id="3", output="ok"),
    ]
)


@given(history=st.lists(pieces, max_size=10), provider=st.sampled_from(PROVIDERS))
def test_every_tool_message_follows_the_call_that_it_answers(
    history: list[ResponseItem], provider: Provider
) -> None:
    prompt = Prompt(input=history)
    sent = build_chat_request(prompt, CallOptions(model="qwen3"), provider)
    assert json.loads(json.dumps(sent)) == sent
    due: list[str] = []
    for place, message in enumerate(sent["messages"]):
        if message["role"] == "tool":
            assert message["tool_call_id"] == due.pop(0)
            continue
        assert due == []
        if message["role"] == "assistant":
            assert message["content"] or message["tool_calls"]
            due = [made["id"] for made in message.get("tool_calls", [])]
            assert place == 0 or sent["messages"][place - 1]["role"] != "assistant"
        else:
            assert message["content"]
    assert due == []
