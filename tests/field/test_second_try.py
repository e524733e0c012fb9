"""What servers refuse, in their own messages, and what the second request leaves out."""

from __future__ import annotations

import json
from typing import Any

import pytest

from sidestream import ApiKeyAuth, CallOptions, Client, Prompt, Provider, WireApi
from sidestream.adjust import Adjustments
from sidestream.client import TurnResult
from sidestream.testing import ChatStream, FakeFetch, Reply, ResponsesStream, run
from sidestream.types.items import (
    FunctionCallItem,
    FunctionCallOutputItem,
    InputImage,
    InputText,
    MessageItem,
    OutputText,
    ReasoningItem,
    ReasoningText,
    ResponseItem,
)
from sidestream.types.tools import FunctionTool

IMAGE = "data:image/png;base64,iVBORw0KGgo="
TOOL = FunctionTool(
    name="read",
    parameters={
        "type": "object",
        "properties": {"minimum": {"type": "integer", "minimum": 1, "maximum": 9}},
        "required": ["minimum"],
    },
)
THOUGHT = ReasoningItem(content=[ReasoningText(text="Hm.")], field="reasoning_content")
ANSWER = MessageItem(role="assistant", content=[OutputText(text="Hello.")])


def user(text: str, *images: str) -> MessageItem:
    parts = [InputImage(image_url=url) for url in images]
    return MessageItem(role="user", content=[*parts, InputText(text=text)])


class Asked:
    """A server that refuses the first request, with the requests and the result."""

    def __init__(
        self,
        refusal: dict[str, Any] | str,
        *,
        status: int = 400,
        wire: str = "chat",
        items: list[ResponseItem] | None = None,
        base_url: str = "https://gateway.test/v1",
        model: str = "m",
        adjustments: Adjustments | None = None,
        tools: tuple[FunctionTool, ...] = (),
        **options: Any,
    ) -> None:
        chat = ChatStream().text("Hi").finish().usage().done()
        good = Reply(chat if wire == "chat" else ResponsesStream().created().text("Hi").completed())
        self.fetch = FakeFetch(Reply(refusal, status=status), then=good)
        self.adjustments = adjustments or Adjustments()
        self.client = Client(
            provider=Provider(name="x", base_url=base_url, wire_api=WireApi(wire)),
            auth=ApiKeyAuth("k"),
            fetch=self.fetch,
            model=model,
            adjustments=self.adjustments,
        )
        self.prompt = Prompt(input=items or [user("hi")], tools=list(tools))
        self.options = CallOptions(conversation_id="c1", **options)
        self.result = self.again()

    def again(self) -> TurnResult:
        """Send the same prompt again."""
        return run(self.client.complete(self.prompt, self.options))

    @property
    def requests(self) -> list[dict[str, Any]]:
        return [json.loads(request.body or b"{}") for request in self.fetch.requests]


def error(message: str, **more: Any) -> dict[str, Any]:
    return {"error": {"message": message, "type": "invalid_request_error", **more}}


def check(asked: Asked, *, notices: int = 1) -> dict[str, Any]:
    """Check that the second request succeeded and is remembered. Returns that request."""
    assert asked.result.error is None
    assert asked.result.text == "Hi"
    assert asked.result.attempts == 2
    assert len(asked.result.notices) == notices
    second = asked.requests[1]
    assert asked.again().notices == []
    assert asked.requests[2] == second
    assert len(asked.requests) == 3
    return second


@pytest.mark.parametrize(
    "refusal",
    [
        pytest.param(
            error("Extra inputs are not permitted, field: 'stream_options'"),
            id="FlowiseAI/Flowise#2866",
        ),
        pytest.param(
            {"error": "Validation error at #/stream_options: Extra inputs are not permitted"},
            id="microsoft/semantic-kernel#10510",
        ),
        pytest.param(
            {
                "object": "error",
                "message": "[{'type': 'extra_forbidden', 'loc': ('body', 'stream_options'), "
                "'msg': 'Extra inputs are not permitted', 'input': {'include_usage': True}}]",
                "type": "BadRequestError",
                "code": 400,
            },
            id="gpustack/gpustack#429",
        ),
    ],
)
def test_stream_options_are_left_out(refusal: dict[str, Any]) -> None:
    second = check(Asked(refusal))
    assert "stream_options" not in second


