from __future__ import annotations

from typing import Any

from sidestream.session.meter import Meter, measure
from sidestream.session.turn import Turn, TurnStatus
from sidestream.session.usage import estimate_tokens
from sidestream.types.items import InputText, MessageItem, OutputText
from sidestream.types.usage import TokenUsage


def usage(total: int, **fields: int) -> TokenUsage:
    return TokenUsage(total_tokens=total, **fields)


def turn(used: TokenUsage | None = None, **fields: Any) -> Turn:
    made = Turn(id="t", user="Why?", created_at=0, status=TurnStatus.COMPLETED, usage=used)
    return made.model_copy(update=fields)


def question(text: str) -> int:
    return estimate_tokens(MessageItem(role="user", content=[InputText(text=text)]))


def measured(*path: Turn, **figures: int) -> Meter:
    made = measure(path, path, **figures)
    assert made is not None
    return made


def test_the_usage_is_that_of_all_branches_and_the_window_that_of_one() -> None:
    first = turn(usage(100, input_tokens=60, cached_input_tokens=20, output_tokens=40))
    here, elsewhere = turn(usage(300, output_tokens=10)), turn(usage(5000, output_tokens=7))
    made = measure([first, elsewhere, here], [first, here], context_window=1000, compact_at=900)
    assert made is not None
    assert made.usage == usage(5400, input_tokens=60, cached_input_tokens=20, output_tokens=57)
    assert made.last == here.usage
    assert made.view() == {
        "usage": made.usage.model_dump(),
        "last": usage(300, output_tokens=10).model_dump(),
        "context_used": 300,
        "context_window": 1000,
        "compact_at": 900,
    }


def test_unknown_figures_are_absent() -> None:
    assert measure([], []) is None
    assert measure([turn()], [turn()], context_window=1000) is None
    assert measure([turn(usage(0))], [turn(usage(0))]) is None
    known = turn(usage(100))
    unknown = measured(known, turn(usage(0)))
    assert (unknown.last, unknown.context_used) == (usage(100), 100 + question("Why?"))
    assert measured(known).view().keys() == {"usage", "last", "context_used"}
    # Only another branch has usage.
    made = measure([known, turn()], [turn()])
    assert made is not None
    assert made.view().keys() == {"usage"}


def test_items_after_the_last_usage_are_estimated() -> None:
    half = MessageItem(role="assistant", content=[OutputText(text="Because " * 50)])
    cut_off = turn(user="More " * 50, status=TurnStatus.STOPPED, items=[half])
    made = measured(turn(usage(100)), cut_off)
    assert made.context_used == 100 + question(cut_off.user) + estimate_tokens(half)
    assert made.last == usage(100)
    # The next answer brings the exact figure. Queued messages do not count yet.
    waiting = turn(user="Later", status=TurnStatus.QUEUED)
    assert measured(turn(usage(100)), cut_off, turn(usage(400)), waiting).context_used == 400


def test_the_first_usage_includes_what_precedes_it() -> None:
    assert measured(turn(), turn(usage(100))).context_used == 100


def test_after_a_compaction_only_the_summary_is_left() -> None:
    summary = turn(
        usage(5100, output_tokens=90, reasoning_output_tokens=40), user="", kind="compaction"
    )
    made = measured(turn(usage(5000)), summary)
    assert made.context_used == 50
    assert made.usage.total_tokens == 10_100
    assert made.last == usage(5000)
    assert measured(turn(usage(5000)), summary, turn(usage(300))).context_used == 300
    # A truncated compaction has changed nothing.
    cut_off = summary.model_copy(update={"status": TurnStatus.STOPPED})
    assert measured(turn(usage(5000)), cut_off).context_used == 5000


def test_a_summary_of_unknown_size_is_estimated() -> None:
    text = MessageItem(role="assistant", content=[OutputText(text="In short " * 20)])
    unknown = turn(user="", kind="compaction", items=[text])
    assert measured(turn(usage(5000)), unknown).context_used == question("") + estimate_tokens(text)
    assert measure([unknown], [unknown]) is None
