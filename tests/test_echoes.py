"""A key that a server repeats is removed, in every known form."""

from __future__ import annotations

import base64
import json
from typing import Any
from urllib.parse import quote

import pytest
from hypothesis import given
from hypothesis import strategies as st

from sidestream._event_redactor import EventRedactor
from sidestream.echoes import MASK, PART, SHOWN, Echoes, echoes_of
from sidestream.redaction import is_secret_name, redact
from sidestream.types.events import (
    Batch,
    Completed,
    OutputItemDone,
    OutputTextAnnotationAdded,
    OutputTextDelta,
    Reconnecting,
    ServerModel,
)
from sidestream.types.items import ItemOrigin, MessageItem, OutputText, response_item

KEY = "sk-proj-Ab3dEfGh1jKlMnOpQrStUvWxYz0123456789_-Zz"
ECHOES = Echoes([KEY])


def in_base64(text: str, before: str = "", after: str = "") -> str:
    return base64.b64encode(f"{before}{text}{after}".encode()).decode()


def by_character(form: str, text: str = KEY) -> str:
    return "".join(form.format(code=ord(c), c=c) for c in text)


FORMS = {
    "plain": KEY,
    "in capitals": KEY.upper(),
    "in lower case": KEY.lower(),
    "percent": by_character("%{code:02X}"),
    "percent where needed": quote(KEY, safe=""),
    "json": by_character("\\u{code:04x}"),
    "json in json": by_character("\\\\u{code:04x}"),
    "json with braces": by_character("\\u{{{code:x}}}"),
    "a few json escapes": KEY.replace("-", "\\u002d"),
    "backslash x": by_character("\\x{code:02x}"),
    "html": by_character("&#{code};"),
    "html in hexadecimal": by_character("&#x{code:x};"),
    "hexadecimal": KEY.encode().hex(),
    "hexadecimal in capitals": KEY.encode().hex().upper(),
    "hexadecimal in pairs": KEY.encode().hex(" "),
    "blanks": " ".join(KEY),
    "lines": "\n".join(KEY),
    "no-break spaces": "\u00a0".join(KEY),
    "zero width": "\u200b".join(KEY),
    "written line breaks": "\\n".join(KEY),
    "url-safe": base64.urlsafe_b64encode(f"?>{KEY}".encode()).decode(),
    "base64 in lines": "\n".join(in_base64(KEY * 2)[at : at + 76] for at in (0, 76)),
    **{f"base64 after {before!r}": in_base64(KEY, before) for before in ("", "u", "u:")},
    **{f"base64 before {after!r}": in_base64(KEY, after=after) for after in ("\n", "\r\n", "/x")},
}


@pytest.mark.parametrize("form", FORMS.values(), ids=FORMS)
def test_an_echo_is_cut_out_in_every_form(form: str) -> None:
    """Encodings of a secret reveal it as well: ovh/cds#7822, ModularPipelines#2994."""
    cut = ECHOES.cut(f"before {form} after")
    assert cut.startswith("before ")
    assert cut.endswith(" after")
    assert MASK in cut
    # The characters at the ends of base64 depend on the neighbours, and stay.
    assert len(cut) < len("before *** after") + 12 + cut.count("\n")


def test_base64_with_something_after_the_secret_is_cut_out() -> None:
    """actions/runner#291: the end of base64 depends on what follows, as ``echo`` adds a line."""
    assert in_base64(KEY, after="\n")[:-4] not in ECHOES.cut(in_base64(KEY, after="\n"))


@pytest.mark.parametrize("begin", range(len(KEY) - PART + 1))
def test_parts_are_cut_out_like_the_whole(begin: int) -> None:
    part = KEY[begin : begin + PART]
    assert ECHOES.cut(f"<{part}>") == f"<{MASK}>"
    assert ECHOES.cut(f"<{part[1:]}>") == f"<{part[1:]}>"
    for before in ("", "a", "ab"):
        written = in_base64(part, before, "xyz")
        assert written not in ECHOES.cut(written)
    assert part.encode().hex() not in ECHOES.cut(part.encode().hex())


