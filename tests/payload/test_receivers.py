"""Every receiver's rules: the builders follow them, and the checks find violations."""

from __future__ import annotations

from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from sidestream.models import ModelInfo
from sidestream.payload.chat import build_chat_request
from sidestream.payload.responses import build_responses_request
from sidestream.presets import PRESETS
from sidestream.prompt import CallOptions, Prompt
from sidestream.provider import Provider
from sidestream.receivers import RECEIVERS, receiver, receiver_of
from sidestream.testing import check_request
from sidestream.types.items import ItemOrigin, ResponseItem, response_item
from sidestream.types.tools import FunctionTool
from sidestream.types.wire_api import WireApi

# --- which receiver it is ----------------------------------------------------------------------

AT = {
    "openai": "https://api.openai.com/v1",
    "azure": "https://res.openai.azure.com/openai/v1",
    "chatgpt": "https://chatgpt.com/backend-api/codex",
    "gemini": "https://generativelanguage.googleapis.com/v1beta/openai",
    "mistral": "https://api.mistral.ai/v1",
    "deepseek": "https://api.deepseek.com",
    "moonshot": "https://api.moonshot.ai/v1",
    "groq": "https://api.groq.com/openai/v1",
    "cerebras": "https://api.cerebras.ai/v1",
    "openrouter": "https://openrouter.ai/api/v1",
    "anthropic": "https://api.anthropic.com/v1",
    "bedrock": "https://bedrock-runtime.us-east-1.amazonaws.com/openai/v1",
    "llamacpp": "http://localhost:8080/v1",
    "vllm": "http://localhost:8000/v1",
    "ollama": "http://localhost:11434/v1",
    "lmstudio": "http://localhost:1234/v1",
    "unknown": "https://gateway.example/v1",
}
MODELS = {
    "openai": ["gpt-5.2", "openai/gpt-5", "gpt-4.1", "o3-mini"],
    "azure": ["gpt-5.2", "my-deployment", "gpt-4o", "Mistral-Large-2411", "Llama-3.3-70B"],
    "chatgpt": ["gpt-5.2", "gpt-5.6-sol"],
    "gemini": ["gemini-3-pro-preview", "gemini-2.5-flash"],
    "mistral": ["mistral-medium-latest", "devstral-2512"],
    "deepseek": ["deepseek-v4-pro", "deepseek-chat"],
    "moonshot": ["kimi-k2.5", "moonshot-v1-8k"],
    "groq": ["openai/gpt-oss-120b", "llama-3.3-70b"],
    "openrouter": ["openai/gpt-5.2", "anthropic/claude-sonnet-4.5", "mistralai/mistral-large"],
    "anthropic": ["claude-sonnet-4-6"],
    "bedrock": ["openai.gpt-oss-120b-1:0", "anthropic.claude-sonnet-4-6"],
    "vllm": ["mistralai/Mistral-Small-4-119B-2603", "Qwen/Qwen3.5-9B"],
}
OTHERS = ["m", "gpt-5.2", "claude-opus-5", "kimi-k2.6", "devstral-small", "google/gemini-3-pro"]
BY_PRESET = {"llamacpp", "vllm"}


def at(key: str) -> Provider:
    preset = key if key in BY_PRESET else ""
    return Provider(name="Any", base_url=AT[key], preset=preset)


@pytest.mark.parametrize("key", AT)
def test_a_receiver_is_known_by_its_origin_or_preset(key: str) -> None:
    assert at(key).maker == key
    for name in ("OpenAI", "Azure", "Mistral"):
        renamed = at(key).model_copy(update={"name": name})
        assert receiver_of(renamed, "m") == receiver_of(at(key), "m")


