"""Public reports about turns that break, wait or end without an answer, and what follows them."""

from __future__ import annotations

import asyncio
import json
from typing import Any

import pytest

from sidestream import ApiKeyAuth, CallOptions, Client, Prompt, Provider, WireApi
from sidestream.errors import ErrorKind
from sidestream.session.conversation import ConversationSettings
from sidestream.session.tools import Permission, ToolLimits
from sidestream.session.turn import Turn, TurnStatus
from sidestream.testing import ChatStream, FakeFetch, Reply, ResponsesStream, now, run
from sidestream.transport import HttpRequest
from sidestream.types.items import FunctionCallOutputItem
from tests.session.harness import ID, Harness, MemoryStore, reply, with_harness

SUM = '{"first": 1, "second": 2}'
JSON = {"content-type": "application/json"}


def allow(harness: Harness, permission: Permission = "always", **limits: int) -> None:
    settings = ConversationSettings(tools={"add": permission}, limits=ToolLimits(**limits))
    harness.chat.open.configure(settings)
    harness.adder.delay_s = 0.0


def broken(*calls: str, wire: str = "responses") -> Reply:
    """Whole calls, and then the connection breaks."""
    if wire == "chat":
        chat = ChatStream()
        for index, each in enumerate(calls):
            chat.tool_call("add", each, call_id=f"c{index}", index=index)
        return Reply(chat.finish("tool_calls").fail())
    stream = ResponsesStream().created()
    for index, each in enumerate(calls):
        stream.function_call("add", each, call_id=f"c{index}")
    return Reply(stream.fail())


def refused(message: str, *, status: int = 400, headers: Any = None, **error: Any) -> Reply:
    body = {"error": {"message": message, **error}}
    return Reply(json.dumps(body).encode(), status=status, headers={**JSON, **(headers or {})})


def outputs(turn: Turn) -> list[str]:
    return [str(i.output) for i in turn.items if isinstance(i, FunctionCallOutputItem)]


async def say(harness: Harness, turn_id: str, text: str = "Hello", **fields: Any) -> Turn:
    await harness.do("Send", id=turn_id, text=text, **fields)
    await harness.until_idle()
    return found(harness, turn_id)


def found(harness: Harness, turn_id: str) -> Turn:
    turn = harness.chat.conversation.find(turn_id)
    assert turn is not None
    return turn


# --- a stream that breaks after calls -----------------------------------------------------------


@pytest.mark.parametrize("count", [1, 3])
def test_whole_calls_are_run_and_the_turn_continues(count: int) -> None:
    """mako-ai/mako#553, earendil-works/pi#9306: the calls are whole, and are not run."""

    @with_harness(broken(*[SUM] * count), reply("Done."))
    async def scene(harness: Harness) -> None:
        allow(harness)
        turn = await say(harness, "1")
        assert (turn.status, turn.text, turn.error) == (TurnStatus.COMPLETED, "Done.", None)
        assert len(harness.adder.calls) == count
        items = [item["type"] for item in harness.fetch.json()["input"]]
        assert items.count("function_call") == items.count("function_call_output") == count
        assert "Reconnecting" not in (turn.notice or "")
        assert harness.chats.log.text(), "it can be read afterwards"

    scene()


@with_harness(then=lambda _: broken(SUM))
async def test_breaks_after_calls_count_against_the_budget_of_the_turn(harness: Harness) -> None:
    """coder/xum#4065, paperclipai/paperclip#9730: a stream that breaks each time ends."""
    allow(harness)
    turn = await say(harness, "1")
    assert turn.status is TurnStatus.FAILED
    assert (turn.error or {})["kind"] == "stream_closed"
    assert len(harness.adder.calls) == 5
    assert harness.chat.conversation.view_of(turn)["actions"] == ["continue"]


def test_a_call_that_is_not_whole_is_not_run() -> None:
    """anomalyco/opencode#44254, cloudflare/agents#1781: cut in the middle of the arguments.

    The request is repeated.
    """
    half = ResponsesStream().created().function_call("add", '{"first": 1, "sec', call_id="c0")
    cut = Reply(half.cut_at(half.body.index(b"response.function_call_arguments.done")))

    @with_harness(cut, reply("Never mind."))
    async def scene(harness: Harness) -> None:
        allow(harness)
        turn = await say(harness, "1")
        assert (turn.status, turn.text) == (TurnStatus.COMPLETED, "Never mind.")
        assert harness.adder.calls == []

    scene()


@with_harness(broken(SUM), Reply(ResponsesStream().created().function_call("add", SUM).completed()))
async def test_calls_without_tools_do_not_continue_the_turn(harness: Harness) -> None:
    """ValueCell-ai/ClawX#923: calls that were not run are shown as if they had been.

    No tool was offered, so there is nothing to continue with.
    """
    turn = await say(harness, "1")
    assert turn.status is TurnStatus.FAILED
    turn = await say(harness, "2")
    assert turn.status is TurnStatus.COMPLETED
    assert [block.status for block in turn.blocks] == ["not_run"]
    assert turn.view()["blocks"][0]["status"] == "not_run"