@pytest.mark.parametrize(
    "refusal",
    [
        pytest.param(
            error(
                "Unsupported parameter: 'temperature' is not supported with this model.",
                param="temperature",
                code="unsupported_parameter",
            ),
            id="appatalks/eva-agent#83",
        ),
        pytest.param(
            error(
                "Unsupported value: 'temperature' does not support 0.1 with this model. "
                "Only the default (1) value is supported.",
                param="temperature",
                code="unsupported_value",
            ),
            id="microsoft/vscode#255504",
        ),
        pytest.param(
            error("Unsupported parameter: 'temperature' is not supported with this model."),
            id="danielmiessler/Fabric#1678",
        ),
    ],
)
@pytest.mark.parametrize("wire", ["chat", "responses"])
def test_a_temperature_is_left_out(refusal: dict[str, Any], wire: str) -> None:
    second = check(Asked(refusal, wire=wire, temperature=0.5))
    assert "temperature" not in second


def test_a_summary_that_an_organisation_may_not_have_is_left_out() -> None:
    """continuedev/continue#12031, BerriAI/litellm#16032: unverified organisations."""
    refusal = error(
        "Your organization must be verified to generate reasoning summaries. Please go to: "
        "https://platform.openai.com/settings/organization/general and click on Verify "
        "Organization.",
        param="reasoning.summary",
        code="unsupported_value",
    )
    asked = Asked(
        refusal,
        wire="responses",
        base_url="https://api.openai.com/v1",
        model="gpt-5.2",
        effort="high",
        summary="auto",
    )
    second = check(asked)
    assert asked.requests[0]["reasoning"] == {"effort": "high", "summary": "auto"}
    assert second["reasoning"] == {"effort": "high"}


@pytest.mark.parametrize(
    ("words", "more", "level"),
    [
        pytest.param(
            'output_config.effort "xhigh" is not supported by model claude-opus-4.7; '
            "supported values: [medium]",
            {"code": "invalid_reasoning_effort"},
            "medium",
            id="Menci/Floway#6",
        ),
        pytest.param(
            "Reasoning effort 'xhigh' is not supported by this model route. "
            "Supported values: 'medium', 'high'. (param: reasoning_effort)",
            {},
            "high",
            id="experientiallabs/experiential#795",
        ),
        pytest.param(
            "Failed to parse request: Expected one of ('minimal', 'low', 'medium', 'high') at "
            "'reasoning.effort', got 'xhigh'",
            {},
            "high",
            id="Oaklight/llm-rosetta#243",
        ),
        pytest.param(
            "thinking.adaptive.effort: Extra inputs are not permitted",
            {},
            None,
            id="Wei-Shaw/sub2api#1619",
        ),
    ],
)
def test_the_nearest_effort_is_asked_for(
    words: str, more: dict[str, Any], level: str | None
) -> None:
    second = check(Asked(error(words, **more), effort="xhigh"))
    assert second.get("reasoning_effort") == level


