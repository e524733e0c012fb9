"""Cuts secrets out of everything that is shown, kept or copied.

`redact` cuts out what looks like a key, and the given secrets in any form in which a server may
repeat them (`sidestream.echoes`).
"""

from __future__ import annotations

import re
from collections.abc import Iterable

from sidestream.echoes import MASK, echoes_of

_SECRETS = re.compile(
    r"""
    \bBearer\s{1,8}[^\s"',]+
    | (?<![\w-])eyJ[\w-]{6,}\.[\w-]+(?:\.[\w-]*)?  # JSON web tokens
    | \bAIza[\w-]{20,}
    """,
    re.X,
)
_KEY_START = re.compile(
    r"(?<![\w*])(?:sk|rk|pk|sess|xai|gsk|hf|nvapi|pplx|key|r8|fw|csk|tgp|gh[opsu]|github_pat|glpat"
    r"|xox[abprs])[-_]"
)
_KEY = re.compile(r"[\w*.-]*[\w*]")
_STARS = re.compile(r"\*{3,}(?:[^\s\"'`]{0,80}[\w*])?")
_BEFORE_STARS = 80
_WORDS = re.compile(r"(?:[a-z]{1,10}(?:[-_][a-z]{1,10})*|[A-Z]{1,10}(?:[-_][A-Z]{1,10})*)")
_NAMED = re.compile(
    r"(\bapi[ _-]?key(?: provided)?[\"'`]?\s{0,8}[:=]\s{0,8}"
    r"|[?&](?:key|token|access_token|code|signature|sig)="
    r"|\bauthorization[\"'`]?\s{0,8}[:=]\s{0,8}[\"'`]?(?:basic|token|bearer)\s{1,8})"
    r"(?:\"[^\"\n]{1,300}|'[^'\n]{1,300}|`[^`\n]{1,300}|[^\s\"'`,&]+)",
    re.I,
)


def redact(text: str, secrets: Iterable[str] = ()) -> str:
    """Cut out everything that is a secret or looks like one. Takes linear time."""
    secrets = [secret for secret in secrets if not _is_word(secret)]
    for secret in secrets:
        text = text.replace(secret, MASK)
    if secrets:
        text = echoes_of(*secrets).cut(text)
    if MASK in text:
        text = _without_masked(text)
    return _without_keys(_SECRETS.sub(MASK, _NAMED.sub(r"\1***", text)))


def _is_word(secret: str) -> bool:
    """Whether it is a plain word, which local servers accept as a key: ``ollama``, ``1234``.

    Without such a word a text would only be harder to read.
    """
    return len(secret) < 8 or (len(secret) < 16 and _WORDS.fullmatch(secret) is not None)


def _without_masked(text: str) -> str:
    """Cut out keys that the server has masked, with the characters around the asterisks."""
    kept, place = [], 0
    for stars in _STARS.finditer(text):
        begin = stars.start()
        first = max(place, begin - _BEFORE_STARS)
        while begin > first and not (text[begin - 1] in "*\"'`:=" or text[begin - 1].isspace()):
            begin -= 1
        kept += [text[place:begin], MASK]
        place = stars.end()
    return "".join([*kept, text[place:]])


def _without_keys(text: str) -> str:
    """Cut out keys with a known prefix, also masked ones: whatever holds a digit or a ``*``."""
    kept, place = [], 0
    for start in _KEY_START.finditer(text):
        if start.start() < place:
            continue
        key = _KEY.match(text, start.start())
        end = key.end() if key else start.end()
        body = text[start.end() : end]
        if len(body) >= 6 and re.search(r"[\d*]", body):
            kept += [text[place : start.start()], MASK]
        else:
            kept.append(text[place:end])
        place = end
    return "".join([*kept, text[place:]])


# --- names that carry secrets -------------------------------------------------------------------

_SECRET_WORDS = frozenset(
    {
        *("authorization", "auth", "password", "passwd", "passphrase", "pwd", "secret", "secrets"),
        *("cookie", "cookies", "cookie2", "credential", "credentials", "jwt", "bearer", "apikey"),
        *("signature", "sig", "sas", "assertion", "accesstoken", "otp", "pin", "pat", "hmac"),
        *("csrf", "xsrf", "cred", "creds", "ticket"),
    }
)
# Secrets have these names in Azure's functions, Google's addresses and OAuth.
_SECRET_NAMES = frozenset({"code", "key", "x-functions-clientid", "x-vercel-protection-bypass"})
# A key with one of these words names a thing and is not a secret, as in ``idempotency-key``.
_NAMING_KEYS = frozenset({"idempotency", "cache", "websocket", "partition", "routing", "dedup"})
# Where a word of a camelCase name ends: ``client|Secret``, ``id|Token``, ``JWT|Assertion``.
_CASE_BOUNDARY = re.compile(r"(?<=[a-z\d])(?=[A-Z])|(?<=[A-Z])(?=[A-Z][a-z])")
_HARMLESS_ENDS = frozenset({"error", "status", "type", "expires", "expiry", "count", "mode"})


def is_secret_name(name: str) -> bool:
    """Whether the value of a header or query parameter with this name may be a secret.

    ``authorization``, ``x-api-key``, ``x-auth-token``, ``code``, ``sig`` and their like; not
    ``x-ratelimit-remaining-tokens`` or ``prompt_cache_key``.
    """
    name = name.strip()[:200]
    if name.lower() in _SECRET_NAMES:
        return True
    words = re.split(r"[-_.\s]+", _CASE_BOUNDARY.sub("-", name).lower())
    if words[-1] in _HARMLESS_ENDS:
        return False
    if words[-1] in ("key", "keys"):
        return not _NAMING_KEYS & set(words)
    return words[-1] == "token" or bool(_SECRET_WORDS & set(words)) or words[-1].endswith("apikey")
