from __future__ import annotations

from decimal import ROUND_HALF_UP, Decimal

import pytest
from hypothesis import given
from hypothesis import strategies as st

from sidestream.session.usage import (
    MAX_RECORDS,
    TokenUsageTracker,
    UsageRecord,
    estimate_tokens,
)
from sidestream.types.items import response_item
from sidestream.types.usage import BASELINE_TOKENS, TokenUsage, TokenUsageInfo

NOON = 1_800_014_400.0  # 2027-01-15 12:00 UTC


def used(total: int, **fields: int) -> TokenUsage:
    return TokenUsage(total_tokens=total, **fields)


usages = st.builds(
    TokenUsage, *[], **{name: st.integers(0, 10**7) for name in TokenUsage.model_fields}
)


# --- the usage of one call ---------------------------------------------------------------------


def test_the_parts_of_a_usage() -> None:
    usage = TokenUsage(
        input_tokens=1500,
        cached_input_tokens=500,
        output_tokens=200,
        reasoning_output_tokens=50,
        total_tokens=1700,
    )
    assert not usage.is_zero
    assert usage.cached_input == 500
    assert usage.non_cached_input == 1000
    assert usage.blended_total == 1200
    assert usage.tokens_in_context_window == 1700
    assert usage.cached_share == pytest.approx(1 / 3)
    assert usage.reasoning_share == 0.25
    assert str(usage) == (
        "Token usage: total=1,200 input=1,000 (+ 500 cached) output=200 (reasoning 50)"
    )


def test_an_empty_usage() -> None:
    assert TokenUsage().is_zero
    assert TokenUsage().cached_share == TokenUsage().reasoning_share == 0.0
    assert str(TokenUsage()) == "Token usage: total=0 input=0 output=0"


def test_odd_figures_do_no_harm() -> None:
    odd = TokenUsage(input_tokens=10, cached_input_tokens=-5, output_tokens=-7)
    assert (odd.cached_input, odd.non_cached_input, odd.blended_total) == (0, 10, 10)
    assert TokenUsage(input_tokens=5, cached_input_tokens=9).non_cached_input == 0
    assert TokenUsage(input_tokens=5, cached_input_tokens=9).cached_share == 1.0


@pytest.mark.parametrize(
    ("total", "window", "percent"),
    [
        (0, 272_000, 100),
        (12_000, 272_000, 100),
        (142_000, 272_000, 50),
        (272_000, 272_000, 0),
        (999_000, 272_000, 0),
        (0, 12_000, 0),
        (0, 0, 0),
        (12_199, 12_200, 1),  # 0.5 is rounded up ...
        (12_195, 12_200, 3),  # ... and so is 2.5, where round() gives 2
        (12_197, 12_200, 2),
        (-5, 20_000, 100),
    ],
)
def test_the_percentage_of_the_window_that_remains(total: int, window: int, percent: int) -> None:
    assert used(total).percent_of_context_window_remaining(window) == percent


@given(total=st.integers(-(10**6), 10**7), window=st.integers(0, 10**7))
def test_any_percentage_is_rounded_half_up(total: int, window: int) -> None:
    percent = used(total).percent_of_context_window_remaining(window)
    assert 0 <= percent <= 100
    usable = window - BASELINE_TOKENS
    if usable > 0:
        left = max(usable - max(total - BASELINE_TOKENS, 0), 0)
        exact = Decimal(100 * left) / Decimal(usable)
        assert percent == int(exact.quantize(Decimal(1), ROUND_HALF_UP))


@given(a=usages, b=usages, c=usages)
def test_usages_add_up(a: TokenUsage, b: TokenUsage, c: TokenUsage) -> None:
    assert a + b == b + a
    assert (a + b) + c == a + (b + c)
    assert a + TokenUsage() == a
    assert (a + b).total_tokens == a.total_tokens + b.total_tokens


# --- the usage of a session --------------------------------------------------------------------