@pytest.mark.parametrize(
    ("words", "param", "limit"),
    [
        pytest.param(
            "max_tokens is too large: 8192. This model supports at most 4096 completion tokens, "
            "whereas you provided 8192.",
            "max_tokens",
            4096,
            id="algorithmicsuperintelligence/optillm#4",
        ),
        pytest.param(
            "The parameter `max_tokens` specified in the request are not valid: integer above "
            "maximum value, expected a value <= 4096, but got 8192 instead.",
            "max_tokens",
            4096,
            id="Gitlawb/openclaude#331",
        ),
        pytest.param(
            "Invalid max_tokens value, the valid range of max_tokens is [1, 4096]",
            None,
            4096,
            id="we0-dev/we0#56",
        ),
        pytest.param(
            "Param Incorrect",
            "max_tokens is too large: 8192. This model supports at most 4096 completion tokens, "
            "whereas you provided 8192.",
            4096,
            id="AQBot-Desktop/AQBot#93",
        ),
    ],
)
def test_a_limit_that_is_too_large_is_lowered(
    words: str, param: str | None, limit: int | None
) -> None:
    second = check(Asked(error(words, param=param), max_output_tokens=8192), notices=1)
    assert second.get("max_tokens", second.get("max_completion_tokens", limit)) == limit


def test_the_limit_goes_under_its_other_name() -> None:
    """get-based#114: a gateway to a reasoning model under an unknown name."""
    words = (
        "Unsupported parameter: 'max_tokens' is not supported with this model. "
        "Use 'max_completion_tokens' instead."
    )
    refusal = error(words, param="max_tokens", code="unsupported_parameter")
    second = check(Asked(refusal, max_output_tokens=500), notices=0)
    assert second["max_completion_tokens"] == 500
    assert "max_tokens" not in second


def test_a_field_that_two_names_were_refused_for_is_left_out() -> None:
    """A server that knows neither name gets no limit, instead of the first name again."""
    asked = Asked("", status=204)
    asked.fetch = FakeFetch(
        Reply(error("property 'max_tokens' is unsupported"), status=400),
        Reply(error("property 'max_completion_tokens' is unsupported"), status=400),
        then=Reply(ChatStream().text("Hi").finish().done()),
    )
    asked.client._endpoint.fetch = asked.fetch
    asked.options = CallOptions(max_output_tokens=5)
    assert asked.again().error is None
    assert not {"max_tokens", "max_completion_tokens"} & asked.requests[2].keys()


def test_store_is_left_out_where_it_is_unknown() -> None:
    """fanenr/chatbot#21: Groq suggests another field, which was not sent."""
    words = "property 'store' is unsupported, did you mean 'stop'?"
    second = check(Asked(error(words), wire="responses", store=True))
    assert "store" not in second


@pytest.mark.parametrize(
    "words",
    [
        pytest.param(
            "'messages.1' : for 'role:assistant' the following must be satisfied"
            "[('messages.1' : property 'reasoning_content' is unsupported)]",
            id="AstrBotDevs/AstrBot#5946",
        ),
        pytest.param(
            "Error from provider: Extra inputs are not permitted, field: "
            "'messages[1].reasoning_content', value: 'Hm.'",
            id="earendil-works/pi#4514",
        ),
    ],
)
def test_reasoning_in_the_history_is_left_out(words: str) -> None:
    call = FunctionCallItem(call_id="call_1", name="read", arguments="{}")
    output = FunctionCallOutputItem(call_id="call_1", output="9")
    asked = Asked(error(words), items=[user("hi"), THOUGHT, call, output], tools=(TOOL,))
    second = check(asked)
    assert "reasoning_content" in json.dumps(asked.requests[0])
    assert "reasoning_content" not in json.dumps(second)
    assert second["messages"][1]["tool_calls"]


def test_reasoning_that_has_to_be_there_is_kept() -> None:
    """vellum-ai/vellum-assistant#42635: "must be passed back" names the field as well."""
    words = "The `reasoning_content` in the thinking mode must be passed back to the API."
    call = FunctionCallItem(call_id="call_1", name="read", arguments="{}")
    output = FunctionCallOutputItem(call_id="call_1", output="9")
    asked = Asked(error(words), items=[user("hi"), THOUGHT, call, output], tools=(TOOL,))
    assert asked.result.error is not None
    assert len(asked.requests) == 1


