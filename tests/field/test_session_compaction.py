"""Public reports about conversations that outgrow a model's context window."""

from __future__ import annotations

import json
from collections.abc import Awaitable, Callable
from typing import Any

import pytest

from sidestream.session.conversation import ConversationSettings
from sidestream.session.tools import ToolOutput
from sidestream.session.turn import Turn, TurnStatus
from sidestream.testing import Reply, ResponsesStream, run
from tests.session.harness import Add, Adder, Harness, Model

LLAMA = json.dumps(
    {
        "error": {
            "code": 400,
            "message": "request ({n} tokens) exceeds the available context size ({window} tokens), "
            "try increasing it",
            "type": "exceed_context_size_error",
            "n_prompt_tokens": 0,
            "n_ctx": 0,
        }
    }
).replace('"n_prompt_tokens": 0, "n_ctx": 0', '"n_prompt_tokens": {n}, "n_ctx": {window}')
ANTHROPIC = (
    '{"type": "error", "error": {"type": "invalid_request_error", '
    '"message": "prompt is too long: {n} tokens > {window} maximum"}}'
)
CODEX = (
    '{"error": {"type": "invalid_request_error", "code": "context_length_exceeded", "message": '
    '"Your input exceeds the context window of this model. Please adjust your input and try '
    'again."}}'
)
FACT = "The account is 4711-0815."


def play(model: Model, scene: Callable[[Harness], Awaitable[None]], **settings: Any) -> Harness:
    harness = Harness(then=model)
    harness.settings |= settings
    harness.adder.delay_s = 0.0

    async def main() -> None:
        await harness.begin()
        await scene(harness)

    run(main())
    return harness


async def say(harness: Harness, turn_id: str, text: str) -> Turn:
    await harness.do("Send", id=turn_id, text=text)
    await harness.until_idle()
    turn = harness.chat.conversation.find(turn_id)
    assert turn is not None
    return turn


def actions(harness: Harness, turn: Turn) -> list[str]:
    found: list[str] = harness.chat.conversation.view_of(turn).get("actions", [])
    return found


def plain(model: Model) -> Callable[[dict[str, Any], bool], Reply]:
    """Answer with the fact, if the request holds it."""

    def answer(body: dict[str, Any], summary: bool) -> Reply:
        knows = "4711-0815" in json.dumps(body)
        text = f"SUMMARY: {FACT}" if summary and knows else "SUMMARY" if summary else "Noted."
        return model.says(body, text)

    return answer


def model_of(**about: Any) -> Model:
    model = Model(lambda body, summary: plain(model)(body, summary), **about)
    return model


@pytest.mark.parametrize("words", [LLAMA, ANTHROPIC, CODEX])
@pytest.mark.parametrize("per", [4.0, 2.2])
@pytest.mark.parametrize("counts", [True, False])
def test_a_summary_that_is_too_long_itself_gets_shorter(
    words: str, per: float, counts: bool
) -> None:
    """anthropics/claude-code#25867, anthropics/claude-code#24942, can1357/oh-my-pi#44.

    The request of the compaction is too long itself, and is repeated unchanged.
    """
    model = model_of(window=8_000, words=words, per=per, counts=counts)

    async def scene(harness: Harness) -> None:
        model.window = None
        await say(harness, "0", FACT)
        for number in range(1, 9):
            await say(harness, str(number), "lorem ipsum dolor sit amet, " * 200)
        model.window = 8_000
        turn = await say(harness, "last", "Which account was it?")
        assert turn.error is not None
        assert turn.error["kind"] == "context_window_exceeded"
        assert actions(harness, turn) == ["compact"]
        await harness.do("Compact", retry="last")
        await harness.until_idle()
        last = harness.chat.conversation.path[-1]
        assert (last.text, last.error) == ("Noted.", None)
        assert len(model.summaries) <= 7
        assert "SUMMARY" in json.dumps(model.requests[-1])

    play(model, scene)


