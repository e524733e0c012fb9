"""Whether a connection works: "Test connection", and the provider's list of models."""

from __future__ import annotations

import asyncio
import re
from collections.abc import Callable
from typing import Any
from urllib.parse import urlsplit

from sidestream.adjust import Adjustments
from sidestream.client import TurnResult
from sidestream.errors import ErrorKind, SidestreamError
from sidestream.models import ModelInfo
from sidestream.prompt import Prompt
from sidestream.session.connection import Connection, connect
from sidestream.session.known_models import KnownModels
from sidestream.session.sign_ins import SignIns
from sidestream.transport import Fetch
from sidestream.types.wire_api import WireApi

TRIAL_TOKENS = 64
"""The token limit of a test's answer. OpenAI demands at least 16, and reasoning needs some, too."""
LIST_TIMEOUT_S = 15.0
"""How long a test waits for the list of models, which is not necessary for it."""
TRIAL_TIMEOUT_S = 120.0
"""How long a test waits for the answer. A local server may have to load the model first."""

# After these errors of the list of models, prompts may be answered all the same.
_NO_LIST = {
    ErrorKind.NOT_FOUND,
    ErrorKind.UNSUPPORTED,
    ErrorKind.BAD_RESPONSE,
    ErrorKind.INVALID_REQUEST,
    ErrorKind.MODEL_NOT_FOUND,
}
_API_NAMES = {WireApi.RESPONSES: "Responses API", WireApi.CHAT: "Chat Completions API"}
_CHOICES = {WireApi.RESPONSES: "Responses", WireApi.CHAT: "Chat Completions"}
# Errors about the address. LM Studio sends them with status 200, gateways with 400 or 403.
_ABOUT_THE_ADDRESS = re.compile(
    r"unexpected endpoint|/(?:chat/completions|responses)\b"
    r"|\b(?:responses|chat[ -]?completions?) (?:api|endpoint)|\bapi\.responses\b|\bnot implemented"
    r"|\b(?:unknown|no such|invalid|for this) (?:route|endpoint)",
    re.IGNORECASE,
)
# Errors that the reasoning has reached the token limit, so the model has answered. Azure sends
# them with status 400, LiteLLM with 502.
_CUT_SHORT = re.compile(
    r"max_tokens or model output limit was reached|could not finish the message"
    r"|successful but empty completion",
    re.IGNORECASE,
)


Report = Callable[[Connection, SidestreamError], None]
"""Receives a failure with the connection that it happened on."""


async def list_models(
    data: dict[str, Any],
    fetch: Fetch,
    sign_ins: SignIns | None = None,
    *,
    models: KnownModels | None = None,
    report: Report = lambda *_: None,
) -> list[str]:
    """The names of the provider's models. Raises `SidestreamError`.

    The facts in the list are added to ``models``.
    """
    connection = _connect_once(data, fetch, sign_ins)
    try:
        listed = await connection.client.list_models()
    except SidestreamError as error:
        failure = _without_list(error)
        report(connection, failure)
        raise failure from None
    if not listed:
        raise SidestreamError(
            ErrorKind.NOT_FOUND,
            "The provider's list of models is empty.",
            hint="Type the model's name, or load a model on the server first.",
        )
    if models is not None:
        models.learn(connection.origin, listed)
    return [info.slug for info in listed]


def _without_list(error: SidestreamError) -> SidestreamError:
    """The error of a list of models, with what the user can do without the list."""
    type_it = "Type the model's name. Test connection then tells whether it answers."
    if error.kind in _NO_LIST:
        error.kind, error.message, error.hint = (
            ErrorKind.NOT_FOUND,
            "This server has no list of models.",
            type_it,
        )
    elif error.status is not None and error.status >= 500:
        error.message, error.hint = "The server could not give its list of models.", type_it
    elif error.kind is ErrorKind.PERMISSION:
        error.message, error.hint = "The server does not list its models for this key.", type_it
    elif error.kind is ErrorKind.AUTHENTICATION:
        error.hint += (
            " A key that may not list models can work all the same: type the model's name, and "
            "use Test connection."
        )
    return error


