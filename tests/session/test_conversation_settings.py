"""Settings of a conversation: their limits, and how damaged ones are read."""

from __future__ import annotations

from typing import Any

import pytest
from pydantic import ValidationError

from sidestream.session.conversation import Conversation, ConversationSettings


@pytest.mark.parametrize(
    ("bad", "value"),
    [
        *[("temperature", value) for value in (9.0, -1, "hot", float("nan"))],
        *[("top_p", 1.5), ("max_output_tokens", 0), ("summary", "long"), ("tools", 5)],
        ("effort", ["high"]),
    ],
)
def test_a_setting_that_cannot_be_read_does_not_lose_the_others(bad: str, value: Any) -> None:
    good = {"instructions": "Be brief.", "model": "m-2", "temperature": 0.5, "summary": "concise"}
    data = {"id": "c", "created_at": 0, "turns": [], "settings": {**good, bad: value}}
    settings = Conversation.restore(data)[0].settings
    kept = settings.model_dump(exclude_none=True)
    assert kept == {name: good[name] for name in good if name != bad}


def test_settings_out_of_range_are_refused() -> None:
    for wrong in ({"temperature": 9.0}, {"top_p": -0.1}, {"max_output_tokens": 0}):
        with pytest.raises(ValidationError):
            ConversationSettings.model_validate(wrong)
    right = {"temperature": 0.0, "top_p": 1.0, "max_output_tokens": 1, "summary": "off"}
    assert ConversationSettings.model_validate(right).temperature == 0.0
