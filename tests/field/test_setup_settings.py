"""Public reports about settings and their effect, with the inputs rebuilt."""

from __future__ import annotations

import json
from typing import Any

import pytest

from sidestream.errors import ErrorKind, SidestreamError
from sidestream.prompt import Prompt
from sidestream.session.connection import connect
from sidestream.session.connection_check import list_models
from sidestream.session.conversation import ConversationSettings
from sidestream.session.known_models import KnownModels
from sidestream.testing import ChatStream, FakeFetch, Reply, ResponsesStream, run

ORIGIN = "https://api.example.test"


def data(**settings: Any) -> dict[str, Any]:
    usual = {"name": "X", "base_url": f"{ORIGIN}/v1", "wire_api": "chat", "model": "m"}
    return {"settings": {**usual, **settings}}


def sent(own: ConversationSettings | None = None, **settings: Any) -> dict[str, Any]:
    """Send a message and return the request."""
    chat = settings.get("wire_api", "chat") == "chat"
    stream = ChatStream().text("OK").finish().done() if chat else None
    reply = Reply(stream or ResponsesStream().created().text("OK").completed())
    fetch = FakeFetch(then=reply)
    connection = connect(data(**settings), fetch, own=own)
    result = run(connection.client.complete(Prompt.from_text("hi"), connection.options))
    assert result.error is None
    request: dict[str, Any] = json.loads(fetch.requests[-1].body or b"{}")
    return request


@pytest.mark.parametrize("wire_api", ["chat", "responses"])
@pytest.mark.parametrize("model", ["m", "gpt-5.1", "o4-mini", "gpt-4.1", "qwen3-8b"])
def test_settings_that_the_user_did_not_choose_are_not_sent(wire_api: str, model: str) -> None:
    """quelmap-inc/quelmap#4, microsoft/vscode#255504 and #253673, QwenLM/qwen-code#921."""
    request = sent(wire_api=wire_api, model=model)
    for name in ("temperature", "top_p", "max_tokens", "max_output_tokens", "reasoning_effort"):
        assert name not in request
    assert "effort" not in (request.get("reasoning") or {})


@pytest.mark.parametrize("wire_api", ["chat", "responses"])
def test_a_temperature_of_0_is_sent(wire_api: str) -> None:
    """langflow-ai/langflow#3465, Zoo-Code-Org/Zoo-Code#247: 0 is not "unset"."""
    assert sent(wire_api=wire_api, temperature=0)["temperature"] == 0


@pytest.mark.parametrize("temperature", [0.3, 1, 2])
def test_a_custom_server_is_sent_the_temperature(temperature: float) -> None:
    """anomalyco/opencode#5037 and #25755: set, and never in the request."""
    assert sent(model="qwen3-moe-thinking", temperature=temperature)["temperature"] == temperature


@pytest.mark.parametrize("model", ["gpt-5", "gpt-5.1", "o3"])
@pytest.mark.parametrize("own", [None, ConversationSettings(summary="off")])
def test_a_summary_that_is_off_is_not_asked_for(
    model: str, own: ConversationSettings | None
) -> None:
    """home-assistant/core#167491, enricoros/big-AGI#932, openclaw/openclaw#34651."""
    summary = "off" if own is None else "detailed"
    request = sent(own=own, wire_api="responses", model=model, effort="low", summary=summary)
    assert "summary" not in request["reasoning"]


@pytest.mark.parametrize("model", ["gpt-5", "gpt-5.1", "o3"])
def test_a_summary_is_not_asked_for_by_itself(model: str) -> None:
    """continuedev/continue#12047, CodeForPhilly/balancer-main#386: hard-coded "auto"."""
    assert "summary" not in (sent(wire_api="responses", model=model).get("reasoning") or {})


@pytest.mark.parametrize("summary", ["auto", "concise", "detailed"])
def test_a_summary_that_is_chosen_is_asked_for(summary: str) -> None:
    """CherryHQ/cherry-studio#6172: the user decides."""
    request = sent(wire_api="responses", model="gpt-5.1", summary=summary)
    assert request["reasoning"]["summary"] == summary


@pytest.mark.parametrize(
    ("entry", "window"),
    [
        ({"max_model_len": 32_768}, 32_768),
        ({"context_length": 128_000, "max_context_length": 4096}, 128_000),
        ({"meta": {"n_ctx": 4096, "n_ctx_train": 262_144}}, 4096),
        ({"context_window": "65536"}, 65_536),
        ({"context_length": 0}, None),
        ({"context_length": -1}, None),
        ({"max_model_len": True}, None),
        ({"max_context": 524_288}, 524_288),
        (
            {
                "capabilities": {
                    "limits": {"max_context_window_tokens": 400_000, "max_prompt_tokens": 272_000}
                }
            },
            400_000,
        ),
    ],
)
def test_the_window_of_the_model_list_is_used(entry: dict[str, Any], window: int | None) -> None:
    """osaurus-ai/osaurus#2304 (vLLM), iii-hq/workers#550 (Unsloth Studio), 1jehuang/jcode#447
    (llama-server), NousResearch/hermes-agent#81442 (ArliAI) and #29146 (Copilot).
    """
    known = KnownModels()
    listing = Reply({"object": "list", "data": [{"id": "m", **entry}]})
    run(list_models(data(), FakeFetch(listing), models=known))
    assert connect(data(), FakeFetch(), models=known).compaction.context_window == window


def test_one_model_has_another_window_at_each_provider() -> None:
    """NousResearch/hermes-agent#2158, atomantic/PortOS#1507."""
    known = KnownModels()
    for origin, window in (("https://a.test", 1_000_000), ("https://b.test", 128_000)):
        listing = Reply({"data": [{"id": "opus", "context_length": window}]})
        settings = data(base_url=f"{origin}/v1", model="opus")
        run(list_models(settings, FakeFetch(listing), models=known))
    windows = [
        connect(data(base_url=f"{origin}/v1", model="opus"), FakeFetch(), models=known)
        for origin in ("https://a.test", "https://b.test")
    ]
    assert [each.compaction.context_window for each in windows] == [1_000_000, 128_000]


def test_a_window_that_the_user_has_set_is_not_overruled() -> None:
    """BaseIntelligence/bounty-challenge#8838: set, and never read."""
    known = KnownModels()
    listing = Reply({"data": [{"id": "m", "max_model_len": 131_072}]})
    run(list_models(data(), FakeFetch(listing), models=known))
    connection = connect(data(context_window=8192), FakeFetch(), models=known)
    assert connection.compaction.context_window == 8192


@pytest.mark.parametrize(
    "wrong",
    [
        *({"temperature": 9.0}, {"temperature": -1}, {"top_p": 1.1}, {"max_output_tokens": -5}),
        *({"requests_per_minute": 0}, {"max_waiting": 0}),
    ],
)
def test_a_number_out_of_its_range_is_refused_before_anything_is_sent(
    wrong: dict[str, Any],
) -> None:
    """instructlab/instructlab#3044, optiqor/kerno#129: out of range, and accepted."""
    with pytest.raises(SidestreamError) as caught:
        connect(data(**wrong), FakeFetch())
    assert caught.value.kind is ErrorKind.CONFIGURATION


def test_retries_of_0_are_none() -> None:
    """optiqor/kerno#129: the bounds of a setting count, 0 among them."""
    provider = connect(
        data(request_max_retries=0, stream_max_retries=0), FakeFetch()
    ).client.provider
    assert (provider.request_max_retries, provider.stream_max_retries) == (0, 0)
