"""The provider's own tools: who has which, and what a conversation offers of them."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

from sidestream.provider import PRESETS, WireApi
from sidestream.session.connection import connect
from sidestream.session.conversation import ConversationSettings
from sidestream.session.provider_tools import PROVIDER_TOOLS, offered, provider_tools
from sidestream.testing import FakeFetch
from tests.session.world import World, in_world, story

# The panel's table is tested with the same (tests/js/provider-tools.test.js).
TABLE = json.loads(
    (Path(__file__).parents[1] / "fixtures" / "provider-tools.json").read_text(encoding="utf-8")
)
EVERYTHING = ConversationSettings(
    tools=dict.fromkeys(PROVIDER_TOOLS, "always"), vector_stores=["vs_1"]
)


def test_each_preset_has_what_the_table_says() -> None:
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
    # It would run without a question.
    for word in ("ask", "never"):
        settings = ConversationSettings(tools=dict.fromkeys(PROVIDER_TOOLS, word))
        assert offered(settings, has) == []


def test_a_file_search_without_a_place_to_look_in_is_not_offered() -> None:
    for stores in (None, []):
        settings = EVERYTHING.model_copy(update={"vector_stores": stores})
        tools = offered(settings, provider_tools("custom", WireApi.RESPONSES))
        assert "file_search" not in [tool.type for tool in tools]


def test_a_conversation_goes_on_with_a_provider_that_has_none_of_them() -> None:
    @in_world(story("First"), story("Second"))
    async def scene(world: World) -> None:
        panel = world.open_panel()
        world.chat.open.configure(EVERYTHING)
        world.chat.send("1", "Hi")
        await world.quiet()
        assert [tool["type"] for tool in world.fetch.json()["tools"]] == [*PROVIDER_TOOLS]
        world.settings |= {"preset": "ollama"}
        world.chat.send("2", "And now?")
        await world.quiet()
        assert "tools" not in world.fetch.json()
        assert panel.texts() == {"1": "First", "2": "Second"}
