"""The texts of an error for the user: what happened, and what to do about it."""

from __future__ import annotations

import re

from sidestream.errors import ErrorKind
from sidestream.hosts import may_be_local
from sidestream.server_errors._failed import FailedResponse, without_query
from sidestream.server_errors.causes import is_long_limit
from sidestream.server_errors.plans import usage_limit_text

_REMOVE_IMAGE = "edit the message and remove the image"


def texts_of(kind: ErrorKind, failed: FailedResponse, resets_at: int | None) -> tuple[str, str]:
    """The message and the hint of an error."""
    status = failed.status
    number = f" (status {status})" if status else ""
    if kind is ErrorKind.USAGE_LIMIT_REACHED:
        return usage_limit_text(failed, resets_at), ""
    if kind is ErrorKind.PERMISSION:
        return _permission_texts(failed, number)
    if kind is ErrorKind.NOT_FOUND:
        return _not_found_texts(failed, number)
    if kind is ErrorKind.INVALID_REQUEST:
        return _refusal_texts(failed, number)
    if kind is ErrorKind.RATE_LIMITED:
        if failed.cause_name == "minute_too_small":
            return (
                f"This request is larger than the provider's limit for one minute{number}.",
                "Shorten it: compact the conversation, start a new chat, or pick a model with a "
                "higher limit.",
            )
        message = f"The provider's rate limit is reached{number}."
        if is_long_limit(failed.reported):
            return message, "Try again when the limit starts anew, or use another model."
        return message, "Wait a moment, then try again."
    if kind is ErrorKind.SERVER_ERROR:
        return _failure_texts(failed, number)
    texts: dict[ErrorKind, tuple[str, str]] = {
        ErrorKind.CONTEXT_WINDOW_EXCEEDED: (
            "The conversation no longer fits into the model's context window.",
            "Start a new chat, shorten the message, or pick a model with a larger window.",
        ),
        ErrorKind.QUOTA_EXCEEDED: (
            "Quota exceeded. Check your plan and billing details.",
            "Add credits at the provider, or use another key or provider.",
        ),
        ErrorKind.USAGE_NOT_INCLUDED: (
            "To use Codex with your ChatGPT plan, upgrade to Plus: "
            "https://chatgpt.com/explore/plus.",
            "",
        ),
        ErrorKind.CONTENT_POLICY: (
            "This request has been flagged for possible cybersecurity risk."
            if "cyber_policy" in failed.reported.codes
            else "The provider's policy forbids this request.",
            "Put the request in other words.",
        ),
        ErrorKind.SERVER_OVERLOADED: (
            f"The model is at capacity{number}.",
            "Try again in a moment, or pick another model.",
        ),
        ErrorKind.MODEL_NOT_FOUND: (
            "The provider does not know this model, or your key may not use it.",
            "Pick another model in the settings.",
        ),
        ErrorKind.AUTHENTICATION: (
            f"The provider refused the API key{number}.",
            "Check the API key in the settings, and that it belongs to this provider.",
        ),
        ErrorKind.TIMEOUT: (
            f"The provider waited too long for the request{number}.",
            "Try again.",
        ),
        ErrorKind.BAD_RESPONSE: (
            f"The server gave an answer that is none of the API{number}.",
            "Check the base URL in the settings: it may have moved.",
        ),
    }
    message, hint = texts[kind]
    target = without_query(failed.headers.get("location", ""))
    if kind is ErrorKind.BAD_RESPONSE and target:
        message = f"The server answered with a redirect to {target}{number}."
        hint = "Correct the base URL in the settings: redirects are not followed with a key."
    if kind is ErrorKind.MODEL_NOT_FOUND and (api := _other_api(failed.message)):
        hint = f"Set the wire API to {api} in the settings, or pick another model."
    return message, hint


def _failure_texts(failed: FailedResponse, number: str) -> tuple[str, str]:
    if failed.cause_name == "bad_call":
        return f"The model wrote a tool call that the provider cannot read{number}.", "Try again."
    if failed.cause_name == "memory":
        return (
            f"The server lacks memory for this model{number}.",
            "Pick a smaller model, or free memory where the server runs.",
        )
    if failed.cause_name == "gateway":
        return f"The server behind this address does not answer{number}.", "Try again in a moment."
    if failed.status is None:
        return failed.reported.message or failed.fallback, "Try again."
    if failed.status < 500:
        return f"The provider cannot run this model now{number}.", "Pick another model."
    return f"The provider failed{number}.", "Try again in a moment."


