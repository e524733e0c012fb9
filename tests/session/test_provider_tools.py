"""The provider's tools: which provider has which, and which ones a conversation offers."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

from sidestream.payload.responses import build_responses_request
from sidestream.presets import PRESETS
from sidestream.prompt import CallOptions, Prompt
from sidestream.provider import Provider
from sidestream.session.connection import connect
from sidestream.session.conversation import Conversation, ConversationSettings
from sidestream.session.provider_tools import PROVIDER_TOOLS, offered, provider_tools
from sidestream.session.tool_results import MAX_SHOWN, hold_back
from sidestream.session.turn import Turn, TurnStatus
from sidestream.testing import FakeFetch, Reply, ResponsesStream
from sidestream.types.events import response_event
from sidestream.types.wire_api import WireApi
from tests.session.harness import Harness, reply, with_harness

# The panel's table is tested with the same (tests/js/provider-tools.test.js).
TABLE = json.loads(
    (Path(__file__).parents[1] / "fixtures" / "provider-tools.json").read_text(encoding="utf-8")
)
EVERYTHING = ConversationSettings(
    tools=dict.fromkeys(PROVIDER_TOOLS, "always"), vector_stores=["vs_1"]
)


def test_each_preset_has_the_tools_of_the_table() -> None:
    assert TABLE.keys() == PRESETS.keys()
    for preset, tools in TABLE.items():
        assert provider_tools(preset, WireApi.RESPONSES) == tools
        assert provider_tools(preset, WireApi.CHAT) == {}


@pytest.mark.parametrize("preset", PRESETS)
@pytest.mark.parametrize("wire_api", WireApi)
def test_a_connection_knows_them(preset: str, wire_api: WireApi) -> None:
    settings = {"preset": preset, "model": "m", "base_url": "https://a.test", "wire_api": wire_api}
    data: dict[str, Any] = {"settings": settings, "api_key": "k"}
    known = connect(data, FakeFetch()).provider_tools
    assert known == (TABLE[preset] if wire_api is WireApi.RESPONSES else {})


def test_only_what_is_on_and_what_the_provider_has_is_offered() -> None:
    has = provider_tools("openai", WireApi.RESPONSES)
    assert offered(ConversationSettings(), has) == []
    assert [tool.type for tool in offered(EVERYTHING, has)] == [*PROVIDER_TOOLS]
    assert [tool.type for tool in offered(EVERYTHING, TABLE["chatgpt"])] == [
        "web_search",
        "image_generation",
    ]
    assert offered(EVERYTHING, {}) == []
    # It would run without an approval.
    for word in ("ask", "never"):
        settings = ConversationSettings(tools=dict.fromkeys(PROVIDER_TOOLS, word))
        assert offered(settings, has) == []


def test_a_file_search_without_a_place_to_look_in_is_not_offered() -> None:
    for stores in (None, []):
        settings = EVERYTHING.model_copy(update={"vector_stores": stores})
        tools = offered(settings, provider_tools("custom", WireApi.RESPONSES))
        assert "file_search" not in [tool.type for tool in tools]


@with_harness(reply("First"), reply("Second"))
async def test_a_conversation_continues_with_a_provider_that_has_none_of_them(
    harness: Harness,
) -> None:
    panel = harness.open_panel()
    harness.chat.open.configure(EVERYTHING)
    harness.chat.send("1", "Hi")
    await harness.until_idle()
    assert [tool["type"] for tool in harness.fetch.json()["tools"]] == [*PROVIDER_TOOLS]
    harness.settings |= {"preset": "ollama"}
    harness.chat.send("2", "And now?")
    await harness.until_idle()
    assert "tools" not in harness.fetch.json()
    assert panel.texts() == {"1": "First", "2": "Second"}


# --- images ------------------------------------------------------------------------------------

PNG = "iVBORw0KGgo" + "A" * 50_000


def drawn(item_id: str = "ig_1") -> Reply:
    item = {"type": "image_generation_call", "id": item_id, "status": "in_progress"}
    done = {**item, "status": "completed", "revised_prompt": "A cat", "result": PNG}
    stream = ResponsesStream().created()
    stream.send("response.output_item.added", output_index=0, item=item)
    stream.send("response.image_generation_call.generating", output_index=0, item_id=item_id)
    stream.send("response.output_item.done", output_index=0, item=done)
    return Reply(stream.text("Here it is.").completed())


@with_harness(drawn(), reply("A cat."))
async def test_an_image_is_kept_once_and_sent_to_the_panel_once(harness: Harness) -> None:
    harness.settings |= {"preset": "openai"}
    early = harness.open_panel()
    harness.chat.open.configure(EVERYTHING)
    harness.chat.send("1", "Draw a cat")
    await harness.until_idle()
    told = [json.dumps(message).count(PNG) for message in early.messages]
    assert sum(told) == 1, "with its event alone"
    assert json.dumps(harness.store.last("1")).count(PNG) == 1
    # Panels that open later get it with the conversation.
    late = harness.open_panel()
    assert late.turns["1"].blocks[0].shown == {"figures": [{"type": "png", "base64": PNG}]}
    view = harness.chat.conversation.path[0].view(whole=False)
    assert "shown" not in view["blocks"][0]
    harness.chat.send("2", "What is it?")
    await harness.until_idle()
    sent = harness.fetch.json()["input"][1]
    assert sent == {
        "type": "image_generation_call",
        "id": "ig_1",
        "status": "completed",
        "revised_prompt": "A cat",
        "result": PNG,
    }
    assert harness.fetch.json(0)["include"] == [
        "web_search_call.action.sources",
        "code_interpreter_call.outputs",
        "file_search_call.results",
    ]


def test_items_without_ids_each_show_their_own() -> None:
    turn = Turn(id="t", user="?", created_at=0)
    for result in (PNG, "/9j/AAAA"):
        item = {"type": "image_generation_call", "status": "completed", "result": result}
        turn.apply(response_event.validate_python({"type": "OutputItemDone", "item": item}))
    shown = [block["shown"]["figures"][0]["type"] for block in turn.view()["blocks"]]
    assert shown == ["png", "jpeg"]


def test_items_that_another_provider_stored_are_sent_as_function_calls() -> None:
    conversation = Conversation(id="c")
    turn = conversation.add("1", "Compute", 0)
    turn.start()
    turn.origin = "https://one.test"
    item = {"type": "code_interpreter_call", "id": "ci_1", "status": "completed", "code": "1"}
    turn.apply(response_event.validate_python({"type": "OutputItemDone", "item": item}))
    turn.finish(TurnStatus.COMPLETED)
    following = conversation.add("2", "And?", 1)
    sent = {}
    for origin in ("https://one.test", "https://two.test"):
        prompt = Prompt(input=conversation.history(following, origin))
        provider = Provider(name="Test", base_url=f"{origin}/v1")
        request = build_responses_request(prompt, CallOptions(model="m"), provider)
        sent[origin] = json.dumps(request["input"])
    assert "ci_1" in sent["https://one.test"]
    assert "ci_1" not in sent["https://two.test"]
    assert all("code_interpreter" in items for items in sent.values())


def test_the_latest_images_come_with_the_conversation_and_the_others_when_asked_for() -> None:
    share = MAX_SHOWN // 2 - 10
    conversation = Conversation(id="c")
    for number in range(4):
        turn = conversation.add(str(number), "Draw", number)
        turn.start()
        result = PNG[:11] + "A" * (share - 11)
        item = {"type": "image_generation_call", "id": f"ig_{number}", "result": result}
        turn.apply(response_event.validate_python({"type": "OutputItemDone", "item": item}))
        turn.finish(TurnStatus.COMPLETED)
    shown = [turn["blocks"][0]["shown"] for turn in conversation.view()["turns"]]
    assert [part.get("held_back", False) for part in shown] == [True, True, False, False]
    assert shown[0] == {"held_back": True}
    assert len(shown[3]["figures"][0]["base64"]) == share


def test_what_is_held_back_leaves_the_sources() -> None:
    figures = [{"type": "svg", "text": "x" * 10}]
    blocks: list[dict[str, Any]] = [
        {"shown": {"figures": figures, "sources": [{"title": "a"}]}},
        {},
        {"shown": {"files": [{"name": "f", "size": 9}]}},
        {"shown": {"figures": figures}},
    ]
    assert hold_back(blocks, 15) == 5
    assert blocks == [
        {"shown": {"sources": [{"title": "a"}], "held_back": True}},
        {},
        {"shown": {"files": [{"name": "f", "size": 9}]}},
        {"shown": {"figures": figures}},
    ]
