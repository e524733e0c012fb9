"""The catalogue of the sentences that users read, and `text`, which makes one of them.

A `Text` is a plain English string that remembers its key and its parameters, so that a user
interface can show the same message in another language. Texts for the model, and what servers say,
are not in the catalogue.

The module imports nothing of the package: the build reads it to put `CATALOGUE` into the
extension's ``_locales/en/messages.json``, where each key begins with ``python_``.

A key keeps its parameters: a message that needs other ones gets a new key, since stored
conversations name the old one.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping
from typing import Any

Value = str | int
"""The value of a placeholder. Numbers are written as the reader's language writes them; a `Text`,
a `Duration` or a `Moment` is put into that language, too."""

_PLACEHOLDER = re.compile(r"\{(\w+)\}")
_FORMS = ("one", "other")
"""The plural forms of English, by which keys end."""


class Text(str):
    """A sentence for the user, in English, with its key and parameters for other languages."""

    key: str
    parameters: Mapping[str, Value]

    def view(self) -> dict[str, Any]:
        """Return the key and the parameters as JSON data."""
        return {
            "key": self.key,
            "parameters": {name: _view(value) for name, value in self.parameters.items()},
        }


class Duration(str):
    """A span of time, as English writes it, which other languages write their own way."""

    ms: int

    def __new__(cls, written: str, ms: int = 0) -> Duration:
        """Make a duration that is ``written`` in English."""
        self = super().__new__(cls, written)
        self.ms = ms
        return self


class Moment(str):
    """A time, as English writes it, which other languages write their own way."""

    at: int
    """Unix time in seconds."""

    def __new__(cls, written: str, at: int = 0) -> Moment:
        """Make a moment that is ``written`` in English."""
        self = super().__new__(cls, written)
        self.at = at
        return self


def text(key: str, /, **parameters: Value) -> Text:
    """The message with this key and these values.

    A message with plural forms (``key_one``, ``key_other``) is chosen by its ``count``.
    """
    made = Text(_rendered(key, parameters))
    made.key, made.parameters = key, parameters
    return made


def view_of(sentence: str) -> dict[str, Any] | None:
    """The key and the parameters of a sentence; ``None`` if it is not from the catalogue."""
    return sentence.view() if isinstance(sentence, Text) else None


def with_text(field: str, sentence: str) -> dict[str, Any]:
    """A field with a sentence, and beside it ``<field>_text`` with its key and parameters."""
    view = view_of(sentence)
    return {field: str(sentence), **({f"{field}_text": view} if view else {})}


def without(sentence: str, cut: Callable[[str], str]) -> str:
    """A sentence and all its parameters after ``cut``, which removes secrets.

    Where it removes more from the sentence than from the parameters, the key is dropped.
    """
    cleaned = cut(str(sentence))
    if not isinstance(sentence, Text):
        return cleaned
    parameters = {
        name: without(value, cut) if type(value) in (str, Text) else value  # type: ignore[arg-type]
        for name, value in sentence.parameters.items()
    }
    again = text(sentence.key, **parameters)
    return again if again == cleaned else cleaned


def placeholders(template: str) -> list[str]:
    """The names of a template's placeholders, in the order in which their values are passed."""
    return sorted(set(_PLACEHOLDER.findall(template)))


def _rendered(key: str, parameters: Mapping[str, Value]) -> str:
    template = CATALOGUE.get(key) or CATALOGUE[f"{key}_{_form(parameters)}"]
    return _PLACEHOLDER.sub(lambda found: _written(parameters[found[1]]), template)


def _form(parameters: Mapping[str, Value]) -> str:
    return _FORMS[parameters["count"] != 1]


def _written(value: Value) -> str:
    return value if isinstance(value, str) else f"{value:,}"


def _view(value: Value) -> Any:
    if isinstance(value, Text):
        return value.view()
    if isinstance(value, Duration):
        return {"ms": value.ms}
    if isinstance(value, Moment):
        return {"at": value.at}
    return value