@with_harness(
    broken(SUM, wire="chat"), then=lambda _: Reply(ChatStream().text("Done.").finish().done())
)
async def test_a_break_after_calls_over_chat_completions(harness: Harness) -> None:
    """earendil-works/pi#9306: only the end of the stream was missing."""
    harness.settings["wire_api"] = "chat"
    allow(harness)
    turn = await say(harness, "1")
    assert (turn.status, turn.text) == (TurnStatus.COMPLETED, "Done.")
    assert harness.adder.calls == [(1, 2)]


# --- limits that end ----------------------------------------------------------------------------

HOURS = {
    "zai": ("Usage limit reached for 5 hour. Please retry in 2h.", 429, {}),
    "header": ("Rate limit exceeded.", 429, {"retry-after": "7200"}),
}


@pytest.mark.parametrize("words", HOURS)
def test_a_limit_that_ends_is_waited_for_and_the_message_is_sent_by_itself(words: str) -> None:
    """can1357/oh-my-pi#12954, coddy-project/coddy-agent#145, block/buzz#7317.

    The session dies instead of holding the message until the limit is over.
    """
    message, status, headers = HOURS[words]
    limit = refused(message, status=status, headers=headers, code="rate_limit_exceeded")

    @with_harness(limit, reply("one"), reply("two"))
    async def scene(harness: Harness) -> None:
        begun = now()
        await harness.do("Send", id="1", text="q1")
        await harness.do("Send", id="2", text="q2")
        await asyncio.sleep(60)
        first = found(harness, "1")
        assert first.status is TurnStatus.QUEUED
        assert first.waiting is not None
        assert first.waiting.reason == "rate_limit"
        assert 7_100_000 < (first.waiting.until or 0) - begun * 1000 < 7_300_000
        assert harness.alarms[-1] == first.waiting.until, "also when the worker has ended by then"
        assert found(harness, "2").waiting == type(first.waiting)(reason="turn")
        assert len(harness.fetch.requests) == 1
        await asyncio.sleep(7_300)
        await harness.until_idle()
        assert [found(harness, name).text for name in "12"] == ["one", "two"]

    scene()


def test_a_limit_in_the_middle_of_a_turn_loses_nothing() -> None:
    """digitallyinduced/haskell-agent#1305, anthonyhaussman/opencode-agy-auth#54.

    The outputs stay, and no call is run twice, even after a restart.
    """
    call = Reply(ResponsesStream().created().function_call("add", SUM, call_id="c").completed())
    limit = refused("Rate limit exceeded.", status=429, headers={"retry-after": "5400"})

    async def first_process() -> dict[str, Any]:
        harness = Harness(call, limit)
        await harness.begin()
        allow(harness)
        await harness.do("Send", id="1", text="Add")
        await asyncio.sleep(60)
        turn = found(harness, "1")
        assert turn.status is TurnStatus.QUEUED
        assert [block.output for block in turn.blocks] == ["3"]
        assert harness.adder.calls == [(1, 2)]
        return harness.store.state()

    @with_harness(reply("It is 3."), store=MemoryStore(run(first_process())))
    async def second_process(harness: Harness) -> None:
        assert harness.fetch.requests == []
        await asyncio.sleep(5_500)
        await harness.until_idle()
        turn = found(harness, "1")
        assert (turn.status, turn.text) == (TurnStatus.COMPLETED, "It is 3.")
        assert harness.adder.calls == []
        kinds = [item["type"] for item in harness.fetch.json()["input"]]
        assert kinds == ["message", "function_call", "function_call_output"]

    second_process()


def test_a_turn_that_waits_in_the_middle_continues_on_request() -> None:
    """digitallyinduced/haskell-agent#1305: what was done before the limit is not done again."""
    call = Reply(ResponsesStream().created().function_call("add", SUM, call_id="c").completed())
    limit = refused("Rate limit exceeded.", status=429, headers={"retry-after": "5400"})

    @with_harness(call, limit, reply("It is 3."))
    async def scene(harness: Harness) -> None:
        panel = harness.open_panel()
        allow(harness)
        await harness.do("Send", id="1", text="Add")
        await asyncio.sleep(60)
        assert panel.turns["1"].status is TurnStatus.QUEUED
        await harness.do("Retry", id="1")
        await harness.until_idle()
        turn = found(harness, "1")
        assert (turn.status, turn.text) == (TurnStatus.COMPLETED, "It is 3.")
        assert harness.adder.calls == [(1, 2)]
        assert panel.turns["1"].text == "It is 3."
        assert (turn.usage and turn.usage.total_tokens) == 30, "of both its calls"

    scene()