def test_items_that_are_not_stored_go_without_their_ids() -> None:
    """can1357/oh-my-pi#41, anomalyco/opencode#7724."""
    words = (
        "Item with id 'rs_0123' not found. Items are not persisted when `store` is set to false. "
        "Try again with `store` set to true, or remove this item from your input."
    )
    items: list[ResponseItem] = [
        user("hi"),
        ReasoningItem(id="rs_0123", summary=[]),
        MessageItem(id="msg_1", role="assistant", content=[OutputText(text="Hello.")]),
        user("more"),
    ]
    asked = Asked(
        error(words),
        status=404,
        wire="responses",
        base_url="https://x.openai.azure.com/openai/v1",
        items=items,
        store=True,
    )
    second = check(asked)
    assert "msg_1" in json.dumps(asked.requests[0])
    assert [item["type"] for item in second["input"]] == ["message"] * 3
    assert not any("id" in item for item in second["input"])


@pytest.mark.parametrize(
    ("status", "words"),
    [
        pytest.param(
            400, "this model does not support image input", id="cloudflare/cloudflare-os#97"
        ),
        pytest.param(
            400,
            "Failed to deserialize the JSON body into the target type: messages[0]: unknown "
            "variant `image_url`, expected `text` at line 1 column 849035",
            id="earendil-works/pi#7461",
        ),
        pytest.param(
            404, "No endpoints found that support image input", id="HKUDS/OpenHarness#225"
        ),
        pytest.param(400, "m is not a multimodal model", id="github/copilot-cli#3781"),
    ],
)
@pytest.mark.parametrize("wire", ["chat", "responses"])
def test_images_are_left_out_for_a_model_that_cannot_see(
    status: int, words: str, wire: str
) -> None:
    asked = Asked(
        error(words, code=status),
        status=status,
        wire=wire,
        items=[user("look", IMAGE), ANSWER, user("and?")],
    )
    second = check(asked)
    assert IMAGE in json.dumps(asked.requests[0])
    assert IMAGE not in json.dumps(second)
    assert "An image was left out" in json.dumps(second)


def test_one_image_that_cannot_be_read_goes_alone() -> None:
    """OpenAI names the place of the image. The others are sent, now and later."""
    other = IMAGE.replace("iVBO", "iVBP")
    words = "The image data you provided does not represent a valid image."
    refusal = error(words, param="input[0].content[0].image_url", code="invalid_image")
    items: list[ResponseItem] = [user("one", IMAGE), ANSWER, user("two", other)]
    second = check(Asked(refusal, wire="responses", items=items))
    assert IMAGE not in json.dumps(second)
    assert other in json.dumps(second)


@pytest.mark.parametrize(
    ("words", "more"),
    [
        pytest.param(
            "tools.0.custom: For 'integer' type, properties maximum, minimum are not supported",
            {},
            id="earendil-works/pi#9953",
        ),
        pytest.param(
            "Upstream request failed: tool schema",
            {"code": "unsupported_keyword"},
            id="anomalyco/opencode#43371",
        ),
        pytest.param(
            "Invalid schema for function 'read': 'minimum' is not permitted.",
            {"code": "invalid_function_parameters", "param": "tools[0].function.parameters"},
            id="anomalyco/opencode#13737",
        ),
    ],
)
def test_keywords_of_schemas_are_left_out(words: str, more: dict[str, Any]) -> None:
    asked = Asked(error(words, **more), tools=(TOOL,))
    assert asked.result.error is None
    schema = asked.requests[1]["tools"][0]["function"]["parameters"]
    assert "minimum" not in schema["properties"]["minimum"]
    assert schema["properties"]["minimum"]["type"] == "integer"
    assert schema["required"] == ["minimum"]
    assert TOOL.parameters["properties"]["minimum"]["minimum"] == 1