def test_new_or_append() -> None:
    assert TokenUsageInfo.new_or_append(None, None) is None
    one = TokenUsageInfo.new_or_append(None, used(5), 100)
    assert one == TokenUsageInfo(
        total_token_usage=used(5), last_token_usage=used(5), model_context_window=100
    )
    two = TokenUsageInfo.new_or_append(one, used(7))
    assert two == TokenUsageInfo(
        total_token_usage=used(12), last_token_usage=used(7), model_context_window=100
    )
    assert TokenUsageInfo.new_or_append(two, None, 200) == two.model_copy(
        update={"model_context_window": 200}
    )


def test_fill_to_context_window() -> None:
    info = TokenUsageInfo(total_token_usage=used(30), last_token_usage=used(20))
    assert info.fill_to_context_window(100) == TokenUsageInfo(
        total_token_usage=used(100), last_token_usage=used(70), model_context_window=100
    )
    assert info.fill_to_context_window(10).last_token_usage == used(0)


def tracker() -> TokenUsageTracker:
    made = TokenUsageTracker(context_window=258_400, auto_compact_token_limit=200_000)
    made.update(used(100), "t1", NOON - 3600)
    made.update(used(200), "t2", NOON - 60)
    made.update(used(300), "t2", NOON)
    return made


def test_totals_and_the_last_call() -> None:
    made = tracker()
    assert made.total_usage == used(600)
    assert made.last_usage == used(300)
    assert made.context_window == 258_400
    made.update(None, "t3", NOON)
    assert made.last_usage == used(300)
    assert len(made.records) == 3


def test_history_by_time_and_turn() -> None:
    made = tracker()

    def totals(records: list[UsageRecord]) -> list[int]:
        return [record.usage.total_tokens for record in records]

    assert totals(made.between(NOON - 3600, NOON)) == [100, 200]
    assert totals(made.between(NOON, NOON)) == []
    assert totals(made.last_minutes(1, NOON)) == [200, 300]
    assert totals(made.last_minutes(5, NOON - 30)) == [200]
    assert totals(made.last_turns(1)) == [200, 300]
    assert totals(made.last_turns(9)) == [100, 200, 300]
    assert made.last_turns(0) == made.last_turns(-1) == []
    assert TokenUsage.sum(record.usage for record in made.records) == made.total_usage


def test_history_by_day() -> None:
    made = TokenUsageTracker()
    made.update(used(1), "a", NOON - 12 * 3600)
    made.update(used(2), "b", NOON)
    made.update(used(4), "c", NOON + 11.9 * 3600)
    assert made.by_day() == {"2027-01-15": used(7)}
    assert made.by_day(utc_offset_s=-3600) == {"2027-01-14": used(1), "2027-01-15": used(6)}
    assert made.by_day(utc_offset_s=3600) == {"2027-01-15": used(3), "2027-01-16": used(4)}


def test_the_history_is_bounded_but_the_totals_are_not() -> None:
    records = [UsageRecord(usage=used(1), turn_id="t", at=float(i)) for i in range(MAX_RECORDS)]
    made = TokenUsageTracker.from_json(
        '{"info": {"total_token_usage": {"total_tokens": 50000}}, "records": ['
        + ",".join(record.to_json() for record in records)
        + "]}"
    )
    made.update(used(2), "t", NOON)
    assert len(made.records) == MAX_RECORDS
    assert made.records[0].at == 1.0
    assert made.total_usage == used(50_002)


@pytest.mark.parametrize(
    ("window", "limit", "total", "due"),
    [
        (258_400, 200_000, 199_999, False),
        (258_400, 200_000, 200_000, True),
        (100_000, 200_000, 100_000, True),
        (None, 200_000, 200_000, True),
        (258_400, None, 258_399, False),
        (258_400, None, 258_400, True),
        (None, None, 10**9, False),
    ],
)
def test_when_compaction_is_due(
    window: int | None, limit: int | None, total: int, due: bool
) -> None:
    made = TokenUsageTracker(context_window=window, auto_compact_token_limit=limit)
    made.update(used(total), "t", NOON)
    assert made.compaction_due() is due