@pytest.mark.parametrize("counts", [True, False])
def test_summarise_and_retry_at_a_server_of_4096_tokens(counts: bool) -> None:
    """cline/kanban#504, earendil-works/pi#9295, can1357/oh-my-pi#3752: llama-server.

    Its window is known from its error alone, and is small: instructions, tools and the summary must
    fit into it.
    """
    model = model_of(window=4_096, words=LLAMA, counts=counts)

    async def scene(harness: Harness) -> None:
        harness.chat.open.configure(ConversationSettings(tools={"add": "ask"}))
        await say(harness, "0", FACT)
        number = 0
        while True:
            number += 1
            turn = await say(harness, f"m{number}", "lorem ipsum dolor sit amet " * 60)
            if turn.error:
                break
            assert number < 20
        assert turn.error["kind"] == "context_window_exceeded"
        await harness.do("Compact", retry=turn.id)
        await harness.until_idle()
        assert harness.chat.conversation.path[-1].error is None
        # The window is known from here on, so the conversation is summarised in time.
        for more in range(12):
            turn = await say(harness, f"n{more}", "lorem ipsum dolor sit amet " * 60)
            assert turn.error is None
        assert FACT in json.dumps(model.requests[-1])

    instructions = "You are a helpful assistant. " * 40
    play(model, scene, instructions=instructions)


def test_an_error_without_a_figure_is_an_upper_bound_that_is_remembered() -> None:
    """CommandCodeAI/command-code#756: without a declared window nothing is ever summarised."""
    model = model_of(window=6_000, words=CODEX)

    async def scene(harness: Harness) -> None:
        for number in range(20):
            turn = await say(harness, str(number), "lorem ipsum dolor sit amet " * 100)
            if turn.error:
                await harness.do("Compact", retry=turn.id)
                await harness.until_idle()
                break
        for number in range(20, 40):
            await say(harness, str(number), "lorem ipsum dolor sit amet " * 100)
        assert not [turn for turn in harness.chat.conversation.path if turn.error]
        assert "windows" in harness.store.texts

    play(model, scene)


def test_the_window_of_a_restarted_server_is_learnt_again() -> None:
    """can1357/oh-my-pi#3752: the size that was found first is kept for ever."""
    model = model_of(window=4_096, words=LLAMA)

    async def scene(harness: Harness) -> None:
        turn = await say(harness, "1", "lorem ipsum dolor sit amet " * 700)
        assert turn.error is not None
        assert turn.error["context_window"] == 4_096
        model.window = 32_000
        await harness.do("Retry", id="1")
        await harness.until_idle()
        assert harness.chat.conversation.path[-1].error is None
        await say(harness, "2", "And now?")
        assert model.summaries == []

    play(model, scene)


def test_room_for_the_answer_that_the_request_allows() -> None:
    """CommandCodeAI/command-code#891: it would fit without the tokens for the answer."""
    allowed = 3_000

    def answer(body: dict[str, Any], summary: bool) -> Reply:
        if model.size(body) + body.get("max_output_tokens", 0) > 10_000:
            words = CODEX.encode()
            return Reply(words, status=400, headers={"content-type": "application/json"})
        return model.says(body, "SUMMARY" if summary else "Noted.")

    model = Model(answer)

    async def scene(harness: Harness) -> None:
        for number in range(12):
            turn = await say(harness, str(number), "lorem ipsum dolor sit amet " * 100)
            assert turn.error is None
        assert model.summaries
        assert all("max_output_tokens" not in body for body in model.summaries)
        assert all(body["max_output_tokens"] == allowed for body in model.turns)

    play(model, scene, context_window=10_000, max_output_tokens=allowed)


def test_the_summary_of_a_summary_keeps_it() -> None:
    """anthropics/claude-code#33212, BerriAI/litellm#28868: the first summary is lost in the second.

    It is the oldest part of the conversation, and must not be the first to be removed.
    """
    model = model_of(window=6_000, words=LLAMA)

    async def scene(harness: Harness) -> None:
        await say(harness, "0", FACT)
        for number in range(1, 40):
            turn = await say(harness, str(number), "lorem ipsum dolor sit amet " * 150)
            assert turn.error is None
        assert len(model.summaries) > 2
        assert all("4711-0815" in json.dumps(body) for body in model.summaries)

    play(model, scene, context_window=6_000)


