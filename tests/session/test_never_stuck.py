"""Whatever a server does, the actions that the panel offers continue the conversation."""

from __future__ import annotations

import asyncio
import json
import random
from collections.abc import Callable
from typing import Any

import pytest

from sidestream.session.conversation import ConversationSettings
from sidestream.session.tools import ToolOutput
from sidestream.session.turn import TurnStatus
from sidestream.testing import ChatStream, Reply, ResponsesStream, run
from sidestream.transport import HttpRequest
from tests.session.harness import Add, Adder, Harness

SUM = '{"first": 1, "second": 2}'


class Talkative(Adder):
    async def run(self, arguments: Add, conversation_id: str) -> ToolOutput:
        return ToolOutput("row;of;a;table;" * (len(self.calls) * 300 % 900))


def error(status: int, message: str, code: str, **headers: str) -> Reply:
    return Reply({"error": {"message": message, "code": code}}, status=status, headers=headers)


def server(dice: random.Random, window: int, wire: str) -> Callable[[HttpRequest], Reply]:
    """A server with a small window, limits, failures, broken streams and useless summaries."""

    def chat(kind: str, size: int) -> Reply:
        stream = ChatStream()
        if kind in ("calls", "broken calls"):
            for index in range(dice.randint(1, 3)):
                call_id = f"c{dice.random()}"
                stream.tool_call("add", SUM, call_id=call_id, index=index)
        elif kind != "nothing":
            stream.text("SUMMARY" if kind == "summary" else "answer " * dice.randint(1, 60))
        if kind.startswith("broken"):
            return Reply(stream.fail())
        stream.finish("tool_calls" if kind == "calls" else "stop")
        return Reply(stream.usage(prompt_tokens=size, completion_tokens=50).done())

    def responses(kind: str, size: int) -> Reply:
        stream = ResponsesStream().created()
        if kind in ("calls", "broken calls"):
            for _ in range(dice.randint(1, 3)):
                stream.function_call("add", SUM, call_id=f"c{dice.random()}")
        elif kind != "nothing":
            done = kind != "broken text"
            text = "SUMMARY" if kind == "summary" else "answer " * dice.randint(1, 60)
            stream.text(text, done=done)
        if kind.startswith("broken"):
            return Reply(stream.fail())
        return Reply(stream.completed(input_tokens=size, output_tokens=50))

    def answer(request: HttpRequest) -> Reply:
        body: dict[str, Any] = json.loads(request.body or b"{}")
        parts = (body.get(name) for name in ("messages", "input", "instructions", "tools"))
        size = sum(len(json.dumps(part)) for part in parts if part) // 4
        if size > window:
            words = f"This model's maximum context length is {window} tokens, and you sent {size}."
            return error(400, words, "context_length_exceeded")
        fate = dice.random()
        if fate < 0.05:
            wait = {"retry-after": dice.choice(["5", "300", "4000"])}
            return error(429, "Rate limit", "rate_limit_exceeded", **wait)
        if fate < 0.08:
            return error(500, "Oops", "server_error")
        last = json.dumps((body.get("messages") or body["input"])[-1])
        if "Summarise our" in last:
            kind = "nothing" if fate < 0.2 else "summary"
        elif "tool" in last and fate < 0.7:
            kind = "broken calls" if fate < 0.2 else "calls"
        else:
            kind = "broken text" if fate < 0.12 else "text"
        return (chat if wire == "chat" else responses)(kind, size)

    return answer


@pytest.mark.parametrize("seed", range(10))
def test_a_conversation_is_never_stuck(seed: int) -> None:
    dice = random.Random(seed)
    wire, window = dice.choice(["chat", "responses"]), dice.choice([4_096, 8_192, 20_000])
    harness = Harness(then=server(dice, window, wire))
    harness.settings |= {"wire_api": wire, "compaction": dice.choice(["summarise", "trim"])}
    if dice.random() < 0.5:
        harness.settings["context_window"] = window
    harness.adder.__class__ = Talkative
    harness.adder.delay_s = 0.0

    async def help_on() -> bool:
        """Carry out an action that the panel offers. Returns False if there is none."""
        conversation = harness.chat.conversation
        last, waiting = conversation.last, conversation.queued
        if last is not None and last.status is TurnStatus.FAILED:
            actions = conversation.view_of(last).get("actions", [])
            if "compact" in actions:
                await harness.do("Compact", retry=last.id)
            else:
                await harness.do("Retry", id=last.id)
        elif waiting:
            await harness.do("SendNow", id=waiting[0].id)
        else:
            return False
        await harness.until_idle()
        return True

    async def play() -> None:
        await harness.begin()
        panel = harness.open_panel()
        harness.chat.open.configure(ConversationSettings(tools={"add": "always"}))
        for number in range(12):
            words = dice.choice(["use the tool, please ", "lorem ipsum "]) * dice.randint(1, 150)
            await harness.do("Send", id=str(number), text=words)
            for _ in range(12):
                await asyncio.sleep(5_000)
                await harness.until_idle()
                if not await help_on():
                    break
            end = harness.chat.conversation.path[-1]
            assert end.status not in (TurnStatus.FAILED, TurnStatus.QUEUED), (number, end.error)
        for turn in harness.chat.conversation.path:
            assert panel.turns[turn.id].text == turn.text
            assert not any(block.open for block in turn.blocks)

    run(play(), limit_s=1e9)
