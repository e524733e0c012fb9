"""Usage in whatever shape a server reports it."""

from __future__ import annotations

from typing import Any

import pytest

from sidestream.types.usage import TokenUsage


@pytest.mark.parametrize(
    ("raw", "usage"),
    [
        (None, None),
        ({}, None),
        ([1], None),
        ({"input_tokens": None}, None),
        ({"input_tokens": True, "output_tokens": "many"}, None),
        ({"input_tokens": 1.0, "output_tokens": "2"}, (1, 0, 0, 2, 0, 3)),
        ({"input_tokens": -1, "output_tokens": 2}, (0, 0, 0, 2, 0, 2)),
        ({"total_tokens": 9}, (0, 0, 0, 0, 0, 9)),
        ({"input_tokens": 1, "input_tokens_details": None}, (1, 0, 0, 0, 0, 1)),
        (
            {"input_tokens": 1, "input_tokens_details": 7, "output_tokens_details": []},
            (1, 0, 0, 0, 0, 1),
        ),
        (
            {
                "input_tokens": 10,
                "input_tokens_details": {"cached_tokens": 4.0, "cache_write_tokens": 3},
                "output_tokens": 5,
                "output_tokens_details": {"reasoning_tokens": 2},
                "total_tokens": 15,
            },
            (10, 4, 3, 5, 2, 15),
        ),
        (
            {
                "prompt_tokens": 10,
                "prompt_cache_hit_tokens": 4,
                "cache_creation_input_tokens": 3,
                "completion_tokens": 5,
                "reasoning_tokens": 2,
            },
            (10, 4, 3, 5, 2, 15),
        ),
    ],
)
def test_usage_of_any_shape(raw: Any, usage: tuple[int, ...] | None, play: Any) -> None:
    frame = {"type": "response.completed", "response": {"usage": raw}}
    used = play("responses", [frame]).usage
    assert used == (
        None
        if usage is None
        else TokenUsage(**dict(zip(TokenUsage.model_fields, usage, strict=True)))
    )


def test_usage_that_is_not_finite(play: Any) -> None:
    frame = (
        '{"type":"response.completed","response":{"usage":{"input_tokens":NaN,"total_tokens":7}}}'
    )
    assert play("responses", [frame]).usage == TokenUsage(total_tokens=7)