def test_one_turn_that_fills_the_window_alone_is_summarised() -> None:
    """link-assistant/hive-mind#1842: one turn holds nearly everything, so nothing can be cut."""

    class Big(Adder):
        async def run(self, arguments: Add, conversation_id: str) -> ToolOutput:
            return ToolOutput(f"{FACT} " + "row;of;a;table;" * 1_200)

    def answer(body: dict[str, Any], summary: bool) -> Reply:
        rounds = json.dumps(body["input"]).count('"function_call_output"')
        if not summary and "use it" in json.dumps(body["input"][-1]) and not rounds:
            stream = ResponsesStream().created()
            for number in range(6):
                stream.function_call("add", '{"first":1,"second":2}', call_id=f"c{number}")
            return Reply(stream.completed(input_tokens=model.size(body)))
        return plain(model)(body, summary)

    model = Model(answer, window=30_000, words=ANTHROPIC)

    async def scene(harness: Harness) -> None:
        harness.adder.__class__ = Big
        harness.chat.open.configure(ConversationSettings(tools={"add": "always"}))
        turn = await say(harness, "1", "use it")
        assert turn.error is None
        model.window = 12_000
        turn = await say(harness, "2", "And now?")
        await harness.do("Compact", retry="2")
        await harness.until_idle()
        assert harness.chat.conversation.path[-1].error is None
        assert "SUMMARY" in json.dumps(model.requests[-1])

    play(model, scene, context_window=30_000)


@pytest.mark.parametrize("mode", ["summarise", "trim"])
def test_tool_outputs_are_counted_before_the_next_request(mode: str) -> None:
    """CommandCodeAI/command-code#891, cline/kanban#504: a turn of many calls outgrows the window.

    What was said before the turn is summarised in the middle of it, and then the outputs of the
    oldest calls are shortened.
    """

    class Big(Adder):
        async def run(self, arguments: Add, conversation_id: str) -> ToolOutput:
            self.calls.append((arguments.first, arguments.second))
            return ToolOutput("row;of;a;table;" * 1_300)

    def answer(body: dict[str, Any], summary: bool) -> Reply:
        rounds = json.dumps(body["input"]).count('"function_call_output"')
        if not summary and "use it" in json.dumps(body["input"]) and rounds < 12:
            arguments = json.dumps({"first": rounds, "second": 0})
            stream = (
                ResponsesStream().created().function_call("add", arguments, call_id=f"c{rounds}")
            )
            return Reply(stream.completed(input_tokens=model.size(body)))
        return plain(model)(body, summary)

    model = Model(answer, window=24_000, words=LLAMA)

    async def scene(harness: Harness) -> None:
        harness.adder.__class__ = Big
        harness.chat.open.configure(ConversationSettings(tools={"add": "always"}))
        for number in range(3):
            await say(harness, str(number), f"{FACT} " + "lorem ipsum dolor " * 400)
        turn = await say(harness, "last", "use it")
        assert (turn.status, turn.error) == (TurnStatus.COMPLETED, None)
        assert len(harness.adder.calls) == 12, "no call is carried out twice"
        assert len(model.summaries) == (1 if mode == "summarise" else 0)
        kinds = [each.kind for each in harness.chat.conversation.path]
        assert kinds[-2:] == (["compaction", None] if mode == "summarise" else [None, None])
        assert "characters left out" in json.dumps(model.requests[-1])

    play(model, scene, context_window=24_000, compaction=mode)