CATALOGUE: dict[str, str] = {
    # --- what a server answers -------------------------------------------------------------------
    "error_server_says": "{message} The server says: {said}",
    "error_minute_too_small": "This request is larger than the provider's limit per minute.",
    "hint_minute_too_small": "Shorten it: compact the conversation, start a new chat, or pick a "
    "model with a higher limit.",
    "error_rate_limited": "You've reached the provider's rate limit.",
    "hint_limit_resets": "Try again when the limit resets, or use another model.",
    "hint_wait_a_moment": "Wait a moment, then try again.",
    "hint_try_at": "Try again at {time}.",
    "hint_try_in": "Try again in {duration}, at {time}.",
    "hint_try_later": "Try again later.",
    "hint_try_again": "Try again.",
    "hint_try_in_a_moment": "Try again in a moment.",
    "error_context_window": "The conversation no longer fits the model's context window.",
    "hint_context_window": "Start a new chat, shorten the message, or pick a model with a larger "
    "context window.",
    "error_quota_exceeded": "Quota exceeded. Check your plan and billing details.",
    "hint_quota_exceeded": "Add credits to your account, or use another API key or provider.",
    "error_usage_not_included": "To use Codex with your ChatGPT plan, upgrade to Plus: "
    "https://chatgpt.com/explore/plus.",
    "error_cyber_policy": "This request has been flagged for possible cybersecurity risk.",
    "error_content_policy": "The provider's policy does not allow this request.",
    "hint_rephrase": "Rephrase the request.",
    "error_overloaded": "The model is at capacity.",
    "hint_overloaded": "Try again in a moment, or pick another model.",
    "error_model_not_found": "The provider does not have this model, or your API key cannot use "
    "it.",
    "hint_pick_model": "Pick another model in the settings.",
    "hint_pick_other_model": "Pick another model.",
    "hint_other_wire_api": "Set the wire API to {api} in the settings, or pick another model.",
    "error_authentication": "The provider refused the API key.",
    "hint_authentication": "Check that the API key in the settings is complete and belongs to this "
    "provider.",
    "error_key_missing": "The provider requires an API key.",
    "hint_key_missing": "Enter the API key in the settings.",
    "error_request_timeout": "The provider timed out waiting for the request.",
    "error_not_the_api": "The server's answer does not match the API.",
    "hint_base_url_moved": "Check the base URL in the settings: it may have changed.",
    "error_redirect": "The server redirects to {url}.",
    "hint_redirect": "Correct the base URL in the settings. Redirects are not followed, to protect "
    "your API key.",
    "error_bad_call": "The model wrote a tool call that the provider cannot read.",
    "error_memory": "The server does not have enough memory for this model.",
    "hint_memory": "Pick a smaller model, or free memory on the server.",
    "error_gateway": "The server behind this address is not responding.",
    "error_model_unavailable": "The provider cannot run this model right now.",
    "error_provider_failed": "The provider had an internal error.",
    "error_ended_with_error": "The provider ended the answer with an error.",
    "error_vector_store": "The provider cannot find a vector store for file search.",
    "hint_vector_store": "Check the vector store IDs in the conversation settings. They start with "
    "vs_.",
    "error_no_web_search": "The provider has no web search for this model.",
    "error_no_code_interpreter": "The provider has no code interpreter for this model.",
    "error_no_image_generation": "The provider has no image generation for this model.",
    "error_no_file_search": "The provider has no file search for this model.",
    "error_no_such_tool": "The provider does not have all of the tools that are on for this model.",
    "hint_switch_tool_off": "Turn it off in the conversation settings, or pick another model.",
    "error_refused": "The provider refused the request.",
    "hint_server_says_why": "See the provider's answer for the reason.",
    "error_no_images": "This model cannot see images, according to the provider.",
    "hint_no_images": "Pick another model, or edit the message and remove the image.",
    "error_bad_image": "The provider cannot read an image in the conversation.",
    "hint_bad_image": "If it's in the last message, edit the message and remove the image.",
    "error_too_large": "The request is too large for the provider.",
    "hint_too_large": "Shorten it: compact the conversation, or remove images.",
    "error_no_tools": "The provider does not offer tools for this model.",
    "hint_no_tools": "Turn the tools off, or pick another model.",
    "error_no_endpoint": "The provider has no endpoint for this request.",
    "hint_no_endpoint": "Pick another model, or change what the request asks for.",
    "error_nothing_at": "There is nothing at {url}.",
    "error_nothing_here": "There is nothing at this address.",
    "hint_nothing_here": "Check the base URL in the settings; most end in /v1. If the server uses "
    "the other wire API, choose that one.",
    "error_unknown_url": "The server does not know {url}.",
    "error_unknown_address": "The server does not know this address.",
    "hint_unknown_address": "Check the base URL and the wire API in the settings.",
    "hint_check_address": "Check the address and the wire API in the settings.",
    "error_not_found": "The provider cannot find what the request refers to.",
    "hint_not_found": "See the provider's answer for what is missing.",
    "error_cloudflare_blocked": "Access blocked by Cloudflare. This usually happens when "
    "connecting from a restricted region.",
    "hint_cloudflare_blocked": "Use another network or another provider.",
    "error_cloudflare_challenge": "Cloudflare requires a browser check before it lets the request "
    "through.",
    "hint_cloudflare_challenge": "Use another network, or open the provider's site in a tab once.",
    "error_extension_refused": "The server refused a request from a browser extension.",
    "hint_extension_refused": "Ollama must allow it: start it with "
    "OLLAMA_ORIGINS=chrome-extension://*.",
    "error_permission": "The provider does not allow this.",
    "hint_permission": "Check what your API key, account and project can use.",
    "error_web_page": "The server sent a web page instead of an answer.",
    "error_web_page_at": "The server at {url} sent a web page instead of an answer.",
    "hint_web_page": "Check the base URL in the settings; most end in /v1. A proxy or a sign-in "
    "page may also be in the way.",
    "error_empty_body": "The server sent an empty answer.",
    "error_empty_body_at": "The server at {url} sent an empty answer.",
    "error_other_type": "The server sent {type} instead of an answer.",
    "error_other_type_at": "The server at {url} sent {type} instead of an answer.",
    "error_unknown_type": "The server sent data of an unknown type instead of an answer.",
    "error_unknown_type_at": "The server at {url} sent data of an unknown type instead of an "
    "answer.",
    # --- limits of ChatGPT plans, as Codex words them --------------------------------------------
    "limit_at": "You've hit your usage limit. Try again at {time}.",
    "limit_later": "You've hit your usage limit. Try again later.",
    "limit_model_at": "You've hit your usage limit for {name}. Switch to another model now, or try "
    "again at {time}.",
    "limit_model_later": "You've hit your usage limit for {name}. Switch to another model now, or "
    "try again later.",
    "limit_promo_at": "You've hit your usage limit. {promo}, or try again at {time}.",
    "limit_promo_later": "You've hit your usage limit. {promo}, or try again later.",
    "limit_plus_at": "You've hit your usage limit. Upgrade to Pro "
    "(https://chatgpt.com/explore/pro), visit https://chatgpt.com/codex/settings/usage to purchase "
    "more credits or try again at {time}.",
    "limit_plus_later": "You've hit your usage limit. Upgrade to Pro "
    "(https://chatgpt.com/explore/pro), visit https://chatgpt.com/codex/settings/usage to purchase "
    "more credits or try again later.",
    "limit_free_at": "You've hit your usage limit. Upgrade to Plus to continue using Codex "
    "(https://chatgpt.com/explore/plus), or try again at {time}.",
    "limit_free_later": "You've hit your usage limit. Upgrade to Plus to continue using Codex "
    "(https://chatgpt.com/explore/plus), or try again later.",
    "limit_pro_at": "You've hit your usage limit. Visit https://chatgpt.com/codex/settings/usage "
    "to purchase more credits or try again at {time}.",
    "limit_pro_later": "You've hit your usage limit. Visit "
    "https://chatgpt.com/codex/settings/usage to purchase more credits or try again later.",
    "limit_team_at": "You've hit your usage limit. To get more access now, send a request to your "
    "admin or try again at {time}.",
    "limit_team_later": "You've hit your usage limit. To get more access now, send a request to "
    "your admin or try again later.",
    "limit_owner_credits": "Your workspace is out of credits. Add credits to continue.",
    "limit_member_credits": "Your workspace is out of credits. Ask your workspace owner to refill "
    "in order to continue.",
    "limit_owner_spend_cap": "You hit your spend cap set in your workspace. Increase your spend "
    "cap to continue.",
    "limit_member_spend_cap": "You hit your spend cap set by the owner of your workspace. Ask an "
    "owner to increase your spend cap to continue.",
    # --- connections -----------------------------------------------------------------------------
    "error_unreachable": "The server cannot be reached: {reason}.",
    "hint_unreachable": "Check your network, the base URL in the settings, and that the server is "
    "running.",
    "error_no_local_server": "Nothing answers at {host}.",
    "hint_no_local_server": "Start the model server, and check the port in the base URL.",
    "error_connection_broke": "The connection broke: {reason}.",
    "hint_connection_broke": "The partial answer is saved. Check your network, then try again.",
    "error_silent": "The server has sent nothing for {duration}.",
    "hint_silent": "The partial answer is saved. Try again. If this happens often, raise the idle "
    "timeout.",
    "error_offline": "There is no network connection.",
    "hint_offline": "Connect to the network, then try again.",
    "error_host_permission": "Sidestream has no permission to reach {host} yet.",
    "hint_host_permission": "Open the settings and save them. Chrome then asks for access to this "
    "host.",
    "error_host_redirects": "{host} redirects to another address, which is not followed, to "
    "protect your API key.",
    "error_host_redirects_to": "{host} redirects to {url}, which is not followed, to protect your "
    "API key.",
    "hint_host_redirects": "Correct the base URL: often it needs https instead of http, or another "
    "path.",
    "error_header_refused": "The header {name} cannot be sent: its value is not allowed.",
    "hint_header_refused": "Correct it in the settings. A copied API key may contain a stray "
    "character.",
    "error_host_broke": "The connection to {host} broke.",
    "hint_host_broke": "Try again. If it keeps happening, check the network or the server.",
    "error_host_unreachable": "{host} cannot be reached.",
    "hint_host_unreachable": "Check the base URL for typos, and whether the server or a proxy is "
    "down.",
    # --- answers ---------------------------------------------------------------------------------
    "error_output_limit": "The answer reached the limit for output tokens.",
    "hint_output_limit": "The partial answer is saved. Ask the model to continue, or raise the "
    "limit for output tokens.",
    "error_window_full": "The answer stopped because the model's context window is full.",
    "hint_window_full": "The partial answer is saved. Compact the conversation, or start a new "
    "one.",
    "error_content_filter": "The provider's content filter stopped the answer.",
    "hint_content_filter": "The partial answer is saved. Rephrase the request.",
    "error_cancelled": "The provider cancelled the answer.",
    "hint_send_again": "The partial answer is saved. Send the message again.",
    "error_expired": "The answer expired at the provider before it was finished.",
    "error_paused": "The provider paused the answer.",
    "hint_ask_to_continue": "The partial answer is saved. Ask the model to continue.",
    "error_too_many_parts": "The answer has more than {count} parts and was cut off.",
    "hint_too_many_parts": "The partial answer is saved. Ask the model to continue, or rephrase "
    "the request.",
    "error_repetition": "The provider stopped the answer because it repeated itself.",
    "hint_repetition": "The partial answer is saved. Ask again, or rephrase the request.",
    "error_incomplete": "The answer is incomplete. The provider gives no reason.",
    "error_incomplete_because": "The answer is incomplete: {reason}.",
    "error_stream_closed": "stream closed before the answer was finished",
    "error_stream_closed_completed": "stream closed before response.completed",
    "hint_stream_closed": "The connection ended before the answer was complete. The partial answer "
    "is saved. Try again.",
    "error_empty_answer": "The provider sent an empty answer.",
    "hint_empty_answer": "Send the message again. If this happens often, check the model's context "
    "size.",
    "error_too_much_text": "The server sent more than {count} bytes of text at once.",
    "error_no_chat_completion": "The server's answer is JSON, but not a chat completion.",
    "error_no_chat_chunks": "The server's answer contains no chat completion chunks.",
    "error_bad_chunk": "The server sent a part of the answer that cannot be read.",
    "error_no_response": "The server's answer is JSON, but not a response.",
    "error_no_response_events": "The server's answer contains no events of the Responses API.",
    "error_answer_too_long": "The answer is longer than {count} bytes.",
    "error_body_too_large": "The server's answer is larger than {count} bytes.",
    "error_not_chat": "The server's answer is not from the Chat Completions API.",
    "error_not_responses": "The server's answer is not from the Responses API.",
    "error_event_too_large": "The server sent an event of more than {count} bytes.",
    "hint_no_model_server": "Check that the base URL points to a model server.",
    "error_unreadable_call": "The model wrote a tool call that cannot be read ({reason}).",
    "hint_unreadable_call": "Try again. The next answer may be fine.",
    "error_broken_off": "The provider broke off the answer ({reason}).",
    "hint_broken_off": "The partial answer is saved. Try again later.",
    "error_never_finished_one": "The provider has not finished the answer after {count} minute.",
    "error_never_finished_other": "The provider has not finished the answer after {count} minutes.",
    "hint_never_finished": "The partial answer is saved. Send the message again, or turn off the "
    "background setting.",
    "error_deadline": "The answer was not finished within {duration}.",
    "hint_deadline": "The partial answer is saved. Try again, or allow more time.",
    "error_answer_gone": "The provider no longer has this answer.",
    "hint_answer_gone": "The partial answer is saved. Ask the model to continue, or send the "
    "message again.",
    "error_no_model_list": "The server's answer is not a list of models.",
    "hint_no_model_list": "Check the base URL; most end in /v1. You can also type the model's "
    "name.",
    # --- sign-in ---------------------------------------------------------------------------------
    "error_sign_in_refused": "The ChatGPT sign-in was refused.",
    "hint_sign_in_refused": "Sign in again.",
    "error_sign_in_expired": "The ChatGPT sign-in has expired.",
    "error_sign_in_used": "Another program renewed the ChatGPT sign-in, so this one no longer "
    "works.",
    "error_sign_in_revoked": "The ChatGPT sign-in was revoked.",
    "error_sign_in_invalid": "The ChatGPT sign-in is no longer valid.",
    "error_sign_in_not_renewed": "The ChatGPT sign-in could not be renewed.",
    "error_sign_in_no_refresh": "The ChatGPT sign-in has expired and contains no refresh token.",
    "error_sign_in_no_token": "The sign-in server's answer contains no token.",
    "error_sign_in_server": "The sign-in server could not renew the ChatGPT sign-in.",
    "hint_sign_in_again": "Sign in again with codex login, then import the new auth.json here.",
    "error_no_tokens": "This auth.json contains no ChatGPT tokens.",
    "hint_no_tokens": "Run codex login with ChatGPT, then use the whole content of "
    "~/.codex/auth.json.",
    "error_no_sign_in": "You're not signed in to ChatGPT.",
    "hint_no_sign_in": "Run codex login, then import its auth.json in the settings.",
    # --- settings --------------------------------------------------------------------------------
    "error_bad_address": "The base URL or a header is malformed.",
    "hint_bad_address": "Check the provider's settings.",
    "error_no_base_url": "The provider has no base URL.",
    "error_base_url_characters": "The base URL contains a space, a backslash or a control "
    "character.",
    "error_base_url_malformed": "The base URL is malformed.",
    "error_base_url_scheme": "The base URL must start with https:// or http://.",
    "error_base_url_no_host": "The base URL has no host.",
    "error_base_url_user": "The base URL contains a user name or password. Browsers do not allow "
    "that.",
    "hint_base_url": "Set the base URL in the settings, e.g. https://api.openai.com/v1.",
    "error_no_model": "No model is selected.",
    "hint_no_model": "Choose a model in the settings.",
    "error_bad_settings": "The provider's settings cannot be used.",
    "hint_bad_settings": "Open the settings and save them again.",
    "error_model_settings": "The settings for the model {model} contain a value of the wrong type.",
    "error_audio_url": "Recordings can only be sent as base64 data URLs.",
    "hint_audio_url": "Attach the recording itself, not its address.",
    "error_no_schema": "{provider} does not support output schemas in Chat Completions.",
    "hint_no_schema": "Use the Responses API or another provider, or ask without a schema.",
    "error_same_tool_name": "Two tools have the same name: {name}.",
    "hint_same_tool_name": "Give each tool its own name.",
    "error_chat_tool": "Chat Completions does not support the tool {tool}.",
    "hint_chat_tool": "Use the Responses API, or leave out this tool.",
    "error_header_name": "The header {name} cannot be sent: its name is not valid.",
    "error_header_control": "The header {name} cannot be sent: its value contains a line break or "
    "another control character.",
    "error_header_character": "The header {name} cannot be sent: its value contains a character "
    "that headers cannot contain.",
    "hint_header": "Correct the extra headers in the settings.",
    "hint_header_key": "Copy the API key again, complete and without surrounding characters.",
    # --- conversations ---------------------------------------------------------------------------
    "error_model_no_images": "{model} cannot see images, so the message was not sent.",
    "hint_model_no_images": "Choose another model in the conversation settings and retry, or edit "
    "the message and remove the image.",
    "hint_attachment_gone": "Edit the message: remove the attachment, or attach it again to a new "
    "one.",
    "error_too_many_attachments": "A message can have {count} attachments at most.",
    "hint_too_many_attachments": "Remove some, or send them with another message.",
    "error_attachments_too_large": "The attachments of this conversation are too large together.",
    "error_queue_full": "{count} messages are waiting already.",
    "hint_queue_full": "Wait until some of them were sent, or cancel one.",
}
"""The English templates by key, with ``{placeholders}`` for the values."""
