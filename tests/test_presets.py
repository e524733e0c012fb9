from __future__ import annotations

from sidestream.presets import PRESETS
from sidestream.provider import MAKERS_WITH_PRESET
from sidestream.types.wire_api import WireApi


def test_every_preset_is_consistent() -> None:
    assert set(PRESETS) == {
        *("openai", "azure", "chatgpt", "openrouter", "ollama"),
        *("lmstudio", "llamacpp", "vllm", "custom"),
    }
    for key, preset in PRESETS.items():
        provider = preset.provider()
        assert preset.key == key
        assert preset.wire_api in preset.wire_apis
        assert provider.wire_api is preset.wire_api
        assert preset.label
        if key != "custom":
            assert provider.url(preset.wire_api.path).startswith("http")
        if preset.needs_key:
            assert preset.key_url.startswith("https://")
            assert preset.key_hint
        assert not (preset.needs_key and preset.needs_sign_in)
        assert provider.is_first_party is (key in ("openai", "azure", "chatgpt"))
    assert PRESETS["llamacpp"].provider().reasoning_field == "reasoning_content"
    assert PRESETS["ollama"].provider(wire_api=WireApi.RESPONSES).wire_api is WireApi.RESPONSES


def test_every_preset_but_the_custom_one_names_its_server() -> None:
    assert set(PRESETS) == MAKERS_WITH_PRESET | {"custom"}
    for key in MAKERS_WITH_PRESET:
        elsewhere = PRESETS[key].provider(base_url="https://proxy.example/v1")
        assert elsewhere.maker == key