@pytest.mark.parametrize("words", [LLAMA, CODEX])
@pytest.mark.parametrize(("per", "counts"), [(4.0, True), (2.5, True), (2.5, False)])
def test_a_turn_of_calls_continues_at_a_server_with_an_unknown_window(
    words: str, per: float, counts: bool
) -> None:
    """can1357/oh-my-pi#3752, arbs-io/github-copilot-llm-gateway#55: the first message fails."""

    class Big(Adder):
        async def run(self, arguments: Add, conversation_id: str) -> ToolOutput:
            self.calls.append((arguments.first, arguments.second))
            return ToolOutput("row;of;a;table;" * 1_300)

    def answer(body: dict[str, Any], summary: bool) -> Reply:
        rounds = json.dumps(body["input"]).count('"function_call_output"')
        if not summary and "use it" in json.dumps(body["input"]) and rounds < 6:
            arguments = json.dumps({"first": rounds, "second": 0})
            stream = (
                ResponsesStream().created().function_call("add", arguments, call_id=f"c{rounds}")
            )
            return Reply(stream.completed(input_tokens=model.size(body)))
        return plain(model)(body, summary)

    model = Model(answer, window=20_000, words=words, per=per, counts=counts)

    async def scene(harness: Harness) -> None:
        harness.adder.__class__ = Big
        harness.chat.open.configure(ConversationSettings(tools={"add": "always"}))
        await say(harness, "1", f"{FACT} " + "lorem ipsum dolor " * 400)
        turn = await say(harness, "2", "use it")
        assert (turn.status, turn.error) == (TurnStatus.COMPLETED, None)
        assert len(harness.adder.calls) == 6
        assert FACT in json.dumps(model.requests[-1])

    play(model, scene)


def test_a_message_that_is_too_long_by_itself_is_reported() -> None:
    """oobabooga/textgen#7257: a prompt larger than the server's window fails without an error."""
    model = model_of(window=4_096, words=LLAMA)

    async def scene(harness: Harness) -> None:
        turn = await say(harness, "1", "lorem ipsum dolor sit amet " * 3_000)
        assert turn.error is not None
        assert "alone is too long" in turn.error["hint"]
        assert "compact" not in actions(harness, turn)
        assert turn.error["context_window"] == 4_096
        # The conversation can still be used.
        turn = await say(harness, "2", "Hello?")
        if turn.error is not None:
            assert "compact" in actions(harness, turn)
            await harness.do("Compact", retry="2")
            await harness.until_idle()
        assert harness.chat.conversation.path[-1].error is None

    play(model, scene)


def test_counts_of_zero_are_no_counts() -> None:
    """letta-ai/letta-code#3508: llama.cpp reports no usage, so compaction is never due."""
    model = model_of(window=8_000, words=LLAMA, counts=False)

    async def scene(harness: Harness) -> None:
        for number in range(20):
            turn = await say(harness, str(number), "lorem ipsum dolor sit amet " * 100)
            assert turn.error is None
        assert model.summaries

    play(model, scene, context_window=8_000)


@pytest.mark.parametrize("per", [2.5, 4.0, 5.0])
def test_an_answer_finds_room_in_a_small_window(per: float) -> None:
    """letta-ai/letta-code#3508: near the window's end each answer ends with ``length``.

    A model that thinks takes several hundred tokens for each answer, of the 4,096 that there are.
    """
    thinks = 600

    def answer(body: dict[str, Any], summary: bool) -> Reply:
        room = 4_096 - model.size(body)
        stream = ResponsesStream().created()
        if room <= thinks:
            return Reply(stream.incomplete())
        stream.text("SUMMARY " * 40 if summary else "answer " * 20)
        return Reply(stream.completed(input_tokens=model.size(body), output_tokens=thinks + 80))

    model = Model(answer, window=4_096, words=LLAMA, per=per)

    async def scene(harness: Harness) -> None:
        for number in range(20):
            turn = await say(harness, str(number), "word " * (number * 37 % 300 + 5))
            assert (turn.status, turn.error) == (TurnStatus.COMPLETED, None)
        assert model.summaries

    play(model, scene, context_window=4_096)