def test_what_is_no_echo_stays_as_it_is() -> None:
    text = "An OpenAI key begins with sk-proj- and has %20 or \\u00e9 in it; 0123456789."
    assert ECHOES.cut(text) == text


@pytest.mark.parametrize("word", ["ollama", "lm-studio", "not-needed", "EMPTY", "none", ""])
def test_placeholder_keys_of_local_servers_are_no_secrets(word: str) -> None:
    assert not Echoes([word])


def test_what_all_keys_of_a_maker_begin_with_is_no_secret() -> None:
    echoes = Echoes(["sk-ant-api03-Zx9" + "y8X7w6V5u4T3" * 6])
    assert (
        echoes.cut("Keys begin with sk-ant-api03- there.") == "Keys begin with sk-ant-api03- there."
    )
    assert echoes.cut("It is sk-ant-api03-Zx9y8X7w6V5u4T3") == f"It is sk{MASK}"


def test_of_a_web_token_everything_but_its_header_is_secret() -> None:
    header, payload, signature = (
        "eyJhbGciOiJSUzI1NiJ9",
        "eyJzdWIiOiIxMjM0NTY3ODkwIn0",
        "a1B2c3D4e5" * 9,
    )
    echoes = Echoes([f"{header}.{payload}.{signature}"])
    assert echoes.cut(f"All begin like {header}.") == f"All begin like {header}."
    assert signature not in echoes.cut(f"it ends in {signature}")


def test_a_text_full_of_echoes_is_cut_off() -> None:
    cut = ECHOES.cut(f"{KEY} " * 5_000)
    assert KEY[:PART] not in cut
    assert cut.count(MASK) < 1_000


# --- in pieces ----------------------------------------------------------------------------------

_FRAGMENTS = st.one_of(
    st.sampled_from(
        [*FORMS.values(), KEY[:PART], KEY[5:30], KEY[: PART - 1], "%", "\\", "&#", "***"]
    ),
    st.text(max_size=20),
    st.integers(0, len(KEY)).map(lambda end: KEY[:end]),
)


@given(st.lists(_FRAGMENTS, max_size=5), st.lists(st.integers(1, 40), min_size=1))
def test_the_pieces_of_a_text_make_no_difference(fragments: list[str], sizes: list[int]) -> None:
    text = "".join(fragments)
    stream, shown, at, turn = ECHOES.stream(), [], 0, 0
    while at < len(text):
        size = sizes[turn % len(sizes)]
        shown.append(stream.feed(text[at : at + size]))
        at, turn = at + size, turn + 1
    whole = "".join([*shown, stream.end()])
    assert whole == ECHOES.cut(text, shown=SHOWN)
    assert not ECHOES.are_in(whole.replace(MASK, "\0"))


def test_little_is_held_of_an_ordinary_text() -> None:
    stream = ECHOES.stream()
    words = "The quick brown fox jumps over the lazy dog, again and again. "
    for word in words.split(" "):
        assert stream.feed(f"{word} ") == f"{word} "


def test_blanks_without_end_are_not_held() -> None:
    stream = ECHOES.stream()
    shown = stream.feed(KEY[:8]) + "".join(stream.feed(" ") for _ in range(2_000))
    assert len(shown) > 1_000
    assert shown + stream.end() == KEY[:8] + " " * 2_000


# --- events -------------------------------------------------------------------------------------


def cleaned(*events: Any, key: str = KEY) -> list[Any]:
    redactor = EventRedactor()
    redactor.look_for([key])
    return [event for given in events for event in redactor.clean(Batch([given]))]