def test_a_wait_for_a_limit_can_be_cancelled() -> None:
    """anthropics/claude-code#95803: it continued by itself when the limit was over, for hours."""
    call = Reply(ResponsesStream().created().function_call("add", SUM, call_id="c").completed())
    limit = refused("Rate limit exceeded.", status=429, headers={"retry-after": "5400"})

    @with_harness(call, limit)
    async def scene(harness: Harness) -> None:
        allow(harness)
        await harness.do("Send", id="1", text="Add")
        await asyncio.sleep(60)
        await harness.do("Cancel", id="1", panel=0)
        await asyncio.sleep(10_000)
        turn = found(harness, "1")
        assert turn.status is TurnStatus.STOPPED
        assert outputs(turn), "what the call gave stays"
        assert len(harness.fetch.requests) == 2

    scene()


@pytest.mark.parametrize(
    ("headers", "code"),
    [({"retry-after": "172800"}, "rate_limit_exceeded"), ({}, "insufficient_quota")],
)
def test_a_limit_without_a_known_end_fails_at_once(headers: dict[str, str], code: str) -> None:
    """preloop/preloop#114: requests are repeated for hours after the quota is used up."""
    limit = refused("You exceeded your current quota.", status=429, headers=headers, code=code)

    @with_harness(limit)
    async def scene(harness: Harness) -> None:
        turn = await say(harness, "1")
        assert turn.status is TurnStatus.FAILED
        assert len(harness.fetch.requests) == 1

    scene()


@with_harness(then=lambda _: refused("Slow down.", status=429, headers={"retry-after": "3600"}))
async def test_a_limit_that_comes_back_each_time_is_given_up(harness: Harness) -> None:
    """preloop/preloop#114: three attempts, then the next call begins, and so on for ever."""
    await harness.do("Send", id="1", text="q1")
    await asyncio.sleep(80_000)
    turn = found(harness, "1")
    assert turn.status is TurnStatus.FAILED
    assert len(harness.fetch.requests) <= 21


# --- a refusal does not make the conversation unusable ------------------------------------------

PNG = "data:image/png;base64,iVBORw0KGgo" + "A" * 400
SHOT = {"id": "a1", "kind": "image", "title": "shot.png", "tokens": 100, "size": len(PNG)}


def with_image() -> MemoryStore:
    store = MemoryStore()
    store.attachments[ID, "a1"] = PNG
    return store


@pytest.mark.parametrize(
    "words",
    [
        "messages.0.content.0.image.source.base64.data: At least one of the image dimensions "
        "exceed max allowed size: 8000 pixels",
        "Could not process image",
        "An image in the conversation exceeds the dimension limit for many-image requests "
        "(2000px).",
    ],
)
def test_a_refused_image_is_left_out_of_what_follows(words: str) -> None:
    """anthropics/claude-code#13480, anthropics/claude-code#56016, anthropics/claude-code#34566.

    The image stays in the history, and every later message is refused for it.
    """

    def answer(request: Any) -> Reply:
        if "input_image" in request.body.decode():
            return refused(words, type="invalid_request_error")
        return reply("Fine.")

    @with_harness(then=answer, store=with_image())
    async def scene(harness: Harness) -> None:
        await say(harness, "1", "What is this?", attachments=[SHOT])
        turn = await say(harness, "2", "And in words alone?")
        assert (turn.status, turn.text) == (TurnStatus.COMPLETED, "Fine.")
        turn = await say(harness, "3", "And now?")
        assert turn.status is TurnStatus.COMPLETED

    scene()


def test_an_image_for_a_model_that_sees_none_does_not_come_back() -> None:
    """esengine/DeepSeek-Reasonix#7136: the text-only model is sent the image for ever."""

    def answer(request: Any) -> Reply:
        if "image_url" in request.body.decode():
            return refused(
                "Failed to deserialize the JSON body into the target type: messages[0]: unknown "
                "variant `image_url`, expected `text`",
                type="invalid_request_error",
            )
        return Reply(ChatStream().text("Fine.").finish().done())

    @with_harness(then=answer, store=with_image())
    async def scene(harness: Harness) -> None:
        harness.settings["wire_api"] = "chat"
        await say(harness, "1", "What is this?", attachments=[SHOT])
        turn = await say(harness, "2", "And in words alone?")
        assert (turn.status, turn.text) == (TurnStatus.COMPLETED, "Fine.")

    scene()


