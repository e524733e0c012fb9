"""The catalogue of texts: what a text is, and that the catalogue and the code agree."""

from __future__ import annotations

import ast
import copy
import json
import pickle
import re
from pathlib import Path

import pytest

from sidestream.errors import ErrorKind, SidestreamError, without_secrets
from sidestream.texts import CATALOGUE, Duration, Moment, Text, placeholders, text, view_of, without

SOURCES = Path(__file__).parent.parent / "pysrc" / "sidestream"
PLURAL = re.compile(r"_(?:one|other)$")
KEY = "sk-proj-abcdefgh12345678"


def test_a_text_is_its_english_sentence() -> None:
    made = text("error_no_local_server", host="localhost:11434")
    assert made == "Nothing answers at localhost:11434."
    assert json.dumps([made]) == '["Nothing answers at localhost:11434."]'


def test_a_text_remembers_its_key_and_parameters() -> None:
    made = text("error_no_local_server", host="a.test")
    assert made.view() == {"key": "error_no_local_server", "parameters": {"host": "a.test"}}
    assert view_of("The server's own words.") is None


def test_a_message_that_depends_on_a_number_has_a_form_for_each() -> None:
    assert text("error_never_finished", count=1).endswith("1 minute.")
    assert text("error_never_finished", count=1200).endswith("1,200 minutes.")
    view = text("error_never_finished", count=1).view()
    assert view == {"key": "error_never_finished", "parameters": {"count": 1}}


def test_texts_spans_and_moments_within_a_text_can_be_translated_too() -> None:
    inner = text("hint_try_in", duration=Duration("6 min", 360_000), time=Moment("3:05 PM", 7))
    assert inner == "Try again in 6 min, at 3:05 PM."
    view = text("error_server_says", message=inner, said="Wait.").view()
    assert view["parameters"] == {
        "message": {
            "key": "hint_try_in",
            "parameters": {"duration": {"ms": 360_000}, "time": {"at": 7}},
        },
        "said": "Wait.",
    }


def test_a_copy_of_a_text_is_one() -> None:
    made = text("error_no_local_server", host="a.test")
    for again in (copy.deepcopy(made), pickle.loads(pickle.dumps(made))):
        assert isinstance(again, Text)
        assert (again, again.view()) == (made, made.view())


def test_a_value_is_written_as_it_is_even_if_it_looks_like_a_placeholder() -> None:
    assert text("error_no_local_server", host="{host} $1") == "Nothing answers at {host} $1."


def test_errors_give_key_and_parameters_beside_the_sentence() -> None:
    error = SidestreamError(
        ErrorKind.NETWORK, text("error_no_local_server", host="a"), hint="Server's hint."
    )
    assert error.to_dict() == {
        "kind": "network",
        "message": "Nothing answers at a.",
        "message_text": {"key": "error_no_local_server", "parameters": {"host": "a"}},
        "hint": "Server's hint.",
        "retryable": False,
    }


def test_the_summary_of_an_error_holds_what_the_server_says() -> None:
    error = SidestreamError(
        ErrorKind.RATE_LIMITED, text("error_rate_limited"), server_message="Slow down."
    )
    assert str(error) == "You've reached the provider's rate limit. The server says: Slow down."
    assert view_of(error.summary) is not None


@pytest.mark.parametrize("nested", [False, True])
def test_secrets_are_cut_out_of_parameters(nested: bool) -> None:
    message = text("error_unreachable", reason=f"bad key {KEY}")
    if nested:
        message = text("error_server_says", message=message, said=f"I know {KEY}")
    error = without_secrets(SidestreamError(ErrorKind.NETWORK, message, hint=message), [KEY])
    assert KEY not in json.dumps(error.to_dict())
    assert isinstance(error.message, Text)
    assert "bad key ***" in error.message


def test_a_secret_that_only_the_whole_sentence_shows_costs_the_key() -> None:
    made = text("error_server_says", message="one", said="two")
    cut = without(made, lambda sentence: sentence.replace("one The", "***"))
    assert cut == "*** server says: two"
    assert view_of(cut) is None


# --- the catalogue and the code -------------------------------------------------------------------


def strings() -> set[str]:
    """Every string of the package that may be a key."""
    found = set()
    for path in SOURCES.rglob("*.py"):
        if path.name == "texts.py" and path.parent == SOURCES:
            continue
        for node in ast.walk(ast.parse(path.read_text("utf-8"))):
            if isinstance(node, ast.Constant) and isinstance(node.value, str):
                found.add(node.value)
    return found


def calls() -> list[tuple[str, set[str]]]:
    """The key and the parameters of each call of `text` that names both."""
    found = []
    for path in SOURCES.rglob("*.py"):
        for node in ast.walk(ast.parse(path.read_text("utf-8"))):
            match node:
                case ast.Call(func=ast.Name("text"), args=[ast.Constant(str(key))], keywords=given):
                    if all(each.arg for each in given):
                        found.append((key, {str(each.arg) for each in given}))
    return found


def test_every_message_is_used() -> None:
    used = strings()
    # The time of a usage limit is known or not, and so is the address of a server.
    ends = ("_at", "_later")
    unused = {
        key
        for key in (PLURAL.sub("", key) for key in CATALOGUE)
        if key not in used
        and not any(key.endswith(end) and key.removesuffix(end) in used for end in ends)
    }
    assert unused == set()


def test_every_message_that_is_asked_for_exists_with_these_parameters() -> None:
    asked = calls()
    assert len(asked) > 100
    for key, given in asked:
        template = CATALOGUE.get(key) or CATALOGUE[f"{key}_other"]
        assert set(placeholders(template)) == given, key


def test_plural_forms_are_complete_and_have_a_count() -> None:
    for key, template in CATALOGUE.items():
        if PLURAL.search(key):
            base = PLURAL.sub("", key)
            assert base not in CATALOGUE
            assert {f"{base}_one", f"{base}_other"} <= CATALOGUE.keys()
            assert "count" in placeholders(template)


def test_keys_and_sentences_are_well_formed() -> None:
    for key, template in CATALOGUE.items():
        assert re.fullmatch(r"[a-z][a-z0-9_]{2,59}", key)
        assert len(placeholders(template)) <= 9, "chrome.i18n has no more"
        assert template == " ".join(template.split())