def test_items_that_no_call_has_counted_are_estimated() -> None:
    made = TokenUsageTracker(auto_compact_token_limit=400)
    made.update(used(300), "t", NOON)
    message = response_item.validate_python(
        {"type": "message", "role": "user", "content": "x" * 400}
    )
    assert made.active_tokens() == 300
    assert 400 < made.active_tokens([message]) < 430
    assert made.compaction_due([message])
    assert not made.compaction_due()


def test_estimates() -> None:
    def estimate(type_: str, **fields: object) -> int:
        return estimate_tokens(response_item.validate_python({"type": type_, **fields}))

    image = {"type": "input_image", "image_url": "data:image/png;base64," + "A" * 100_000}
    assert 1843 < estimate("message", role="user", content=[image]) < 1900
    assert 1843 < estimate("function_call_output", call_id="c", output=[image]) < 1900
    assert 1843 < estimate("image_generation_call", result="A" * 100_000) < 1900
    outputs = [{"type": "image", "url": "A" * 100_000}, {"type": "logs", "logs": "1"}]
    assert 1843 < estimate("code_interpreter_call", outputs=outputs) < 1900
    assert estimate("reasoning", encrypted_content="g" * 4000) == (3000 - 650 + 3) // 4
    assert estimate("reasoning", encrypted_content="g") == 0
    assert estimate("reasoning", content=[{"text": "x" * 400}]) > 100
    assert estimate("function_call_output", call_id="c", output="x" * 400) > 100


def test_how_full_the_window_is() -> None:
    made = TokenUsageTracker()
    assert made.context_percent_remaining() is None
    made.mark_context_full()
    assert made.total_usage.is_zero
    made.configure(context_window=112_000, auto_compact_token_limit=90_000)
    made.update(used(62_000), "t", NOON)
    assert made.context_percent_remaining() == 50
    made.mark_context_full()
    assert made.context_percent_remaining() == 0
    assert made.total_usage == used(62_000)
    assert made.compaction_due()


def test_a_reset_keeps_the_window() -> None:
    made = tracker()
    made.reset()
    assert made.records == []
    assert made.total_usage == made.last_usage == TokenUsage()
    assert made.context_window == 258_400


def test_a_summary() -> None:
    made = tracker()
    assert made.summary() == {
        "text": "Token usage: total=0 input=0 output=0",
        "total": used(600).model_dump(),
        "last": used(300).model_dump(),
        "cached_share": 0.0,
        "reasoning_share": 0.0,
        "calls": 3,
        "turns": 2,
        "context_window": 258_400,
        "context_percent_remaining": 100,
        "compaction_due": False,
    }


calls = st.lists(st.tuples(usages, st.sampled_from(["a", "b", "ü"]), st.floats(0, 4e9)), max_size=8)


@given(calls=calls, window=st.none() | st.integers(1, 10**7))
def test_a_session_survives_json(
    calls: list[tuple[TokenUsage, str, float]], window: int | None
) -> None:
    made = TokenUsageTracker(context_window=window, auto_compact_token_limit=window)
    for usage, turn_id, at in calls:
        made.update(usage, turn_id, at)
    again = TokenUsageTracker.from_json(made.to_json())
    assert again.summary() == made.summary()
    assert again.records == made.records
    assert again.to_json() == made.to_json()
    assert TokenUsage.sum(record.usage for record in made.records) == made.total_usage


@pytest.mark.parametrize("text", [None, "", "{", "[]", '{"records": 3}'])
def test_what_cannot_be_read_is_an_empty_session(text: str | None) -> None:
    assert TokenUsageTracker.from_json(text).to_json() == TokenUsageTracker().to_json()