@pytest.mark.parametrize(
    ("base_url", "preset", "key"),
    [
        ("https://eu.api.openai.com/v1", "", "openai"),
        ("https://gateway.example/v1", "azure", "azure"),
        ("https://gateway.example/v1", "openai", "openai"),
        ("https://api.deepseek.com/v1", "openai", "deepseek"),
        ("https://gateway.example/v1", "openrouter", "openrouter"),
        ("https://europe-west4-aiplatform.googleapis.com/v1/openapi", "", "gemini"),
        ("https://aiplatform.googleapis.com/v1/openapi", "custom", "gemini"),
        ("https://api.kimi.com/coding/v1", "", "moonshot"),
        ("https://api.moonshot.cn/v1", "", "moonshot"),
        ("https://bedrock-mantle.us-west-2.api.aws/v1", "", "bedrock"),
        ("https://api.openai.com.evil.example/v1", "", "unknown"),
        ("https://notopenrouter.ai/v1", "", "unknown"),
        ("http://192.168.1.7:11434/v1", "custom", "ollama"),
        ("http://localhost:8080/v1", "custom", "unknown"),
        ("", "", "unknown"),
        ("http://[::1", "", "unknown"),
    ],
)
def test_hosts_count_before_presets(base_url: str, preset: str, key: str) -> None:
    assert Provider(name="Azure", base_url=base_url, preset=preset).maker == key


def test_every_receiver_has_both_wire_apis() -> None:
    for key in RECEIVERS:
        for wire_api in WireApi:
            assert receiver(key, "m", wire_api).wire_api is wire_api


# --- names, ids, keys --------------------------------------------------------------------------


@given(st.text(max_size=200), st.sampled_from(RECEIVERS), st.sampled_from(OTHERS))
def test_names_and_ids_are_made_to_fit_and_stay_so(text: str, key: str, model: str) -> None:
    rules = receiver(key, model)
    name, call_id = rules.fit_name(text), rules.fit_call_id(text)
    assert rules.name_pattern.fullmatch(name)
    assert rules.call_id_pattern.fullmatch(call_id)
    assert (rules.fit_name(name), rules.fit_call_id(call_id)) == (name, call_id)
    assert (name == text) == bool(rules.name_pattern.fullmatch(text))


def test_what_does_not_fit_stays_different() -> None:
    for key in RECEIVERS:
        rules = receiver(key)
        names = {rules.fit_name(name) for name in ("a b", "a.b", "a_b", "1a", "a" * 70, "a" * 71)}
        ids = {rules.fit_call_id("x" * length) for length in range(65, 90)}
        assert (len(names), len(ids)) == (6, 25)


# --- any history, for each receiver ------------------------------------------------------------

HERE, ELSEWHERE = "https://here.example", "https://elsewhere.example"
origins = st.sampled_from(
    [
        None,
        {"provider": "here", "model": "same"},
        {"provider": "here", "model": "other"},
        {"provider": ELSEWHERE, "model": "same"},
    ]
)
texts = st.sampled_from(["", " ", "a", "{}", '{"a": 1}', "["])
parts = st.lists(
    st.one_of(
        st.builds(lambda text: {"type": "input_text", "text": text}, texts),
        st.builds(lambda text: {"type": "output_text", "text": text}, texts),
        st.builds(lambda text: {"type": "refusal", "refusal": text}, texts),
        st.just({"type": "input_image", "image_url": "data:image/png;base64,AA==", "detail": None}),
        st.just({"type": "input_image", "image_url": "https://a.example/b", "detail": "original"}),
    ),
    max_size=3,
)
call_ids = st.sampled_from(["", "a", "call_0", "functions.add:0", "x" * 60, "y" * 1324, "0"])
names = st.sampled_from(
    ["", "add", "functions.get weather", "look<|channel|>commentary", "21st_magic", "n" * 90]
)
SIGNED = {"extra_content": {"google": {"thought_signature": "SIG"}}}
DETAILS = {"reasoning_details": [{"type": "reasoning.encrypted", "data": "DATA"}]}


def some(type_: str, **fields: st.SearchStrategy[Any]) -> st.SearchStrategy[dict[str, Any]]:
    shared = {"type": st.just(type_), "origin": origins}
    return st.fixed_dictionaries({**shared, **fields})


def ids(prefix: str) -> st.SearchStrategy[str | None]:
    return st.sampled_from([None, "", f"{prefix}_1", f"{prefix}_2", "x"])