def test_a_key_over_several_deltas_is_cut_out_and_agrees_with_the_item() -> None:
    """ModularPipelines#2994: a secret across the border of two pieces escapes a replacement."""
    text = f"Your key is {KEY}, right?"
    deltas = [
        OutputTextDelta(delta=text[at : at + 3], item_id="m") for at in range(0, len(text), 3)
    ]
    item = MessageItem(role="assistant", id="m", content=[OutputText(text=text)])
    events = cleaned(*deltas, OutputItemDone(item=item), Completed())
    said = "".join(event.delta for event in events if isinstance(event, OutputTextDelta))
    done = next(event for event in events if isinstance(event, OutputItemDone))
    assert said == done.item.text == "Your key is sk-***, right?"


def test_what_was_held_comes_before_the_item_ends() -> None:
    events = cleaned(
        OutputTextDelta(delta=f"Is it {KEY[:8]}", item_id="m"),
        OutputItemDone(item=MessageItem(role="assistant", id="m")),
    )
    assert [event.type for event in events] == ["OutputTextDelta"] * 2 + ["OutputItemDone"]
    assert "".join(event.delta for event in events[:2]) == f"Is it {KEY[:8]}"


def test_what_was_held_is_void_after_reconnecting() -> None:
    again = Reconnecting(attempt=1, max_attempts=5, delay_ms=1, reason="it broke")
    events = cleaned(OutputTextDelta(delta=KEY[:8]), again, OutputTextDelta(delta="x"))
    assert [getattr(event, "delta", "") for event in events] == [KEY[:3], "", "x"]


def test_names_ids_and_addresses_are_looked_through() -> None:
    events = cleaned(
        ServerModel(model=f"gpt-{KEY}"),
        OutputTextDelta(delta="hi", item_id=KEY),
        OutputTextAnnotationAdded(annotation={"url": f"https://a.test/?key={KEY}", KEY: [KEY]}),
        Reconnecting(attempt=1, max_attempts=5, delay_ms=1, reason=f"said {KEY}"),
    )
    assert not ECHOES.are_in(json.dumps([event.to_json() for event in events]))
    assert events[0].model == "gpt-sk-***"
    assert events[2].annotation["url"] == "https://a.test/?key=sk-***"


def test_our_own_fields_of_an_item_stay() -> None:
    origin = ItemOrigin(provider="https://a.test", model="m")
    item = response_item.validate_python({"type": "mcp_call", "id": "i", "name": KEY})
    item = item.model_copy(update={"origin": origin})
    (event,) = cleaned(OutputItemDone(item=item))
    assert event.item.origin == origin
    assert event.item.name == "sk-***"
    assert type(event.item) is type(item)


def test_without_a_key_nothing_is_looked_for() -> None:
    batch = Batch([OutputTextDelta(delta="sk-x")])
    assert EventRedactor().clean(batch) == [OutputTextDelta(delta="sk-x")]


# --- names --------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    "name",
    [
        *("Authorization", "x-api-key", "api_key", "apiKey", "subscription-key", "code", "sig"),
        *("Ocp-Apim-Subscription-Key", "x-functions-key", "X-Amz-Security-Token", "clientSecret"),
        *("X-Amz-Signature", "access_token", "refreshToken", "cf-access-client-secret", "pwd"),
        *("helicone-auth", "x-goog-api-key", "Cookie", "set-cookie", "sas", "key", "jwt"),
    ],
)
def test_names_that_carry_secrets(name: str) -> None:
    assert is_secret_name(name)


@pytest.mark.parametrize(
    "name",
    [
        *("x-ratelimit-remaining-tokens", "prompt_cache_key", "idempotency-key", "api-version"),
        *("status-code", "language-code", "user-agent", "error_code", "auth-status", "deployment"),
    ],
)
def test_names_that_carry_none(name: str) -> None:
    assert not is_secret_name(name)


def test_redact_knows_the_forms_as_well() -> None:
    assert redact(f"It was {KEY.encode().hex()}.", [KEY]) == f"It was {MASK}."
    assert echoes_of(KEY) is echoes_of(KEY)
