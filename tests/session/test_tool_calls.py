"""Tools in a turn: what is offered, asked and carried out, and what is left of it."""

from __future__ import annotations

import asyncio
import json
from typing import Any

import pytest

from sidestream.session.conversation import ConversationSettings
from sidestream.session.tool_calls import MAX_ROUNDS
from sidestream.session.tools import Permission
from sidestream.testing import Reply, ResponsesStream, run
from sidestream.types.usage import TokenUsage
from tests.session.world import ID, MemoryStore, World, in_world, story


def calls(*arguments: str, name: str = "add", text: str = "") -> Reply:
    stream = ResponsesStream().created()
    if text:
        stream.text(text)
    for number, each in enumerate(arguments):
        stream.function_call(name, each, call_id=f"call{number}")
    return Reply(stream.completed())


def sums(*pairs: tuple[int, int]) -> Reply:
    return calls(*(json.dumps({"first": first, "second": second}) for first, second in pairs))


def allow(world: World, permission: Permission = "always") -> None:
    world.chat.open.configure(ConversationSettings(tools={"add": permission}))


def sent_items(world: World, request: int = -1) -> list[tuple[str, str]]:
    """Of each item of a request its kind, and what matters of it."""
    return [
        (item["type"], item.get("output") or item.get("arguments") or item["content"][0]["text"])
        for item in world.fetch.json(request)["input"]
    ]


def test_a_model_calls_tools_until_it_has_its_answer() -> None:
    @in_world(sums((1, 2), (3, 4)), sums((5, 6)), story("Done."), story("Yes"))
    async def scene(world: World) -> None:
        panel = world.open_panel()
        allow(world)
        world.chat.send("1", "Add")
        await world.quiet()
        assert world.adder.calls == [(1, 2), (3, 4), (5, 6)]
        assert world.adder.at_once == 2, "calls of one answer are carried out at once"
        tools = [block for block in panel.turns["1"].blocks if block.kind == "tool"]
        assert [block.output for block in tools] == ["3", "7", "11"]
        assert tools[0].shown == {"figure": "x"}
        assert tools[0].duration_ms is not None
        assert 990 <= tools[0].duration_ms < 1100
        assert panel.turns["1"].text == "Done."
        assert panel.turns["1"].usage == TokenUsage(
            input_tokens=30, output_tokens=15, total_tokens=45
        )
        assert [kind for kind, _ in sent_items(world)] == [
            "message",
            *("function_call", "function_call", "function_call_output", "function_call_output"),
            *("function_call", "function_call_output"),
        ]
        meters = [m["meter"] for m in panel.messages if m["type"] == "Meter"]
        assert meters[-1]["usage"]["total_tokens"] == 45
        assert meters[-1]["context_used"] == 15, "each call reads what was before"
        keys = [request.headers["Idempotency-Key"] for request in world.fetch.requests]
        assert len(set(keys)) == 3
        assert world.fetch.json(0)["tools"][0]["name"] == "add"
        world.chat.send("2", "Sure?")
        await world.quiet()
        assert ("function_call_output", "11") in sent_items(world)
        assert panel.turns["1"].view() == world.chat.conversation.path[0].view()


def test_no_tool_is_offered_or_carried_out_without_the_users_word() -> None:
    @in_world(sums((1, 2)), story("x"))
    async def scene(world: World) -> None:
        panel = world.open_panel()
        world.chat.send("1", "Add")
        await world.quiet()
        assert not world.fetch.json().get("tools")
        assert world.adder.calls == []
        assert panel.turns["1"].status == "completed"


def test_a_call_asks_first_and_goes_on_as_the_user_says() -> None:
    @in_world(
        sums((1, 2), (3, 4)), story("One of them."), sums((5, 6)), sums((7, 8)), story("All.")
    )
    async def scene(world: World) -> None:
        panel = world.open_panel()
        allow(world, "ask")
        world.chat.send("1", "Add")
        await asyncio.sleep(60)
        asking = [block for block in panel.turns["1"].blocks if block.asks]
        assert [block.call_id for block in asking] == ["call0", "call1"]
        assert world.adder.calls == []
        await world.do("Decide", panel=1, call="call1", allow=True)
        await world.do("Decide", panel=1, call="call0", allow=False)
        await world.do("Decide", panel=1, call="call0", allow=True)
        await world.quiet()
        assert world.adder.calls == [(3, 4)]
        outputs = [text for kind, text in sent_items(world) if kind == "function_call_output"]
        assert "not allow" in outputs[0]
        assert outputs[1] == "7"
        assert not any(block.asks for block in panel.turns["1"].blocks)
        world.chat.send("2", "Add more")
        await asyncio.sleep(1)
        await world.do("Decide", panel=1, call="call0", allow=True, always=True)
        await world.quiet()
        assert world.adder.calls == [(3, 4), (5, 6), (7, 8)]
        assert world.store.heads[ID]["settings"] == {"tools": {"add": "always"}}


def test_mistakes_of_the_model_are_told_to_it() -> None:
    @in_world(calls("{}", "junk"), calls("{}", name="delete_all"), story("Sorry."))
    async def scene(world: World) -> None:
        panel = world.open_panel()
        allow(world)
        world.chat.send("1", "Add")
        await world.quiet()
        tools = [block for block in panel.turns["1"].blocks if block.kind == "tool"]
        assert all(block.failed for block in tools)
        assert "no tool 'delete_all'" in (tools[2].output or "")
        assert panel.turns["1"].text == "Sorry."


@pytest.mark.parametrize("permission", ["always", "ask"])
def test_stop_ends_tools_too_and_the_history_stays_valid(permission: Permission) -> None:
    @in_world(calls('{"first": 1, "second": 2}', text="I add."), story("Fine."))
    async def scene(world: World) -> None:
        panel = world.open_panel()
        allow(world, permission)
        world.adder.delay_s = 20
        world.chat.send("1", "Add")
        await asyncio.sleep(2)
        assert world.adder.running == (1 if permission == "always" else 0)
        world.chat.stop()
        await world.quiet()
        assert world.adder.running == 0
        assert panel.turns["1"].status == "stopped"
        assert not any(block.asks for block in panel.turns["1"].blocks)
        world.chat.send("2", "Go on")
        await world.quiet()
        assert sent_items(world) == [
            ("message", "Add"),
            ("message", "I add."),
            ("message", "Go on"),
        ]


def test_a_process_that_ends_between_call_and_output_leaves_a_valid_history() -> None:

    async def first_life() -> dict[str, Any]:
        world = World(sums((1, 2)))
        await world.begin()
        allow(world)
        world.adder.delay_s = 20
        world.chat.send("1", "Add")
        await asyncio.sleep(5)
        return world.store.state()

    @in_world(story("Here I am."), store=MemoryStore(run(first_life())))
    async def second_life(world: World) -> None:
        panel = world.open_panel()
        assert panel.turns["1"].status == "interrupted"
        assert world.adder.calls == []
        world.chat.send("2", "Go on")
        await world.quiet()
        assert sent_items(world) == [("message", "Add"), ("message", "Go on")]


def test_a_model_that_calls_for_ever_is_ended() -> None:
    @in_world(*[sums((number, 1)) for number in range(MAX_ROUNDS + 1)], story("never"))
    async def scene(world: World) -> None:
        panel = world.open_panel()
        allow(world)
        world.chat.send("1", "Add")
        await world.quiet()
        assert len(world.adder.calls) == MAX_ROUNDS
        assert panel.turns["1"].status == "incomplete"
        assert "25 times" in (panel.turns["1"].error or {})["message"]