async def try_connection(
    data: dict[str, Any],
    fetch: Fetch,
    sign_ins: SignIns | None = None,
    *,
    models: KnownModels | None = None,
    adjustments: Adjustments | None = None,
    report: Report = lambda *_: None,
) -> str:
    """Test a connection; returns a sentence for the user.

    A tiny prompt is sent over the chosen wire API. The list of models only improves the messages,
    and may be missing or unreadable. Raises `SidestreamError` if the prompt is not answered.
    """
    connection = _connect_once(data, fetch, sign_ins, models=models, adjustments=adjustments)
    try:
        listed = await _listed(connection)
        if models is not None:
            models.learn(connection.origin, listed)
        return await _try(connection, data, fetch, sign_ins, listed)
    except SidestreamError as error:
        report(connection, error)
        raise


async def _try(
    connection: Connection,
    data: dict[str, Any],
    fetch: Fetch,
    sign_ins: SignIns | None,
    listed: list[ModelInfo],
) -> str:
    names = [info.slug for info in listed]
    name, model = data["settings"].get("name") or connection.origin, connection.model
    answered, seconds = await _ask(connection)
    if answered is None:
        said = f"Connected to {name}. Model {model} answered in {_shown(seconds)}"
        # Azure lists the models that can be deployed, and not the deployments.
        if not names or _is_named(model, names) or connection.client.provider.is_azure:
            return f"{said}."
        return f"{said}, although it is not in the server's list of models."
    if _is_about_the_address(answered):
        await _check_other_api(connection, answered)
        await _check_base_url(data, fetch, sign_ins, answered)
    if answered.kind is ErrorKind.MODEL_NOT_FOUND:
        if connection.client.provider.is_azure:
            answered.hint = "Enter the name of your deployment, which can differ from the model's."
        elif names:
            answered.hint = _suggestion(model, names)
    raise answered


async def _listed(connection: Connection) -> list[ModelInfo]:
    """The provider's models; none if it has no list. Raises if the server does not answer."""
    try:
        async with asyncio.timeout(LIST_TIMEOUT_S):
            return await connection.client.list_models()
    except TimeoutError:
        return []
    except SidestreamError as error:
        if error.kind in (ErrorKind.NETWORK, ErrorKind.SIGN_IN_REQUIRED):
            raise
        return []


async def _ask(
    connection: Connection, wire_api: WireApi | None = None
) -> tuple[SidestreamError | None, float]:
    """The error of a tiny prompt, or None if it is answered, and the seconds it took."""
    loop = asyncio.get_running_loop()
    start = loop.time()
    # The options are those of a message: otherwise an answer would prove nothing.
    chosen = connection.options
    limit = chosen.max_output_tokens or TRIAL_TOKENS
    update = {"wire_api": wire_api, "max_output_tokens": limit, "background": None}
    options = chosen.model_copy(update=update)
    prompt = Prompt.from_text("Reply with OK.", instructions=connection.instructions)
    error: SidestreamError | None
    try:
        async with asyncio.timeout(TRIAL_TIMEOUT_S):
            result = await connection.client.complete(prompt, options)
        error = None if _has_answered(result) else result.error
    except TimeoutError:
        error = SidestreamError(
            ErrorKind.TIMEOUT,
            f"The server took the request, and has not answered for {TRIAL_TIMEOUT_S:.0f} seconds.",
            hint="A local server may still be loading the model: try again in a moment.",
        )
    return error, loop.time() - start


def _has_answered(result: TurnResult) -> bool:
    """Whether the model answers, even if the token limit left no text."""
    error = result.error
    if error is None or error.kind is ErrorKind.INCOMPLETE:
        return True
    if _CUT_SHORT.search(error.server_message or ""):
        return True
    # The answer had nothing but reasoning that is not shown.
    thought = result.usage is not None and result.usage.output_tokens > 0
    return thought and bool(result.finish_reason) and error.kind is ErrorKind.BAD_RESPONSE


