"""What providers report of their models is kept."""

from __future__ import annotations

import json

import pytest

from sidestream.model_list import parse_model_list
from sidestream.session.connection import connect
from sidestream.session.connection_check import list_models
from sidestream.session.known_models import KnownModels
from sidestream.testing import FakeFetch, Reply, run
from tests.session.connections import data


def test_what_the_list_reports_of_a_model_is_used_from_then_on() -> None:
    known = KnownModels()
    listing = Reply({"data": [{"id": "m-1", "max_model_len": 4096}, {"id": "m-2"}]})
    run(list_models(data(), FakeFetch(listing), models=known))
    kept = KnownModels()
    kept.restore(known.to_json())
    compaction = connect(data(), FakeFetch(), models=kept).compaction
    assert (compaction.context_window, compaction.compact_at) == (4096, 3686)
    assert not compaction.by_user
    assert connect(data(model="m-2"), FakeFetch(), models=kept).compaction.context_window is None
    elsewhere = data(base_url="https://b.test/v1")
    assert connect(elsewhere, FakeFetch(), models=kept).compaction.context_window is None
    # The setting of the user wins.
    mine = connect(data(context_window=2048), FakeFetch(), models=kept)
    assert mine.compaction.context_window == 2048
    assert mine.compaction.by_user


def test_only_what_the_table_does_not_know_is_kept() -> None:
    known = KnownModels()
    listed = parse_model_list(b'{"data": [{"id": "gpt-5.1", "name": "GPT-5.1"}, {"id": "m"}]}')
    assert not known.learn("https://a.test", listed)
    assert known.to_json() == "[]"


def test_what_is_kept_is_bounded_and_the_newest_stays() -> None:
    known = KnownModels()
    for origin in ("https://old.test", "https://new.test"):
        entries = [{"id": f"model-{i}", "context_length": 4096} for i in range(2500)]
        known.learn(origin, parse_model_list(json.dumps({"data": entries}).encode()))
    text = known.to_json()
    assert len(text) <= 200_000
    restored = KnownModels()
    restored.restore(text)
    assert restored.info("https://new.test", "model-2499").context_window == 4096
    assert not restored.has("https://old.test", "model-2499")


@pytest.mark.parametrize("text", ["", "{", "null", "[1]", '[["a", "b", {"context_window": "x"}]]'])
def test_what_cannot_be_read_is_left_out(text: str) -> None:
    known = KnownModels()
    known.restore(text)
    assert known.info("a", "b").context_window is None
    assert known.to_json() == "[]"