def test_a_message_that_the_filter_refused_does_not_come_back() -> None:
    """MarimerLLC/rockbot#207: one message in the history, and each further one is blocked."""
    words = (
        "The response was filtered due to the prompt triggering Azure OpenAI's content management "
        "policy. Please modify your prompt and retry."
    )

    def answer(request: Any) -> Reply:
        if "something bad" in request.body.decode():
            return refused(words, code="content_filter")
        return reply("Fine.")

    @with_harness(then=answer)
    async def scene(harness: Harness) -> None:
        turn = await say(harness, "1", "something bad")
        assert (turn.error or {})["kind"] == "content_policy"
        turn = await say(harness, "2", "How are you?")
        assert (turn.status, turn.text) == (TurnStatus.COMPLETED, "Fine.")
        assert "left out" in harness.fetch.requests[-1].body.decode()  # type: ignore[union-attr]

    scene()


def test_an_answer_that_the_filter_stopped_does_not_close_the_conversation() -> None:
    """bytedance/deer-flow#4393: after ``content_filter`` every other question is refused too."""
    filtered = Reply(ChatStream().text("Well").finish("content_filter").done())
    words = "The request was rejected because it was considered high risk"

    def answer(request: Any) -> Reply:
        body = request.body.decode()
        if "something bad" not in body:
            return Reply(ChatStream().text("Fine.").finish().done())
        if "How are you?" in body:
            return refused(words, type="content_filter")
        return filtered

    @with_harness(then=answer)
    async def scene(harness: Harness) -> None:
        harness.settings["wire_api"] = "chat"
        turn = await say(harness, "1", "something bad")
        assert turn.status is not TurnStatus.COMPLETED
        turn = await say(harness, "2", "How are you?")
        assert (turn.status, turn.text) == (TurnStatus.COMPLETED, "Fine.")
        assert any("left out" in notice for notice in turn.notices or ())

    scene()


# --- turns that end without an answer -----------------------------------------------------------


def test_an_answer_of_reasoning_alone_is_reported() -> None:
    """EKKOLearnAI/hermes-studio#3149, sgl-project/sglang#27021, esengine/DeepSeek-Reasonix#3290.

    A turn with reasoning only looks like a silent stop.
    """
    thought = ResponsesStream().created().reasoning("Hm.").completed()

    @with_harness(Reply(thought), reply("Hello."))
    async def scene(harness: Harness) -> None:
        turn = await say(harness, "1")
        assert turn.status is TurnStatus.COMPLETED
        (notice,) = turn.view()["notices"]
        assert "without an answer" in notice
        assert found(harness, "1").finish_reason == turn.view()["finish_reason"]
        turn = await say(harness, "2")
        assert turn.notices is None

    scene()


def test_nothing_after_a_call_is_an_answer() -> None:
    """CodebuffAI/freebuff#1166: an empty stop; after a tool's output it is a way to be done."""
    call = ChatStream().tool_call("add", SUM, call_id="c").finish("tool_calls").done()

    @with_harness(Reply(call), Reply(ChatStream().delta({"content": ""}).finish("stop").done()))
    async def scene(harness: Harness) -> None:
        harness.settings["wire_api"] = "chat"
        allow(harness)
        turn = await say(harness, "1")
        assert (turn.status, turn.error) == (TurnStatus.COMPLETED, None)
        assert turn.notices == ["The model ended its answer without a text."]

    scene()


def test_a_tool_that_is_not_there_was_not_run() -> None:
    """damianvtran/local-operator-ui#312, nextlevelbuilder/goclaw#291: shown as done."""
    call = Reply(ResponsesStream().created().function_call("rm", "{}", call_id="c").completed())

    @with_harness(call, reply("Sorry."))
    async def scene(harness: Harness) -> None:
        allow(harness)
        turn = await say(harness, "1")
        (block,) = (block for block in turn.blocks if block.kind == "tool")
        assert (block.status, block.failed) == ("not_run", True)

    scene()


@pytest.mark.parametrize("status", ["expired", "something_new"])
def test_an_answer_in_the_background_that_ends_unfinished_is_no_answer(status: str) -> None:
    """ArcReel/ArcReel#651: "expired" was treated neither as an end nor as a failure."""

    def serve(request: HttpRequest) -> Reply:
        if request.method == "POST":
            return Reply(ResponsesStream().created().fail())
        if "stream=true" in request.url:
            return refused("Cannot stream a response that is too old.")
        return Reply({"id": "resp_1", "object": "response", "status": status, "output": []})

    provider = Provider(name="x", base_url="https://api.openai.com/v1", wire_api=WireApi.RESPONSES)
    client = Client(
        provider=provider, auth=ApiKeyAuth("k"), fetch=FakeFetch(then=serve), model="gpt-5"
    )
    result = run(client.complete(Prompt.from_text("x"), CallOptions(background=True)))
    assert result.error is not None
    assert result.error.kind is ErrorKind.INCOMPLETE
    assert status in result.error.message
    assert result.finish_reason == status
