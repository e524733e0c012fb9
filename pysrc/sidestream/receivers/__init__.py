"""What each receiver of a request accepts: the rules, as data, each with its source.

A *receiver* is a server, one of its two wire APIs, and the model behind it. The three together
decide which order, ids, names, reasoning, parameters and tool schemas are accepted. A receiver is
recognised by the origin of the base URL, else by the preset; where a rule belongs to the model's
chat template, also by the model's family; never by a display name. Every other receiver is
``unknown``, and gets only what all receivers take.

The builders in `sidestream.payload` obey these rules; `sidestream.testing.check_request` checks
requests against them. A source is a public report (repository#number), a server's documentation,
or the wording of its error.
"""

from __future__ import annotations

from dataclasses import replace
from typing import Any

from sidestream.provider import Provider
from sidestream.receivers._families import bare_name, is_made_by_others, reasons_at_openai
from sidestream.receivers._family_rules import family_rules
from sidestream.receivers._rules import (
    CACHE_KEY_LENGTH,
    NO_REASONING,
    SKIP_SIGNATURE,
    ReasoningBack,
    Receiver,
    SchemaRules,
)
from sidestream.receivers._table import RULES
from sidestream.types.wire_api import WireApi

RECEIVERS = tuple(RULES)
"""The keys of all receivers."""


def receiver_of(provider: Provider, model: str, wire_api: WireApi | None = None) -> Receiver:
    """The rules for a provider, a model and a wire API (the provider's own unless given)."""
    return receiver(provider.maker, model, wire_api or provider.wire_api)


def receiver(key: str, model: str = "", wire_api: WireApi = WireApi.CHAT) -> Receiver:
    """The rules by a receiver's key (one of `RECEIVERS`), for a model and a wire API."""
    rules: dict[str, Any] = {"wire_api": wire_api}
    found = RULES[key]
    if found.first_party and wire_api is WireApi.CHAT:
        # Ids of 40 characters (azure-sdk-for-python#45920, autogen#6377).
        rules |= {"call_id_length": 40, "unknown_fields": False, "cache_key": key == "openai"}
    if not found.first_party or (key == "azure" and is_made_by_others(model)):
        # Azure serves the models of other makers too.
        rules |= family_rules(found, bare_name(model))
    if wire_api is WireApi.CHAT:
        # Chat Completions have functions and plain text only.
        rules |= {
            "namespaces": False,
            "custom_calls": False,
            "provider_items": False,
            "encrypted_reasoning": False,
            "raw_reasoning": rules.get("reasoning_back", found.reasoning_back) != "never",
        }
    return replace(found, **rules)


__all__ = [
    "CACHE_KEY_LENGTH",
    "NO_REASONING",
    "RECEIVERS",
    "SKIP_SIGNATURE",
    "ReasoningBack",
    "Receiver",
    "SchemaRules",
    "reasons_at_openai",
    "receiver",
    "receiver_of",
]