def _is_about_the_address(error: SidestreamError) -> bool:
    """Whether the endpoint is missing, and not the model or the right to use it."""
    if error.status is not None and 300 <= error.status < 400:
        return False
    if _ABOUT_THE_ADDRESS.search(error.server_message or ""):
        return True
    if error.kind in (ErrorKind.NOT_FOUND, ErrorKind.BAD_RESPONSE):
        return True
    return error.status in (404, 405, 501) and error.kind is not ErrorKind.MODEL_NOT_FOUND


async def _check_other_api(connection: Connection, answered: SidestreamError) -> None:
    """Raise a better error if the server has the other wire API."""
    provider = connection.client.provider
    if provider.is_chatgpt:
        return
    chosen = provider.wire_api
    other = WireApi.CHAT if chosen is WireApi.RESPONSES else WireApi.RESPONSES
    failure, _ = await _ask(connection, other)
    if failure is not None and _is_about_the_address(failure):
        return
    if answered.kind is ErrorKind.PERMISSION:
        what = f"this key may not use the {_API_NAMES[chosen]}"
    elif re.search(r"\bmodel\b", answered.server_message or "", re.IGNORECASE):
        what = f"this server does not offer the model over the {_API_NAMES[chosen]}"
    else:
        what = f"this server has no {_API_NAMES[chosen]}"
    raise SidestreamError(
        ErrorKind.CONFIGURATION,
        f"Wire API: {what}; choose {_CHOICES[other]}.",
        param="wire_api",
        hint=f"It answers there: {failure}"
        if failure
        else f"Model {connection.model} answers there.",
        status=answered.status,
        server_message=answered.server_message,
    )


async def _check_base_url(
    data: dict[str, Any], fetch: Fetch, sign_ins: SignIns | None, answered: SidestreamError
) -> None:
    """Raise a better error if the base URL lacks ``/v1``, or has it by mistake."""
    base_url = (data["settings"].get("base_url") or "").strip().rstrip("/")
    path = urlsplit(base_url).path
    if path.endswith("/v1"):
        other = base_url.removesuffix("/v1")
    elif base_url and not re.search(r"/v\d", path):
        other = f"{base_url}/v1"
    else:
        return
    moved = {**data, "settings": {**data["settings"], "base_url": other}}
    connection = _connect_once(moved, fetch, sign_ins)
    provider = connection.client.provider
    if provider.is_azure or provider.is_chatgpt:
        return
    failure, _ = await _ask(connection)
    if failure is not None and _is_about_the_address(failure):
        return
    raise SidestreamError(
        ErrorKind.CONFIGURATION,
        f"Base URL: the API of this server is at {other}.",
        param="base_url",
        hint=f"It answers there: {failure}" if failure else "Enter that address.",
        status=answered.status,
        server_message=answered.server_message,
    )


def _connect_once(
    data: dict[str, Any], fetch: Fetch, sign_ins: SignIns | None, **known: Any
) -> Connection:
    """A connection without retries: the user waits for the result of a test."""
    return connect(
        data,
        fetch,
        sign_ins,
        request_max_retries=0,
        stream_max_retries=0,
        stream_idle_timeout_ms=int(TRIAL_TIMEOUT_S * 1000),
        **known,
    )


def _is_named(model: str, names: list[str]) -> bool:
    # Ollama lists a model without a tag as `name:latest`; Google prefixes `models/`.
    return any(name.removeprefix("models/") in (model, f"{model}:latest") for name in names)


_SUGGESTED = 3


def _suggestion(model: str, names: list[str]) -> str:
    """A hint for a model that the provider does not know."""
    import difflib  # slow to import, and seldom needed

    short = model.rpartition("/")[2].lower()
    by_words = [name for name in names if short and short in name.lower()]
    by_letters = difflib.get_close_matches(model, names[:1000], _SUGGESTED, 0.5)
    close = list(dict.fromkeys([*by_words, *by_letters]))[:_SUGGESTED]
    if close:
        return f"Did you mean {' or '.join(close)}?"
    rest = len(names) - _SUGGESTED
    more = f" and {rest} more" if rest > 0 else ""
    return f"The server lists {', '.join(names[:_SUGGESTED])}{more}: pick one from the list."


def _shown(seconds: float) -> str:
    return f"{seconds:.0f} s" if seconds >= 10 else f"{max(seconds, 0.1):.1f} s"