def test_a_summary_that_is_cut_short_is_asked_for_of_less() -> None:
    """letta-ai/letta-code#3508: ``length`` near the end of the window; half a summary is none."""

    def answer(body: dict[str, Any], summary: bool) -> Reply:
        if summary and model.size(body) > 3_500:
            stream = ResponsesStream().created().text("SUMMARY: The acc")
            return Reply(stream.incomplete())
        return plain(model)(body, summary)

    model = Model(answer)

    async def scene(harness: Harness) -> None:
        await say(harness, "0", FACT)
        for number in range(1, 20):
            turn = await say(harness, str(number), "lorem ipsum dolor sit amet " * 100)
            assert turn.error is None
        assert len(model.summaries) > 1
        assert "The acc\\n" not in json.dumps(model.requests[-1])

    play(model, scene, context_window=8_000)


def test_a_model_that_never_ends_its_summary_does_not_close_the_conversation() -> None:
    """letta-ai/letta-code#3508: each summary ended at the limit, and nothing could be sent."""

    def answer(body: dict[str, Any], summary: bool) -> Reply:
        if summary:
            return Reply(ResponsesStream().created().text("SUMMARY: account 4711").incomplete())
        return plain(model)(body, summary)

    model = Model(answer)

    async def scene(harness: Harness) -> None:
        await say(harness, "0", FACT)
        for number in range(1, 16):
            turn = await say(harness, str(number), "lorem ipsum dolor sit amet " * 100)
            assert turn.error is None
        compaction = next(t for t in harness.chat.conversation.path if t.kind)
        assert compaction.status is TurnStatus.COMPLETED
        assert compaction.notices == ["The summary was cut short at the limit for output tokens."]
        assert "account 4711" in json.dumps(model.requests[-1])

    play(model, scene, context_window=8_000)


def test_a_refused_summary_keeps_the_conversation_and_gives_a_hint() -> None:
    """netclaw-dev/netclaw#61, openclaw/openclaw#120663: after a compaction nothing is left."""

    def answer(body: dict[str, Any], summary: bool) -> Reply:
        return model.says(body, "I'm sorry, but I can't help with that." if summary else "Noted.")

    model = Model(answer)

    async def scene(harness: Harness) -> None:
        await say(harness, "0", FACT + " lorem ipsum dolor sit amet" * 250)
        await say(harness, "1", "lorem ipsum dolor sit amet " * 100)
        compaction = next(t for t in harness.chat.conversation.path if t.kind)
        assert compaction.status is TurnStatus.FAILED
        assert compaction.error is not None
        assert "did not want to write a summary" in compaction.error["message"]
        assert "stays as it is" in compaction.error["hint"]
        await harness.do("SendNow", id="1")
        await harness.until_idle()
        assert FACT in json.dumps(model.requests[-1])
        assert harness.chat.conversation.path[-1].text == "Noted."

    play(model, scene, context_window=2_500)


@pytest.mark.parametrize(
    "text",
    [
        '<tool_call>\n{"name": "add", "arguments": {}}\n</tool_call>',
        "<function=add><parameter=first>1</parameter></function>",
        '[TOOL_CALLS][{"name": "add", "arguments": {}}]',
    ],
)
def test_a_call_that_is_written_as_text_is_no_summary(text: str) -> None:
    """open-webui/open-webui#29308: tool syntax is kept as the summary of the conversation."""

    def answer(body: dict[str, Any], summary: bool) -> Reply:
        return model.says(body, text if summary else "Noted.")

    model = Model(answer)

    async def scene(harness: Harness) -> None:
        await say(harness, "0", FACT + " lorem ipsum dolor sit amet" * 250)
        await say(harness, "1", "lorem ipsum dolor sit amet " * 100)
        compaction = next(t for t in harness.chat.conversation.path if t.kind)
        assert compaction.status is TurnStatus.FAILED
        assert "called a tool" in (compaction.error or {})["message"]
        await harness.do("SendNow", id="1")
        await harness.until_idle()
        assert FACT in json.dumps(model.requests[-1])

    play(model, scene, context_window=2_500)