@pytest.mark.parametrize(
    ("status", "refusal"),
    [
        pytest.param(400, error("name: Extra inputs are not permitted"), id="opencode#2038"),
        pytest.param(400, error("messages.1.content: Field required"), id="a field that must be"),
        pytest.param(401, error("Incorrect API key provided", code="invalid_api_key"), id="key"),
        pytest.param(
            404, error("The model `m` does not exist", code="model_not_found"), id="model"
        ),
        pytest.param(400, error("Missing required parameter: 'messages'."), id="messages"),
        pytest.param(400, error("Something is wrong."), id="unknown"),
        pytest.param(
            400,
            error("This request was flagged.", code="content_policy_violation"),
            id="policy",
        ),
    ],
)
def test_a_refusal_without_a_remedy_is_not_repeated(status: int, refusal: dict[str, Any]) -> None:
    asked = Asked(refusal, status=status, temperature=0.5, tools=(TOOL,))
    assert asked.result.error is not None
    assert len(asked.requests) == 1


def test_a_server_that_refuses_everything_is_asked_a_bounded_number_of_times() -> None:
    """Each request differs from those before."""
    words = "Unsupported parameters: 'temperature', 'top_p', 'stream_options', 'metadata'"
    asked = Asked(error(words), temperature=0.5, top_p=0.5, metadata={"a": "b"})
    asked.fetch = FakeFetch(then=Reply(error(words), status=400))
    asked.client._endpoint.fetch = asked.fetch
    asked.client._endpoint.adjustments = Adjustments()
    result = asked.again()
    assert result.error is not None
    assert len(asked.requests) == 5
    assert len({json.dumps(request) for request in asked.requests}) == 5


def test_what_was_learnt_is_kept() -> None:
    learnt = Adjustments()
    words = "Extra inputs are not permitted, field: 'stream_options'"
    Asked(error(words), adjustments=learnt)
    kept = Adjustments()
    kept.restore(learnt.to_json())
    asked = Asked(error("never said"), adjustments=kept)
    assert "stream_options" not in asked.requests[0]
    elsewhere = Asked(error("no"), base_url="https://other.test/v1", adjustments=kept)
    assert "stream_options" in elsewhere.requests[0]
    for broken in ("", "[]", "{", '{"a": [["drop"]]}', '{"a": [["burn", "x", null, "model"]]}'):
        kept.restore(broken)


def test_a_request_that_is_too_large_goes_without_earlier_images() -> None:
    """can1357/oh-my-pi#271: every later message sent all the images again."""
    html = "<html><head><title>413 Request Entity Too Large</title></head></html>"
    other = IMAGE.replace("iVBO", "iVBP")
    items: list[ResponseItem] = [user("one", IMAGE), ANSWER, user("two", other)]
    second = check(Asked(html, status=413, items=items))
    assert IMAGE not in json.dumps(second)
    assert other in json.dumps(second)


def test_what_a_model_has_no_system_role_for_comes_first() -> None:
    """huggingface/chat-ui#1386, sgl-project/sglang#892: the template knows no system role."""
    asked = Asked(error("System role not supported"))
    asked.prompt = Prompt(input=[user("hi")], instructions="Be kind.")
    asked.fetch = FakeFetch(
        Reply(error("System role not supported"), status=400),
        then=Reply(ChatStream().text("Hi").finish().done()),
    )
    asked.client._endpoint.fetch = asked.fetch
    assert asked.again().error is None
    (message,) = asked.requests[1]["messages"]
    assert message == {"role": "user", "content": "Be kind.\n\nhi"}