histories = st.lists(
    st.one_of(
        some(
            "message",
            id=ids("msg"),
            role=st.sampled_from(["user", "assistant", "assistant", "system", "developer"]),
            content=parts,
        ),
        some(
            "reasoning",
            id=ids("rs"),
            content=st.none() | st.just([{"text": "why"}]),
            encrypted_content=st.sampled_from([None, "ENC"]),
            field=st.sampled_from([None, "reasoning", "reasoning_content", "think", "content"]),
            extra=st.sampled_from([None, DETAILS]),
        ),
        some(
            "function_call",
            id=ids("fc"),
            call_id=call_ids,
            name=names,
            namespace=st.sampled_from([None, "files"]),
            arguments=texts,
            extra=st.sampled_from([None, SIGNED]),
        ),
        some("function_call_output", call_id=call_ids, output=texts | parts),
        some("custom_tool_call", id=ids("ctc"), call_id=call_ids, name=names, input=texts),
        some("web_search_call", id=ids("ws")),
        some("code_interpreter_call", id=ids("ci"), code=st.just("1")),
        some("image_generation_call", id=ids("ig"), result=st.just("AA==")),
        some("compaction", encrypted_content=st.just("ENC")),
        some("unheard_of"),
    ),
    max_size=10,
)


def made(record: dict[str, Any], provider: Provider, model: str) -> ResponseItem:
    origin = record.get("origin")
    if origin:
        host = provider.origin if origin["provider"] == "here" else origin["provider"]
        name = model if origin["model"] == "same" else origin["model"]
        origin = ItemOrigin(provider=host, model=name)
    return response_item.validate_python({**record, "origin": origin})


TOOL = FunctionTool(name="add", parameters={"type": "object", "properties": {}})


@given(
    records=histories,
    key=st.sampled_from(list(AT)),
    wire_api=st.sampled_from(WireApi),
    which=st.integers(0, 20),
    tools=st.booleans(),
    store=st.sampled_from([None, None, True, False]),
    effort=st.sampled_from([None, "none", "minimal", "low", "high", "xhigh", "max", "ultra"]),
    limit=st.sampled_from([None, 100]),
)
def test_no_receiver_refuses_any_history(
    records: list[dict[str, Any]],
    key: str,
    wire_api: WireApi,
    which: int,
    tools: bool,
    store: bool | None,
    effort: str | None,
    limit: int | None,
) -> None:
    provider = at(key)
    own = MODELS.get(key, [])
    models = own if key in ("openai", "azure", "chatgpt") else [*own, *OTHERS]
    model = models[which % len(models)]
    if key == "chatgpt":
        wire_api = WireApi.RESPONSES
    items = [made(record, provider, model) for record in records]
    options = CallOptions(
        model=model,
        store=store,
        effort=effort,
        max_output_tokens=limit,
        conversation_id="c" * 80,
    )
    prompt = Prompt(input=items, tools=[TOOL] if tools else [], instructions="Be brief.")
    build = build_chat_request if wire_api is WireApi.CHAT else build_responses_request
    request = build(prompt, options, provider)
    here = {None, provider.origin}
    given = [item for item in items if (item.origin and item.origin.provider) in here]
    known = {item.id for item in given if item.id}
    known |= {"ENC", "SIG", "DATA"} if given else set()
    assert check_request(key, request, made_here=known) == []


# --- one rule at a time: what is refused, and what is taken -------------------------------------

USER = {"role": "user", "content": "Hi"}
SAID = {"role": "assistant", "content": "Yes."}
FITTING = {"mistral": "abcdefghi"}


def called(key: str, *, content: Any = None, **fields: Any) -> dict[str, Any]:
    call = {
        "id": FITTING.get(key, "call_1"),
        "type": "function",
        "function": {"name": "add", "arguments": "{}"},
    }
    if key == "gemini":
        call["extra_content"] = {"google": {"thought_signature": "S"}}
    return {"role": "assistant", "content": content, "tool_calls": [call], **fields}


def result(key: str, **fields: Any) -> dict[str, Any]:
    message = {"role": "tool", "tool_call_id": FITTING.get(key, "call_1"), "content": "3"}
    return {**message, **({"name": "add"} if key == "gemini" else {}), **fields}


DECLARED = [{"type": "function", "function": {"name": "add", "parameters": TOOL.parameters}}]


