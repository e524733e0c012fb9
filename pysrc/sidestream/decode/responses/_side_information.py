"""What a response's events carry beside the answer: the model, safety buffering, moderation."""

from __future__ import annotations

from sidestream.decode._events import Events
from sidestream.decode._frames import mended
from sidestream.decode.responses._frames import Frame, model_in_headers
from sidestream.types.events import (
    ModelVerifications,
    SafetyBuffering,
    ServerModel,
    TurnModerationMetadata,
)

# Codex's enum of what `ModelVerifications` may hold.
_VERIFICATIONS = frozenset({"trusted_access_for_cyber"})


class SideInformation:
    """Reports side information when it is new or has changed."""

    __slots__ = ("_faster_model", "_safety", "_server_model")

    def __init__(self, faster_model: str | None) -> None:
        self._faster_model = faster_model
        self._server_model = ""
        self._safety: SafetyBuffering | None = None

    def read(self, frame: Frame, events: Events) -> None:
        """Read the model's name and the safety buffering, which any event may carry."""
        for headers in (frame.get("response", {}).get("headers"), frame.get("headers")):
            model = model_in_headers(headers)
            if model:
                if model != self._server_model:
                    self._server_model = model
                    events.append(ServerModel(model=model))
                break
        safety = frame.get("safety_buffering")
        if safety is None:
            return
        use_cases, reasons = safety.get("use_cases"), safety.get("reasons")
        if not isinstance(use_cases, list) or not isinstance(reasons, list):
            return
        faster = safety.get("retry_model", self._faster_model)
        event = SafetyBuffering(
            use_cases=[case for case in use_cases if isinstance(case, str)],
            reasons=[reason for reason in reasons if isinstance(reason, str)],
            faster_model=faster if isinstance(faster, str) else None,
        )
        if event != self._safety:
            self._safety = event
            events.append(event)


def read_metadata(frame: Frame, events: Events) -> None:
    """Read a ``response.metadata`` event: verifications and moderation."""
    metadata = frame.get("metadata", {})
    advised = metadata.get("openai_verification_recommendation")
    if isinstance(advised, list):
        known = [name for name in advised if isinstance(name, str) and name in _VERIFICATIONS]
        if known:
            events.append(ModelVerifications(verifications=list(dict.fromkeys(known))))
    moderation = metadata.get("openai_chatgpt_moderation_metadata")
    if moderation is not None:
        events.append(TurnModerationMetadata(metadata=mended(moderation)))