def test_what_is_sent_again_after_a_break_names_no_stored_items() -> None:
    """openclaw/openclaw#88067: the ids of an answer that broke are not stored."""
    broken = ResponsesStream().created().reasoning("Hm.", encrypted_content="ENC")
    fetch = FakeFetch(
        Reply(broken.text("Hel", done=False).fail("reset")),
        Reply(ResponsesStream().created().text("Hello").completed()),
    )
    client = Client(
        provider=Provider(name="x", base_url="https://x.openai.azure.com/openai/v1"),
        auth=ApiKeyAuth("k"),
        fetch=fetch,
        model="gpt-5.2",
    )
    result = run(client.complete(Prompt.from_text("hi")))
    assert result.error is None
    again = json.loads(fetch.requests[1].body or b"{}")["input"]
    assert not any("id" in item for item in again)


def test_an_image_that_is_left_out_later_is_replaced_by_a_note() -> None:
    """cloudflare/cloudflare-os#97: the user must know what is left out of a new message."""
    learnt = Adjustments()
    refusal = error("this model does not support image input")
    Asked(refusal, items=[user("look", IMAGE)], adjustments=learnt)
    asked = Asked(refusal, items=[user("and this?", IMAGE)], adjustments=learnt)
    asked.fetch = FakeFetch(then=Reply(ChatStream().text("Hi").finish().done()))
    asked.client._endpoint.fetch = asked.fetch
    (notice,) = asked.again().notices
    assert "refused images" in notice
    assert IMAGE not in json.dumps(asked.requests)
    asked.prompt = Prompt(input=[user("look", IMAGE), ANSWER, user("in words?")])
    assert asked.again().notices == []


@pytest.mark.parametrize(
    ("words", "chosen"),
    [
        pytest.param(
            "invalid temperature: only 1 is allowed for this model",
            {"temperature": 0.2},
            id="Warma10032/VideoAdGuard#34",
        ),
        pytest.param(
            "invalid temperature: only 0.6 is allowed for this model",
            {"temperature": 1.0},
            id="arcsin1/oh-my-ppt#45",
        ),
        pytest.param(
            "Model grok-build-0.1 does not support parameter reasoningEffort.",
            {"effort": "high"},
            id="earendil-works/pi#8381",
        ),
    ],
)
def test_a_parameter_that_is_named_in_passing_is_left_out(
    words: str, chosen: dict[str, Any]
) -> None:
    """The name is not quoted, has no param, or is the server's own."""
    second = check(Asked(error(words), **chosen))
    assert not {"temperature", "reasoning_effort"} & set(second)


@pytest.mark.parametrize(
    ("words", "effort"),
    [
        pytest.param(
            "Reasoning is mandatory for this endpoint and cannot be disabled.",
            "none",
            id="earendil-works/pi#8454",
        ),
        pytest.param(
            "The following tools cannot be used with reasoning.effort 'minimal': web_search.",
            "minimal",
            id="openai/codex#3559",
        ),
        pytest.param(
            "Thinking level is not supported for this model.",
            "high",
            id="RooCodeInc/Roo-Code#10700",
        ),
    ],
)
def test_an_effort_that_a_model_cannot_have_is_left_out(words: str, effort: str) -> None:
    """The messages name no levels to choose from, and some not even the parameter."""
    second = check(Asked(error(words), effort=effort, tools=(TOOL,)))
    assert "reasoning_effort" not in second
    assert second["tools"]


@pytest.mark.parametrize(
    ("words", "asked", "largest"),
    [
        pytest.param(
            "<400> InternalError.Algo.InvalidParameter: Range of max_tokens should be [1, 8192]",
            20_000,
            8_192,
            id="open-webui/open-webui#10507",
        ),
        pytest.param(
            "field MaxTokens invalid, should be in [1, 65536]",
            100_000,
            65_536,
            id="agentscope-ai/QwenPaw#5065",
        ),
    ],
)
def test_a_range_in_brackets_gives_the_largest_limit(words: str, asked: int, largest: int) -> None:
    """The setting was larger than the model allows, and every message failed."""
    second = check(Asked(error(words, param="max_tokens"), max_output_tokens=asked))
    assert second["max_tokens"] == largest