def chat(*messages: dict[str, Any], model: str = "m", **fields: Any) -> dict[str, Any]:
    return {"model": model, "messages": list(messages), "stream": True, **fields}


def responses(*items: dict[str, Any], model: str = "gpt-5.2", **fields: Any) -> dict[str, Any]:
    return {"model": model, "input": list(items), "stream": True, "store": False, **fields}


def item_of(role: str, text: str, **fields: Any) -> dict[str, Any]:
    kind = "output_text" if role == "assistant" else "input_text"
    return {"type": "message", "role": role, "content": [{"type": kind, "text": text}], **fields}


WHY = {"type": "reasoning", "summary": [], "encrypted_content": "E"}
CALL = {"type": "function_call", "call_id": "c1", "name": "add", "arguments": "{}"}
OUT = {"type": "function_call_output", "call_id": "c1", "output": "3"}
GEMINI_CALL = called("gemini")
UNSIGNED = {**called("any"), "content": None}
NAMED = result("gemini", tool_call_id="call_1")


def tool(**schema: Any) -> list[dict[str, Any]]:
    parameters = {"type": "object", "properties": {"a": schema}}
    return [{"type": "function", "function": {"name": "add", "parameters": parameters}}]


RULES: list[tuple[str, str, dict[str, Any], dict[str, Any]]] = [
    # receiver, its source, what it refuses, what it takes
    (
        "mistral",
        "hermes-agent#20154: Unexpected role 'user' after role 'tool'",
        chat(USER, called("mistral", content=""), result("mistral"), USER, tools=DECLARED),
        chat(USER, called("mistral", content=""), result("mistral"), SAID, USER, tools=DECLARED),
    ),
    (
        "mistral",
        "opencode#1680: ids of nine letters or digits",
        chat(USER, called("any", content=""), result("any"), tools=DECLARED),
        chat(USER, called("mistral", content=""), result("mistral"), tools=DECLARED),
    ),
    (
        "mistral",
        "anon-kode#53: stream_options",
        chat(USER, stream_options={"include_usage": True}),
        chat(USER),
    ),
    (
        "mistral",
        "eca#231: max_completion_tokens",
        chat(USER, max_completion_tokens=5),
        chat(USER, max_tokens=5),
    ),
    (
        "mistral",
        "crush#1590: reasoning_content",
        chat(USER, {**SAID, "reasoning_content": "w"}, USER),
        chat(USER, SAID, USER),
    ),
    (
        "mistral",
        "rig#1130: Expected last role User or Tool but got assistant",
        chat(USER, SAID),
        chat(USER, SAID, USER),
    ),
    ("llamacpp", "generic-copilot#43: roles must alternate", chat(USER, USER), chat(USER)),
    (
        "llamacpp",
        "llama.cpp#27367: System message must be at the beginning",
        chat(USER, SAID, {"role": "system", "content": "S"}, USER),
        chat({"role": "system", "content": "S"}, USER, SAID, USER),
    ),
    (
        "llamacpp",
        "llama.cpp#20861: Assistant response prefill is incompatible",
        chat(USER, SAID),
        chat(USER),
    ),
    ("vllm", "llama_index#11731: the user begins", chat(SAID, USER), chat(USER)),
    (
        "vllm",
        "vllm#21089: an empty assistant message",
        chat(USER, {"role": "assistant", "content": ""}, USER),
        chat(USER, SAID, USER),
    ),
    (
        "openai",
        "vercel/ai#14950: null without tool calls",
        chat(USER, {"role": "assistant", "content": None}, USER),
        chat(USER, SAID, USER),
    ),
    (
        "lmstudio",
        "lmstudio-bug-tracker#261: null beside tool calls",
        chat(USER, called("any"), result("any")),
        chat(USER, called("any", content=""), result("any")),
    ),
    (
        "ollama",
        "pydantic-ai#5206: invalid message content type: <nil>",
        chat(USER, called("any"), result("any")),
        chat(USER, called("any", content=""), result("any")),
    ),
    (
        "bedrock",
        "jido_ai#215: blank text beside tool calls",
        chat(USER, called("any", content=""), result("any"), tools=DECLARED),
        chat(USER, called("any"), result("any"), tools=DECLARED),
    ),
    (
        "bedrock",
        "opencode#10259: toolConfig must be defined",
        chat(USER, called("any"), result("any")),
        chat(USER, called("any"), result("any"), tools=DECLARED),
    ),
    (
        "unknown",
        "oh-my-pi#1227: the same behind a gateway",
        chat(USER, called("any"), result("any")),
        chat(USER, called("any"), result("any"), tools=DECLARED),
    ),
    (
        "anthropic",
        "CLIProxyAPI#5319: the conversation must end with a user message",
        chat(USER, SAID),
        chat(USER),
    ),
    (
        "bedrock",
        "litellm#7169: blank tool output",
        chat(USER, called("any"), result("any", content=" "), tools=DECLARED),
        chat(USER, called("any"), result("any"), tools=DECLARED),
    ),
    (
        "gemini",
        "pi#6733: Function call is missing a thought_signature",
        chat(USER, UNSIGNED, NAMED, model="gemini-3-pro-preview"),
        chat(USER, GEMINI_CALL, NAMED, model="gemini-3-pro-preview"),
    ),
    (
        "gemini",
        "hermes-agent#19728: tool messages name their tool",
        chat(USER, GEMINI_CALL, result("any")),
        chat(USER, GEMINI_CALL, NAMED),
    ),
    (
        "gemini",
        'ComfyUI-NewBie-LLM-Formatter#3: Unknown name "reasoning"',
        chat(USER, {**SAID, "reasoning": "w"}, USER),
        chat(USER, SAID, USER),
    ),
    (
        "gemini",
        'zed#44875: Unknown name "const"',
        chat(USER, tools=tool(const="x")),
        chat(USER, tools=tool(type="string", enum=["x"])),
    ),
    (
        "gemini",
        "cline#7339: missing array items",
        chat(USER, tools=tool(type="array")),
        chat(USER, tools=tool(type="array", items={"type": "string"})),
    ),
    (
        "gemini",
        "ai.google.dev/gemini-api/docs/openai: reasoning_effort",
        chat(USER, reasoning_effort="xhigh"),
        chat(USER, reasoning_effort="high"),
    ),
    (
        "moonshot",
        "pi#4251: an empty reasoning_content is a missing one",
        chat(USER, called("any", reasoning_content=""), result("any"), model="kimi-k2.6"),
        chat(USER, called("any", reasoning_content="w"), result("any"), model="kimi-k2.6"),
    ),
    (
        "deepseek",
        "pi#3636: reasoning_content must be passed back",
        chat(USER, called("any"), result("any"), model="deepseek-v4-pro"),
        chat(USER, called("any", reasoning_content="w"), result("any"), model="deepseek-v4-pro"),
    ),
    (
        "moonshot",
        "kimi-cli#2531: names begin with a letter",
        chat(USER, tools=[{"type": "function", "function": {"name": "21st_magic"}}]),
        chat(USER, tools=[{"type": "function", "function": {"name": "m_21st_magic"}}]),
    ),
    (
        "moonshot",
        "kimi-cli#2061: references",
        chat(USER, tools=tool(**{"$ref": "#/$defs/a"})),
        chat(USER, tools=tool(type="string")),
    ),
    (
        "moonshot",
        "opencode#41276: type beside anyOf",
        chat(USER, tools=tool(type="string", anyOf=[{"type": "string"}])),
        chat(USER, tools=tool(anyOf=[{"type": "string"}])),
    ),
    (
        "groq",
        "jan#8136: property 'reasoning_content' is unsupported",
        chat(USER, {**SAID, "reasoning_content": "w"}, USER),
        chat(USER, SAID, USER),
    ),
    (
        "openai",
        "litellm#11392: ids of 40 characters",
        chat(USER, {**called("any")}, result("any", tool_call_id="call_" + "x" * 36)),
        chat(USER, called("any"), result("any")),
    ),
    (
        "unknown",
        "dify#24307: max_tokens for a reasoning model",
        chat(USER, model="openai/gpt-5-mini", max_tokens=5),
        chat(USER, model="openai/gpt-5-mini", max_completion_tokens=5),
    ),
    (
        "openai",
        "opencode#31062: prompt_cache_key of 64 characters",
        chat(USER, prompt_cache_key="k" * 65),
        chat(USER, prompt_cache_key="k" * 64),
    ),
    (
        "unknown",
        "open-cowork#232: strict is not said",
        chat(USER, tools=[{"type": "function", "function": {"name": "add", "strict": False}}]),
        chat(USER, tools=DECLARED),
    ),
    (
        "openai",
        "codex-wire facts: effort by model",
        chat(USER, model="gpt-5.1", reasoning_effort="minimal"),
        chat(USER, model="gpt-5.1", reasoning_effort="low"),
    ),
    (
        "openai",
        "openai/openai-agents-python#1611: reasoning that nothing follows",
        responses(item_of("user", "Hi"), WHY, item_of("user", "So?")),
        responses(item_of("user", "Hi"), WHY, item_of("assistant", "So."), item_of("user", "So?")),
    ),
    (
        "azure",
        "openclaw#88067: provided without its required 'reasoning' item",
        responses(item_of("user", "Hi"), item_of("assistant", "A", id="msg_1"), store=True),
        responses(
            item_of("user", "Hi"),
            {**WHY, "id": "rs_1"},
            item_of("assistant", "A", id="msg_1"),
            store=True,
        ),
    ),
    (
        "openai",
        "vercel/ai#7543: Items are not persisted when `store` is set to false",
        responses(item_of("user", "Hi"), item_of("assistant", "A", id="msg_1")),
        responses(item_of("user", "Hi"), item_of("assistant", "A")),
    ),
    (
        "openai",
        "openai-python#2364: reasoning for a model without",
        responses(item_of("user", "Hi"), WHY, item_of("assistant", "A"), model="gpt-4.1"),
        responses(item_of("user", "Hi"), item_of("assistant", "A"), model="gpt-4.1"),
    ),
    (
        "openai",
        "openai/codex#14355: call ids of 64 characters",
        responses(item_of("user", "Hi"), {**CALL, "call_id": "c" * 65}),
        responses(item_of("user", "Hi"), CALL, OUT),
    ),
    (
        "openai",
        "agno#6653: names of 64 characters",
        responses(item_of("user", "Hi"), {**CALL, "name": "n" * 65}, OUT),
        responses(item_of("user", "Hi"), CALL, OUT),
    ),
    (
        "openai",
        "Agora#141: reasoning without a summary",
        responses(item_of("user", "Hi"), {"type": "reasoning", "encrypted_content": "E"}),
        responses(item_of("user", "Hi"), WHY, item_of("assistant", "A")),
    ),
    (
        "chatgpt",
        "codex-wire facts: what the backend requires and refuses",
        responses(item_of("user", "Hi"), temperature=1),
        responses(
            item_of("user", "Hi"),
            instructions="I",
            tools=[],
            tool_choice="auto",
            parallel_tool_calls=True,
        ),
    ),
    (
        "openai",
        "the API's own model names",
        responses(item_of("user", "Hi"), model="openai/gpt-5"),
        responses(item_of("user", "Hi"), model="gpt-5"),
    ),
]


@pytest.mark.parametrize(("key", "source", "refused", "taken"), RULES, ids=lambda it: str(it)[:48])
def test_a_rule(key: str, source: str, refused: dict[str, Any], taken: dict[str, Any]) -> None:
    assert check_request(key, refused), source
    assert check_request(key, taken) == [], source


def test_items_of_another_origin_are_refused_where_origins_are_known() -> None:
    ids = responses(item_of("user", "Hi"), {**WHY, "id": "rs_1"}, item_of("assistant", "A"))
    assert check_request("unknown", ids, made_here={"rs_1", "E"}) == [
        "[2]: the conversation must end with a user message"
    ]
    assert len(check_request("unknown", ids, made_here=set())) == 3
    signed = chat(USER, GEMINI_CALL, NAMED, model="gemini-3-pro-preview")
    assert check_request("gemini", signed, made_here={"S"}) == []
    assert check_request("gemini", signed, made_here=set())


def test_presets_are_receivers() -> None:
    assert set(PRESETS) - {"custom"} <= set(RECEIVERS)
    assert ModelInfo(slug="m").efforts == []
