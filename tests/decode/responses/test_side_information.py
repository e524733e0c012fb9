"""Responses API: the response id, the model that answers, safety checks."""

from __future__ import annotations

import json
from typing import Any

import pytest

from sidestream.decode import decoder_for
from sidestream.types import events as ev
from tests.decode.responses.frames import DONE, R


def test_created_once(play: Any) -> None:
    response = {"response": {"id": "resp_1"}}
    frames = [{"type": R + kind, **response} for kind in ("queued", "created", "in_progress")]
    outcome = play("responses", [*frames, DONE])
    assert outcome.of(ev.Created) == [ev.Created(response_id="resp_1")]
    assert play("responses", [{"type": "response.created"}]).of(ev.Created) == [ev.Created()]


@pytest.mark.parametrize(
    ("frame", "models"),
    [
        ({"headers": {"OpenAI-Model": "a"}}, ["a"]),
        ({"headers": {"x-openai-model": ["a", "b"]}}, ["a"]),
        ({"response": {"headers": {"openai-model": "a"}}, "headers": {"openai-model": "b"}}, ["a"]),
        ({"response": {"headers": {"x": "y"}}, "headers": {"openai-model": "b"}}, ["b"]),
        ({"headers": {"openai-model": []}}, []),
        ({"headers": {"openai-model": 7}}, []),
        ({"headers": "openai-model", "response": {"headers": 7}}, []),
    ],
)
def test_server_model(frame: dict[str, Any], models: list[str], play: Any) -> None:
    frame = {"type": "response.in_progress", **frame}
    outcome = play("responses", [frame, frame, DONE])
    assert [event.model for event in outcome.of(ev.ServerModel)] == models


def test_server_model_that_changes(play: Any) -> None:
    frames = [{"type": "response.metadata", "headers": {"openai-model": m}} for m in "aab"]
    outcome = play("responses", [*frames, DONE])
    assert [event.model for event in outcome.of(ev.ServerModel)] == ["a", "b"]


@pytest.mark.parametrize(
    ("buffering", "faster"),
    [
        ({"use_cases": ["u"], "reasons": ["r"]}, ["default"]),
        ({"use_cases": ["u", 7], "reasons": ["r"], "retry_model": "m"}, ["m"]),
        ({"use_cases": ["u"], "reasons": ["r"], "retry_model": None}, [None]),
        ({"use_cases": "u", "reasons": ["r"]}, []),
        ({"use_cases": ["u"]}, []),
        ("yes", []),
    ],
)
def test_safety_buffering(buffering: Any, faster: list[str | None]) -> None:
    decoder = decoder_for("responses", faster_model="default")
    frame = json.dumps({"type": "response.in_progress", "safety_buffering": buffering})
    events = [*decoder.feed(frame), *decoder.feed(frame)]
    made = [event for event in events if isinstance(event, ev.SafetyBuffering)]
    assert made == [
        ev.SafetyBuffering(use_cases=["u"], reasons=["r"], faster_model=name) for name in faster
    ]


@pytest.mark.parametrize(
    ("advised", "known"),
    [
        (["trusted_access_for_cyber", "trusted_access_for_cyber"], ["trusted_access_for_cyber"]),
        (["new", 7], None),
        ("trusted_access_for_cyber", None),
        ([], None),
    ],
)
def test_model_verifications(advised: Any, known: list[str] | None, play: Any) -> None:
    metadata = {"openai_verification_recommendation": advised}
    outcome = play("responses", [{"type": "response.metadata", "metadata": metadata}, DONE])
    made = [event.verifications for event in outcome.of(ev.ModelVerifications)]
    assert made == ([known] if known else [])
