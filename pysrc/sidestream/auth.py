"""Credentials for a provider: none, an API key, or a ChatGPT sign-in."""

from __future__ import annotations

import asyncio
import base64
import binascii
import json
import re
from collections.abc import Awaitable, Callable, Mapping
from datetime import UTC, datetime
from typing import Any, Protocol, Self

from sidestream._json import parse
from sidestream.errors import ErrorKind, SidestreamError, without_secrets
from sidestream.texts import text
from sidestream.transport import Fetch, HttpRequest

TOKEN_URL = "https://auth.openai.com/oauth/token"  # noqa: S105 - an address
CLIENT_ID = "app_EMoamEEZ73f0CkXaXp7hrann"
"""Codex's public OAuth client, to which the tokens of an ``auth.json`` belong."""
REFRESH_AHEAD_S = 60
"""A token is renewed this long before it expires."""
REFRESH_INTERVAL_S = 8 * 24 * 3600
"""Codex renews a token whose expiry it does not know when its last refresh is this old."""
ORIGINATOR = "sidestream"

_AUTH_CLAIM = "https://api.openai.com/auth"
_MAX_BODY_BYTES = 1 << 20


class Auth(Protocol):
    """Gives the headers with the credentials of a request."""

    @property
    def mode(self) -> str:
        """``none``, ``api_key`` or ``chatgpt``."""
        ...

    async def headers(self, fetch: Fetch) -> dict[str, str]:
        """Return the headers of the next request. Renews a token that is about to expire."""
        ...

    async def refresh(self, fetch: Fetch) -> bool:
        """Renew the credentials, once after a 401. True: the request is worth another try.

        Raises `SidestreamError` of kind ``sign_in_required``, or a retryable one when the renewal
        failed for now.
        """
        ...


class NoAuth:
    """No credentials, as for most local servers."""

    mode = "none"

    async def headers(self, fetch: Fetch) -> dict[str, str]:
        """No headers."""
        return {}

    async def refresh(self, fetch: Fetch) -> bool:
        """There is nothing to renew."""
        return False

    def __repr__(self) -> str:
        return "NoAuth()"


# Text that people copy along with a key: the name of a header or a variable, quotes, blanks.
_KEY_PREFIX = re.compile(
    r"(?:export\s+|set\s+)?(?:authorization|proxy-authorization|(?:x-)?(?:goog-)?api[-_ ]?key"
    r"|[A-Z][A-Z0-9_]{2,60}(?:KEY|TOKEN)|[a-z_]{0,40}api_key)[\"']?\s*[:=]\s*|bearer[\s:]+",
    re.I,
)
_AROUND_A_KEY = (
    " \t\r\n\f\v\u00a0\u200b\u200c\u200d\u2060\u3000\ufeff\"'`,;\u201c\u201d\u2018\u2019"
)


def clean_key(text: str) -> str:
    """Clean a pasted key of what was copied along with it.

    Understands lines of curl, of .env files and of JSON: ``Authorization: Bearer sk-...``,
    ``export OPENAI_API_KEY="sk-..."``, ``"api_key": "sk-..."``.
    """
    key = text.strip(_AROUND_A_KEY)
    while prefix := _KEY_PREFIX.match(key):
        key = key[prefix.end() :].strip(_AROUND_A_KEY)
    # A terminal breaks long lines, and the break is copied with them.
    return "".join(line.strip() for line in key.splitlines())


class ApiKeyAuth:
    """An API key, sent as a bearer token (to Azure as ``api-key``)."""

    mode = "api_key"

    def __init__(self, api_key: str) -> None:
        self._api_key = clean_key(api_key)

    async def headers(self, fetch: Fetch) -> dict[str, str]:
        """The ``Authorization`` header; nothing when the key is blank."""
        return {"Authorization": f"Bearer {self._api_key}"} if self._api_key else {}

    async def refresh(self, fetch: Fetch) -> bool:
        """A key that was refused stays refused."""
        return False

    def __repr__(self) -> str:
        return "ApiKeyAuth(***)"


