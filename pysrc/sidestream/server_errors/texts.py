"""The texts of an error for the user: what happened, and what to do about it."""

from __future__ import annotations

import re

from sidestream.errors import ErrorKind
from sidestream.hosts import may_be_local
from sidestream.server_errors._failed import FailedResponse, without_query
from sidestream.server_errors.causes import is_long_limit
from sidestream.server_errors.plans import usage_limit_text
from sidestream.texts import text

_TEXTS = {
    ErrorKind.CONTEXT_WINDOW_EXCEEDED: ("error_context_window", "hint_context_window"),
    ErrorKind.QUOTA_EXCEEDED: ("error_quota_exceeded", "hint_quota_exceeded"),
    ErrorKind.CONTENT_POLICY: ("error_content_policy", "hint_rephrase"),
    ErrorKind.SERVER_OVERLOADED: ("error_overloaded", "hint_overloaded"),
    ErrorKind.MODEL_NOT_FOUND: ("error_model_not_found", "hint_pick_model"),
    ErrorKind.AUTHENTICATION: ("error_authentication", "hint_authentication"),
    ErrorKind.TIMEOUT: ("error_request_timeout", "hint_try_again"),
    ErrorKind.BAD_RESPONSE: ("error_not_the_api", "hint_base_url_moved"),
}
"""Message and hint of the kinds that always have the same ones."""

_Texts = tuple[str, str]


def texts_of(kind: ErrorKind, failed: FailedResponse, resets_at: int | None) -> _Texts:
    """The message and the hint of an error."""
    match kind:
        case ErrorKind.USAGE_LIMIT_REACHED:
            return usage_limit_text(failed, resets_at), ""
        case ErrorKind.USAGE_NOT_INCLUDED:
            return text("error_usage_not_included"), ""
        case ErrorKind.PERMISSION:
            return _permission_texts(failed)
        case ErrorKind.NOT_FOUND:
            return _not_found_texts(failed)
        case ErrorKind.INVALID_REQUEST:
            return _refusal_texts(failed)
        case ErrorKind.RATE_LIMITED:
            return _rate_limit_texts(failed)
        case ErrorKind.SERVER_ERROR:
            return _failure_texts(failed)
    message, hint = (text(key) for key in _TEXTS[kind])
    if kind is ErrorKind.CONTENT_POLICY and "cyber_policy" in failed.reported.codes:
        message = text("error_cyber_policy")
    target = without_query(failed.headers.get("location", ""))
    if kind is ErrorKind.BAD_RESPONSE and target:
        return text("error_redirect", url=target), text("hint_redirect")
    if kind is ErrorKind.MODEL_NOT_FOUND and (api := _other_api(failed.message)):
        hint = text("hint_other_wire_api", api=api)
    return message, hint


def _rate_limit_texts(failed: FailedResponse) -> _Texts:
    if failed.cause_name == "minute_too_small":
        return text("error_minute_too_small"), text("hint_minute_too_small")
    long = is_long_limit(failed.reported)
    hint = text("hint_limit_resets" if long else "hint_wait_a_moment")
    return text("error_rate_limited"), hint


def _failure_texts(failed: FailedResponse) -> _Texts:
    if failed.cause_name == "bad_call":
        return text("error_bad_call"), text("hint_try_again")
    if failed.cause_name == "memory":
        return text("error_memory"), text("hint_memory")
    if failed.cause_name == "gateway":
        return text("error_gateway"), text("hint_try_in_a_moment")
    if failed.status is None:
        return failed.reported.message or failed.fallback, text("hint_try_again")
    if failed.status < 500:
        return text("error_model_unavailable"), text("hint_pick_other_model")
    return text("error_provider_failed"), text("hint_try_in_a_moment")


