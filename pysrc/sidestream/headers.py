"""The headers of a request: the client's own, those of the sign-in, and the user's."""

from __future__ import annotations

import re
from collections.abc import Mapping

from sidestream.errors import ErrorKind, SidestreamError
from sidestream.prompt import CallOptions
from sidestream.provider import Provider
from sidestream.texts import text
from sidestream.types.wire_api import WireApi

_TOKEN = re.compile(r"[!#$%&'*+.^_`|~0-9A-Za-z-]+")
# "Forbidden request-header" of the Fetch standard.
_FORBIDDEN_HEADERS = {
    *("accept-charset", "accept-encoding", "access-control-request-headers"),
    *("access-control-request-method", "access-control-request-private-network", "connection"),
    *("content-length", "cookie", "cookie2", "date", "dnt", "expect", "host", "keep-alive"),
    *("origin", "referer", "set-cookie", "te", "trailer", "transfer-encoding", "upgrade", "via"),
}


def request_headers(
    provider: Provider,
    auth_headers: Mapping[str, str],
    options: CallOptions | None = None,
    *,
    request_id: str | None = None,
    accept: str = "text/event-stream",
) -> dict[str, str]:
    """Make all headers of one request.

    The provider's ``http_headers`` win over all others, since the user wrote them. A blank one does
    not count, so that a key is never lost by accident.

    Raises `SidestreamError` of kind ``configuration``, naming the header that cannot be sent.
    """
    headers = _Headers()
    headers.add("Content-Type", "application/json")
    headers.add("Accept", accept)
    if provider.is_first_party:
        wire_api = (options and options.wire_api) or provider.wire_api
        if wire_api is WireApi.RESPONSES:
            headers.add("OpenAI-Beta", "responses=experimental")
        if options and options.conversation_id:
            for name in ("conversation_id", "session_id", "session-id", "thread-id"):
                headers.add(name, options.conversation_id)
        if request_id:
            headers.add("x-client-request-id", request_id)
    model = options.resolved_model() if options and options.model else None
    if provider.is_chatgpt and model and model.uses_responses_lite:
        headers.add("x-openai-internal-codex-responses-lite", "true")
    if options and options.idempotency_key:
        headers.add("Idempotency-Key", options.idempotency_key)
    headers.add("OpenAI-Organization", provider.organization or "")
    headers.add("OpenAI-Project", provider.project or "")
    for name, value in auth_headers.items():
        if provider.is_azure and name.lower() == "authorization":
            name, value = _azure_key(value)
        headers.add(name, value)
    for name, value in provider.http_headers.items():
        headers.add(name, value)
    return headers.values


def _azure_key(authorization: str) -> tuple[str, str]:
    """Azure reads API keys from ``api-key``; only Entra ID tokens (JWTs) are bearer tokens."""
    token = authorization.removeprefix("Bearer ").strip()
    if token.startswith("eyJ") and token.count(".") == 2:
        return "Authorization", authorization
    return "api-key", token


class _Headers:
    """Headers by name in any case; the last one of a name wins."""

    def __init__(self) -> None:
        self.values: dict[str, str] = {}
        self._spelt: dict[str, str] = {}

    def add(self, name: str, value: str) -> None:
        value = value.strip(" \t\r\n")
        name = name.strip()
        key = name.lower()
        if not value or not name:
            return
        if not _TOKEN.fullmatch(name):
            raise _bad_header(_shown(name), "error_header_name")
        if key in _FORBIDDEN_HEADERS or key.startswith(("proxy-", "sec-")):
            return
        if re.search(r"[\x00-\x08\x0a-\x1f\x7f]", value):
            raise _bad_header(name, "error_header_control")
        if re.search(r"[^\x00-\xff]", value):
            raise _bad_header(name, "error_header_character")
        self.values.pop(self._spelt.get(key, name), None)
        self._spelt[key] = name
        self.values[name] = value


def _shown(name: str) -> str:
    """The part of a bad name that is certainly a name: the rest may be a pasted key."""
    good = _TOKEN.match(name)
    return good.group()[:40] if good else "?"


def _bad_header(name: str, key: str) -> SidestreamError:
    is_key = name.lower() in ("authorization", "api-key")
    hint = text("hint_header_key" if is_key else "hint_header")
    return SidestreamError(ErrorKind.CONFIGURATION, text(key, name=repr(name)), hint=hint)