class ChatGptAuth:
    """The ChatGPT sign-in of a Codex ``auth.json``.

    Tokens are renewed a minute before they expire and once after a 401; calls that need a new token
    at the same time share one renewal, since a refresh token is good for one use only.

    ``auth_json`` is the file's content, as text or parsed; ``now`` gives the seconds since 1970;
    ``on_refresh`` gets the new content of the file after each renewal, to be stored; what it
    returns is awaited before the new token is used. Raises `SidestreamError` of kind
    ``configuration`` when the file holds no ChatGPT tokens.
    """

    mode = "chatgpt"

    def __init__(
        self,
        auth_json: str | bytes | Mapping[str, Any],
        *,
        now: Callable[[], float],
        on_refresh: Callable[[dict[str, Any]], Awaitable[None] | None] | None = None,
        originator: str = ORIGINATOR,
    ) -> None:
        self._stored = _parse_auth_json(auth_json)
        self._now = now
        self._on_refresh = on_refresh
        self._originator = originator
        self._renewal: asyncio.Task[None] | None = None

    @classmethod
    def from_auth_json(
        cls, auth_json: str | bytes | Mapping[str, Any], **arguments: Any
    ) -> Self | ApiKeyAuth:
        """The sign-in of an ``auth.json``, or its API key when it holds no tokens but a key."""
        try:
            return cls(auth_json, **arguments)
        except SidestreamError:
            key = _load(auth_json).get("OPENAI_API_KEY")
            if isinstance(key, str) and key.strip():
                return ApiKeyAuth(key)
            raise

    def __repr__(self) -> str:
        return "ChatGptAuth(***)"

    @property
    def _tokens(self) -> dict[str, Any]:
        tokens: dict[str, Any] = self._stored["tokens"]
        return tokens

    @property
    def account_id(self) -> str | None:
        """The ChatGPT account, from the tokens' claim, else as stored beside them."""
        for name in ("id_token", "access_token"):
            claim = _claims(self._tokens.get(name)).get("chatgpt_account_id")
            if isinstance(claim, str) and claim:
                return claim
        stored = self._tokens.get("account_id")
        return stored if isinstance(stored, str) and stored else None

    @property
    def plan_type(self) -> str | None:
        """The ChatGPT plan (``plus``, ``pro``, ...), from the id token."""
        plan = _claims(self._tokens.get("id_token")).get("chatgpt_plan_type")
        return plan if isinstance(plan, str) else None

    @property
    def expires_at(self) -> float | None:
        """When the access token expires, in seconds since 1970, if the token holds that."""
        expiry = _jwt_payload(self._tokens.get("access_token")).get("exp")
        if isinstance(expiry, (int, float)) and not isinstance(expiry, bool):
            return float(expiry)
        return None

    @property
    def is_stale(self) -> bool:
        """Whether the access token should be renewed before it is used again."""
        expires_at = self.expires_at
        if expires_at is not None:
            return expires_at - self._now() <= REFRESH_AHEAD_S
        refreshed_at = _timestamp(self._stored.get("last_refresh"))
        return refreshed_at is not None and self._now() - refreshed_at >= REFRESH_INTERVAL_S

    async def headers(self, fetch: Fetch) -> dict[str, str]:
        """Bearer token, account and originator. Renews the token first when it is stale."""
        if self.is_stale:
            try:
                await self._renew(fetch)
            except SidestreamError:
                # The old token is used as long as it is valid.
                if self.expires_at is None or self.expires_at <= self._now():
                    raise
        headers = {
            "Authorization": f"Bearer {self._tokens['access_token']}",
            "originator": self._originator,
        }
        if self.account_id:
            headers["ChatGPT-Account-ID"] = self.account_id
        if _claims(self._tokens.get("id_token")).get("chatgpt_account_is_fedramp") is True:
            headers["X-OpenAI-Fedramp"] = "true"
        return headers

    async def refresh(self, fetch: Fetch) -> bool:
        """Renew the tokens."""
        await self._renew(fetch)
        return True

    async def _renew(self, fetch: Fetch) -> None:
        """Renew the tokens, or wait for a renewal that is running."""
        if self._renewal is None:
            self._renewal = asyncio.ensure_future(self._request_tokens(fetch))
            self._renewal.add_done_callback(self._renewal_done)
        # When one caller is cancelled, the renewal continues, so that the tokens are not lost.
        await asyncio.shield(self._renewal)

    def _renewal_done(self, renewal: asyncio.Task[None]) -> None:
        self._renewal = None
        if not renewal.cancelled():
            renewal.exception()  # read, so that asyncio does not warn when no caller is left

    async def _request_tokens(self, fetch: Fetch) -> None:
        refresh_token = self._tokens.get("refresh_token")
        if not isinstance(refresh_token, str) or not refresh_token:
            raise _sign_in(text("error_sign_in_no_refresh"))
        body = {
            "client_id": CLIENT_ID,
            "grant_type": "refresh_token",
            "refresh_token": refresh_token,
            "scope": "openid profile email",
        }
        response = await fetch(
            HttpRequest(
                "POST",
                TOKEN_URL,
                {"Content-Type": "application/json", "Accept": "application/json"},
                json.dumps(body).encode(),
            )
        )
        received = bytearray()
        try:
            async for chunk in response.chunks():
                received += chunk
                if len(received) > _MAX_BODY_BYTES:
                    break
        finally:
            await response.aclose()
        answer = _json_object(bytes(received))
        if not 200 <= response.status < 300:
            failure = _refresh_failure(response.status, answer)
            tokens = (token for token in self._tokens.values() if isinstance(token, str))
            raise without_secrets(failure, tokens)
        access_token = answer.get("access_token")
        if not isinstance(access_token, str) or not access_token:
            raise _try_later(text("error_sign_in_no_token"), response.status)
        await self._store(answer)

    async def _store(self, answer: dict[str, Any]) -> None:
        new = {
            name: answer[name]
            for name in ("access_token", "refresh_token", "id_token")
            if isinstance(answer.get(name), str) and answer[name]
        }
        refreshed = datetime.fromtimestamp(self._now(), UTC)
        self._stored = {
            **self._stored,
            "tokens": {**self._tokens, **new},
            "last_refresh": refreshed.isoformat().replace("+00:00", "Z"),
        }
        if self._on_refresh:
            storing = self._on_refresh(json.loads(json.dumps(self._stored)))
            if storing is not None:
                await storing


