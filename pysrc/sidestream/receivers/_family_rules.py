"""What a model's chat template or its maker requires, at any server."""

from __future__ import annotations

import re
from typing import Any

from sidestream.receivers._rules import Receiver
from sidestream.receivers._table import STRICT_TEMPLATE

# Their template and tokenizer (mistral-common) make the rules, at any server: vLLM, NIM,
# Scaleway, oMLX (hermes-agent#20154, LibreChat-AI/agents#344, jundot/omlx#1995, pi-neuralwatt#12).
_MISTRAL = re.compile(r"(?:mis|minis|magis)tral|mixtral|devstral|codestral|pixtral|voxtral")
# "tool_use.id: String should match pattern" (ClawRouter#17, nanobot#4356, forgecode#1142); no
# assistant message at the end since Claude 4.6 (CLIProxyAPI#5319, opencode#29760).
_CLAUDE = re.compile(r"claude")
# Kimi's thinking models (pi#4251, zeroclaw#5600, OmniRoute#6419).
_KIMI = re.compile(r"kimi-(?:k2\.[5-9]|k2-thinking|k[3-9]|for-coding|latest|thinking)")
# DeepSeek's since V4, which think unless told not to (pi#3636, paper-chat-for-zotero#16).
_DEEPSEEK = re.compile(r"deepseek-(?:v[4-9]|v\d\d|reasoner|flash|pro)")
# Those before Gemini 3 know no thought signatures (rust-genai#115).
_GEMINI = re.compile(r"gemini")
_OLD_GEMINI = re.compile(r"gemini-[12](?!\d)|gemini-pro$")


def family_rules(found: Receiver, name: str) -> dict[str, Any]:
    """The rules that differ from the receiver's own because of the model."""
    rules: dict[str, Any] = {}
    if _MISTRAL.search(name) or found.key == "mistral":
        # Nine letters or digits: mistral-common's validator (vllm#12332, opencode#1680,
        # mistral-vibe#1075). Null content is refused by its server (mistral-common#324).
        rules |= {
            **STRICT_TEMPLATE,
            "call_id_exact": True,
            "call_id_length": 9,
            "call_id_characters": "alphanumeric",
            "empty_content": "",
        }
    elif _CLAUDE.search(name):
        rules |= {"call_id_characters": "word", "ends_with_user": True, "system_first": True}
    elif _GEMINI.search(name):
        # A gateway's translation needs the name as well (hermes-agent#16482, gcli2api#200).
        rules["tool_name"] = True
        if found.key == "gemini":
            old = bool(_OLD_GEMINI.search(name))
            rules["thought_signatures"] = not old
            # Thinking can be turned off in the smaller models of 2.5 alone (DeepTutor#809).
            if not old or "pro" in name:
                rules["efforts"] = tuple(word for word in found.efforts if word != "none")
    elif found.reasoning_back != "never" and _needs_reasoning(found, name):
        rules |= {"needs_reasoning": True, "reasoning_back": "always"}
    return rules


def _needs_reasoning(found: Receiver, name: str) -> bool:
    if found.key == "moonshot":
        return not name.startswith("moonshot-v1")
    # The older names at DeepSeek mean modes of the same models.
    return bool(_KIMI.search(name) or _DEEPSEEK.search(name)) or found.key == "deepseek"