_NO_TOOL_TEXTS = {
    "web_search": "error_no_web_search",
    "code_interpreter": "error_no_code_interpreter",
    "image_generation": "error_no_image_generation",
    "file_search": "error_no_file_search",
}
_NO_TOOL = re.compile(
    rf"\b(?:tool|type|value|tag)s?\W{{1,4}}({'|'.join(_NO_TOOL_TEXTS)})\w*\W.{{0,60}}"
    r"\b(?:not (?:supported|available|enabled|allowed)|unsupported|found using|supported values)"
    rf"|\b(?:unsupported|unknown|invalid) tool(?: type)?\W{{1,4}}({'|'.join(_NO_TOOL_TEXTS)})"
    r"|type\W{1,4}of tool must be|\bonly\b.{0,30}\bfunction\b.{0,4} tools",
    re.I | re.S,
)
_RESPONSES = re.compile(
    r"only supported in (?:the )?v1/responses|use the responses api"
    r"|not accessible via (?:the )?(?:v1)?/?chat/completions",
    re.I,
)
_CHAT = re.compile(
    r"not (?:supported|accessible|available) (?:by|in|with|via) (?:the )?(?:v1)?/?responses\b"
    r"|not support (?:the )?responses\b|only supported in (?:the )?v1/chat/completions",
    re.I,
)


def _other_api(said: str) -> str | None:
    """The wire API by which the server says that the model can be used."""
    said = said[:1_000]
    if _RESPONSES.search(said):
        return "Responses"
    return "Chat Completions" if _CHAT.search(said) else None


_REFUSALS = {
    "vector_store": ("error_vector_store", "hint_vector_store"),
    "no_images": ("error_no_images", "hint_no_images"),
    "bad_image": ("error_bad_image", "hint_bad_image"),
    "too_large": ("error_too_large", "hint_too_large"),
    "no_tools": ("error_no_tools", "hint_no_tools"),
    "no_endpoint": ("error_no_endpoint", "hint_no_endpoint"),
}
"""Message and hint by the name of the cause."""


def _refusal_texts(failed: FailedResponse) -> _Texts:
    """The texts for a request that the provider refused."""
    cause = failed.cause_name
    if cause != "vector_store":
        if no_tool := _NO_TOOL.search(failed.message):
            named = (no_tool[1] or no_tool[2] or "").lower()
            key = _NO_TOOL_TEXTS.get(named, "error_no_such_tool")
            return text(key), text("hint_switch_tool_off")
        if api := _other_api(failed.message):
            return text("error_refused"), text("hint_other_wire_api", api=api)
    if failed.status == 413 and failed.cause is None:
        cause = "too_large"
    # For an unknown cause there is no advice but the server's own message.
    message, hint = _REFUSALS.get(cause, ("error_refused", "hint_server_says_why"))
    return text(message), text(hint)


_ADDRESS = re.compile(
    r"page not found|cannot (?:post|get)\b|invalid url|no route|unknown (?:request )?(?:url|path"
    r"|endpoint)|resource not found|unexpected endpoint|^not ?found\W*$|url .{0,100}not found",
    re.I,
)


def _not_found_texts(failed: FailedResponse) -> _Texts:
    url = without_query(failed.url)
    if not failed.reported.is_json:
        message = text("error_nothing_at", url=url) if url else text("error_nothing_here")
        return message, text("hint_nothing_here")
    if _ADDRESS.search(failed.message) or not failed.message:
        message = text("error_unknown_url", url=url) if url else text("error_unknown_address")
        return message, text("hint_check_address")
    return text("error_not_found"), text("hint_not_found")


def _permission_texts(failed: FailedResponse) -> _Texts:
    reported, headers = failed.reported, failed.headers
    said = failed.message
    if "cloudflare_blocked" in reported.codes or ("Cloudflare" in said and "blocked" in said):
        return text("error_cloudflare_blocked"), text("hint_cloudflare_blocked")
    if headers.get("cf-mitigated") == "challenge" or (reported.is_html and "Just a moment" in said):
        return text("error_cloudflare_challenge"), text("hint_cloudflare_challenge")
    if reported.message is None and not reported.is_json and may_be_local(failed.url):
        return text("error_extension_refused"), text("hint_extension_refused")
    return text("error_permission"), text("hint_permission")