def _refresh_failure(status: int, answer: dict[str, Any]) -> SidestreamError:
    """The error of a failed renewal. As in Codex, 401 is final; so is ``invalid_grant``."""
    error = answer.get("error")
    code = error.get("code") if isinstance(error, dict) else error
    code = code if isinstance(code, str) else answer.get("code")
    code = code[:100].lower() if isinstance(code, str) else ""
    reasons = {
        "refresh_token_expired": "error_sign_in_expired",
        "refresh_token_reused": "error_sign_in_used",
        "refresh_token_invalidated": "error_sign_in_revoked",
        "invalid_grant": "error_sign_in_invalid",
    }
    if status == 401 or code in reasons:
        message = text(reasons.get(code, "error_sign_in_not_renewed"))
        return _sign_in(message, status, code)
    return _try_later(text("error_sign_in_server"), status)


def _sign_in(message: str, status: int | None = None, code: str = "") -> SidestreamError:
    return SidestreamError(
        ErrorKind.SIGN_IN_REQUIRED,
        message,
        hint=text("hint_sign_in_again"),
        status=status,
        server_code=code or None,
    )


def _try_later(message: str, status: int) -> SidestreamError:
    return SidestreamError(
        ErrorKind.SERVER_ERROR,
        message,
        hint=text("hint_try_later"),
        retryable=True,
        status=status,
    )


def _load(auth_json: str | bytes | Mapping[str, Any]) -> dict[str, Any]:
    if isinstance(auth_json, (str, bytes)):
        return _json_object(auth_json)
    return dict(auth_json)


def _parse_auth_json(auth_json: str | bytes | Mapping[str, Any]) -> dict[str, Any]:
    stored = _load(auth_json)
    tokens = stored.get("tokens")
    tokens = tokens if isinstance(tokens, dict) else {}
    access_token = tokens.get("access_token")
    if not isinstance(access_token, str) or not access_token.strip():
        raise SidestreamError(
            ErrorKind.CONFIGURATION,
            text("error_no_tokens"),
            hint=text("hint_no_tokens"),
        )
    return {**stored, "tokens": {**tokens, "access_token": access_token.strip()}}


def _json_object(text: str | bytes) -> dict[str, Any]:
    try:
        value = parse(text)
    except ValueError:
        return {}
    return value if isinstance(value, dict) else {}


def _jwt_payload(token: Any) -> dict[str, Any]:
    """The payload of a JSON web token, or nothing. The server checks the signature."""
    parts = token.split(".") if isinstance(token, str) else []
    if len(parts) != 3:
        return {}
    try:
        payload = base64.urlsafe_b64decode(parts[1] + "=" * (-len(parts[1]) % 4))
    except (binascii.Error, ValueError):
        return {}
    return _json_object(payload)


def _claims(token: Any) -> dict[str, Any]:
    claims = _jwt_payload(token).get(_AUTH_CLAIM)
    return claims if isinstance(claims, dict) else {}


def _timestamp(value: Any) -> float | None:
    if not isinstance(value, str):
        return None
    # Codex writes nanoseconds, of which Python reads six digits.
    whole, dot, fraction = value.strip().replace("Z", "+00:00").partition(".")
    if dot:
        digits = len(fraction) - len(fraction.lstrip("0123456789"))
        whole += f".{fraction[:digits][:6]}{fraction[digits:]}"
    try:
        moment = datetime.fromisoformat(whole)
    except ValueError:
        return None
    return (moment if moment.tzinfo else moment.replace(tzinfo=UTC)).timestamp()