_TOOL_LABELS = {
    "web_search": "web search",
    "code_interpreter": "code interpreter",
    "image_generation": "image generation",
    "file_search": "file search",
}
_NO_TOOL = re.compile(
    rf"\b(?:tool|type|value|tag)s?\W{{1,4}}({'|'.join(_TOOL_LABELS)})\w*\W.{{0,60}}"
    r"\b(?:not (?:supported|available|enabled|allowed)|unsupported|found using|supported values)"
    rf"|\b(?:unsupported|unknown|invalid) tool(?: type)?\W{{1,4}}({'|'.join(_TOOL_LABELS)})"
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


def _other_api(text: str) -> str | None:
    """The wire API by which the server says that the model can be used."""
    text = text[:1_000]
    if _RESPONSES.search(text):
        return "Responses"
    return "Chat Completions" if _CHAT.search(text) else None


def _refusal_texts(failed: FailedResponse, number: str) -> tuple[str, str]:
    """The texts for a request that the provider refused."""
    text = failed.message
    if failed.cause_name == "vector_store":
        message = f"The provider does not know a vector store to search files in{number}."
        return message, "Check the ids in the conversation's settings; they begin with vs_."
    if no_tool := _NO_TOOL.search(text):
        label = _TOOL_LABELS.get((no_tool[1] or no_tool[2] or "").lower())
        missing = f"has no {label}" if label else "does not have all tools that are switched on"
        message = f"The provider {missing} for this model{number}."
        return message, "Switch it off in the conversation's settings, or pick another model."
    if api := _other_api(text):
        hint = f"Set the wire API to {api} in the settings, or pick another model."
        return f"The provider refused the request{number}.", hint
    if failed.cause_name == "no_images":
        message = f"The provider says that this model cannot see images{number}."
        return message, f"Pick another model, or {_REMOVE_IMAGE}."
    if failed.cause_name == "bad_image":
        message = f"The provider cannot read an image of the conversation{number}."
        return message, f"If it is in the last message, {_REMOVE_IMAGE}."
    if failed.cause_name == "too_large" or (failed.status == 413 and failed.cause is None):
        return (
            "The request is larger than the provider takes.",
            "Shorten it: compact the conversation, or leave images out.",
        )
    if failed.cause_name == "no_tools":
        message = f"The provider does not offer tools for this model{number}."
        return message, "Switch the tools off, or pick another model."
    if failed.cause_name == "no_endpoint":
        message = f"The provider has no endpoint for what the request asks{number}."
        return message, "Pick another model, or change what the request asks for."
    # For an unknown cause there is no advice but the server's own message.
    return f"The provider refused the request{number}.", "The provider's answer says why."


_ADDRESS = re.compile(
    r"page not found|cannot (?:post|get)\b|invalid url|no route|unknown (?:request )?(?:url|path"
    r"|endpoint)|resource not found|unexpected endpoint|^not ?found\W*$|url .{0,100}not found",
    re.I,
)


def _not_found_texts(failed: FailedResponse, number: str) -> tuple[str, str]:
    if not failed.reported.is_json:
        where = f" at {without_query(failed.url)}" if failed.url else " at this address"
        return (
            f"There is nothing{where}{number}.",
            "Check the base URL in the settings; most end in /v1. If the server does not speak "
            "this wire API, choose the other one.",
        )
    if _ADDRESS.search(failed.message) or not failed.message:
        where = f" {without_query(failed.url)}" if failed.url else " this address"
        return (
            f"The server does not know{where}{number}.",
            "Check the address and the wire API in the settings.",
        )
    return (
        f"The provider did not find what the request names{number}.",
        "The provider's answer says what is missing.",
    )


def _permission_texts(failed: FailedResponse, number: str) -> tuple[str, str]:
    reported, headers = failed.reported, failed.headers
    text = failed.message
    if "cloudflare_blocked" in reported.codes or ("Cloudflare" in text and "blocked" in text):
        return (
            "Access blocked by Cloudflare. This usually happens when connecting from a restricted "
            f"region{number}.",
            "Use another network, or another provider.",
        )
    if headers.get("cf-mitigated") == "challenge" or (reported.is_html and "Just a moment" in text):
        return (
            f"Cloudflare wants to see a browser before it lets the request through{number}.",
            "Use another network, or open the provider's site in a tab once.",
        )
    if reported.message is None and not reported.is_json and may_be_local(failed.url):
        return (
            f"The server refused a request from a browser extension{number}.",
            "Ollama must allow it: start it with OLLAMA_ORIGINS=chrome-extension://*.",
        )
    return (
        f"The provider does not allow this{number}.",
        "Check what the key, the account or the project may use.",
    )
