from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st

from sidestream.prompt import CallOptions, Prompt, StreamMode
from sidestream.types.items import MessageItem
from sidestream.types.wire_api import WireApi


def test_a_prompt_of_plain_text() -> None:
    prompt = Prompt.from_text("Hello", instructions="Be brief.")
    assert prompt.input == [MessageItem(role="user", content="Hello")]  # type: ignore[arg-type]
    assert prompt.instructions == "Be brief."
    assert prompt.output_schema_name == "codex_output_schema"
    assert prompt.output_schema_strict
    assert Prompt.model_validate_json(prompt.to_json()) == prompt


def test_options_win_over_defaults_where_they_are_set() -> None:
    defaults = CallOptions(model="a", effort="low", store=True, temperature=1.0)
    options = CallOptions(model="b", store=False, temperature=0.0, wire_api=WireApi.CHAT)
    assert options.over(defaults) == CallOptions(
        model="b", effort="low", store=False, temperature=0.0, wire_api=WireApi.CHAT
    )
    assert CallOptions().over(defaults) == defaults
    assert defaults.over(CallOptions()) == defaults


def test_options_survive_json() -> None:
    options = CallOptions(stream_mode=StreamMode.AGGREGATED, tool_choice={"type": "function"})
    assert CallOptions.model_validate_json(options.to_json()) == options


some = st.one_of(st.none(), st.text(max_size=3))
options = st.builds(CallOptions, model=some, effort=some, conversation_id=some, service_tier=some)


@given(a=options, b=options, c=options)
def test_over_can_be_grouped_as_one_likes(a: CallOptions, b: CallOptions, c: CallOptions) -> None:
    assert a.over(b).over(c) == a.over(b.over(c))
    assert a.over(a) == a