def test_an_image_of_a_format_that_is_not_supported_is_left_out() -> None:
    """anthropics/claude-code#42399: the session could not be resumed."""
    words = "messages.0.content.0.image.source.base64.data: Image format image/png not supported"
    asked = Asked(error(words), items=[user("a", IMAGE), ANSWER, user("b")])
    assert (asked.result.error, asked.result.attempts) == (None, 2)
    assert "base64" not in json.dumps(asked.requests[1])


TWO_CALLS: list[ResponseItem] = [
    user("a"),
    FunctionCallItem(call_id="c1", name="read", arguments="{}"),
    FunctionCallItem(call_id="c2", name="read", arguments="{}"),
    FunctionCallOutputItem(call_id="c1", output="1"),
    FunctionCallOutputItem(call_id="c2", output="2"),
    ANSWER,
    user("b"),
]


@pytest.mark.parametrize("status", [400, 500])
def test_parallel_calls_come_one_by_one_for_a_template_that_knows_no_others(status: int) -> None:
    """openclaw/openclaw#37048: after parallel calls every request fails.

    "This model only supports single tool-calls at once!" is what the templates of Llama 3 raise.
    """
    words = "This model only supports single tool-calls at once!"
    second = check(Asked(error(words), status=status, items=TWO_CALLS, tools=(TOOL,)))
    order = [
        m.get("tool_call_id") or [c["id"] for c in m.get("tool_calls") or ()]
        for m in second["messages"]
    ]
    assert order == [[], ["c1"], "c1", ["c2"], "c2", [], []]


def test_messages_without_content_get_an_empty_one() -> None:
    """mistralai/mistral-common#324: `content: null` beside calls is refused."""
    words = "messages.1.content: Input should be a valid string"
    second = check(Asked(error(words), items=TWO_CALLS, tools=(TOOL,)))
    assert all(message["content"] is not None for message in second["messages"])


@pytest.mark.parametrize("part", ["arguments", "output"])
def test_a_text_that_is_too_long_does_not_close_the_conversation(part: str) -> None:
    """openai/codex#13270: any follow-up led to the same error, and so did the compaction."""
    words = (
        f"Invalid 'input[2].{part}': string too long. Expected a string with maximum length 1000, "
        "but got a string with length 5010 instead."
    )
    long = "x" * 5_000
    items: list[ResponseItem] = [
        user("a"),
        ANSWER,
        FunctionCallItem(call_id="c1", name="read", arguments=json.dumps({"text": long})),
        FunctionCallOutputItem(call_id="c1", output=long),
        user("b"),
    ]
    refusal = error(words, param=f"input[2].{part}", code="string_above_max_length")
    second = check(Asked(refusal, wire="responses", items=items, tools=(TOOL,)))
    call, output = (i for i in second["input"] if "call_id" in i)
    assert json.loads(call["arguments"]) == {}
    assert len(output["output"]) == 1_000


@pytest.mark.parametrize(
    ("words", "limit"),
    [
        pytest.param(
            "This model's maximum context length is 128000 tokens. However, you requested 65535 "
            "output tokens and your prompt contains at least 62466 input tokens, for a total of at "
            "least 128001 tokens. Please reduce the length of the input prompt or the number of "
            "requested output tokens.",
            65_535,
            id="vllm-project/vllm#42474",
        ),
        pytest.param(
            "This model's maximum context length is 6048 tokens. However, you requested 6616 "
            "tokens (568 in the messages, 6048 in the completion). Please reduce the length of the "
            "messages or completion.",
            6_048,
            id="ogx-ai/ogx#4534",
        ),
    ],
)
def test_a_limit_that_leaves_no_room_for_the_prompt_is_not_sent(words: str, limit: int) -> None:
    """The prompt fits by itself, but not together with the chosen limit."""
    asked = Asked(error(words), max_output_tokens=limit)
    assert (asked.result.error, asked.result.attempts) == (None, 2)
    assert "max_tokens" not in asked.requests[1]
