"""What an error names: the parameter that was refused, and the size of the context window."""

from __future__ import annotations

from sidestream.errors import ErrorKind
from sidestream.server_errors._patterns import compiled
from sidestream.server_errors.causes import Cause
from sidestream.server_errors.shapes import MAX_MESSAGE, ReportedError, dotted_path

_NAME = r"[A-Za-z_$][\w$-]{0,80}(?:\.[\w$-]{1,80}|\[\d{1,6}\]){0,30}"
_PATH = r"[a-z][\w]{0,60}(?:\.[\w$-]{1,80}|\[\d{1,6}\]){1,30}"
_UNKNOWN_NAME = rf"[Uu]nknown name \\?[\"']({_NAME})\\?[\"'](?: at '({_NAME})')?"
# A path and a name of their own: Groq, and the JSON schema validator of older Azure.
_GROQ = rf"\('({_NAME})' ?: property '({_NAME})' is unsupported"
_UNEXPECTED = rf"\('({_NAME})' was unexpected\)(?: - '({_NAME})')?"
_LOC = r"['\"]loc['\"]: ?[(\[]([^)\]]{1,300})[)\]]"
_WORDS_OF_PARAMS = (
    r"temperature|verbosity|store|stream|strict|reasoning|thinking|stop|seed|logprobs|metadata"
    r"|instructions|user|background|truncation|prompt_cache_key|[a-z]{1,30}(?:_[a-z]{1,30}){1,5}"
)
_PARAMS = (
    rf"(?:^|[\s\"'(\]])({_PATH})(?=: )",
    # Quoted: "Unsupported parameter: 'max_tokens'", "Invalid 'input[3].id': ...".
    r"(?:[Uu]nsupported (?:parameter|param|field|argument)(?:s|\(s\))?"
    r"|[Uu]n(?:known|recognized|expected) (?:request )?(?:parameter|param|field|argument|property"
    r"|key)s?|[Ii]nvalid(?: value for| parameter| type for| field)?|[Pp]roperty|[Pp]arameter"
    r"|[Aa]rgument|[Ff]ield|[Pp]rovided)"
    rf"(?: supplied)?[^'\"`\w]{{0,4}}['\"`]({_NAME})['\"`]",
    rf"[Uu]nsupported value: ['\"`]({_NAME})['\"`](?= does not)",
    # Bare: "Unsupported parameter: max_output_tokens".
    r"(?:[Uu]nsupported param(?:eter)?s?|[Uu]nrecognized (?:request )?arguments?(?: supplied)?"
    r"|[Uu]nknown (?:parameter|field|argument)|[Aa]rgument not supported on this model)"
    rf": \W?({_NAME})",
    rf"does not support (?:the )?param(?:eter)?s?\W{{1,4}}({_NAME})",
    rf"does not support the '({_NAME})' param",
    rf"[Ee]xtra (?:parameter|field|input|argument)s? \[?['\"`]({_NAME})['\"`]",
    rf"({_PATH}|\b(?:{_WORDS_OF_PARAMS})) ['\"`][^'\"`]{{1,60}}['\"`] is not supported",
    rf"\b(?:{_WORDS_OF_PARAMS})[`'\"]? and [`'\"]?({_WORDS_OF_PARAMS})[`'\"]? cannot both be",
    rf"(?:not|n't) support ({_WORDS_OF_PARAMS})=",
    rf"(?<!alue: )['\"`]({_NAME})['\"`] (?:parameter |param |field |argument |option )?(?:is|are) "
    r"(?:not supported|unsupported|not permitted|not allowed)",
    rf"\b({_WORDS_OF_PARAMS}) (?:parameter |type )?(?:is|are) "
    r"(?:not supported|unsupported|not permitted|not allowed|unavailable)",
    rf"\b(?i:({_WORDS_OF_PARAMS}))[`'\"]?(?: parameter)? must be "
    r"(?:set|true|false|between|strictly|an? |one |in |[<>=])",
    rf"^({_WORDS_OF_PARAMS}|model|tools|messages): (?=\d|Extra|Input|Field|extra|not )",
    rf"validation errors? for \w{{1,60}}\s{{1,4}}({_NAME})\s",
    r"\b(max_(?:completion_|output_|new_)?tokens)\b",
    r"\b(reasoning_content)\b",
)
_NO_NAMES = frozenset(
    {
        *("function", "user", "assistant", "system", "tool", "developer", "string", "object"),
        *("image", "none", "minimal", "low", "medium", "high", "xhigh", "max"),
    }
)
# Levels of reasoning, which are enough to know the parameter when it is not named.
_LEVELS = (
    r"['\"](?:minimal|xhigh|none|max)['\"] (?:is )?not supported"
    r"|(?:levels|values)\b.{0,20}?['\"]?(?:minimal\b|low\b\W{1,5}(?:medium\b\W{1,5}(?:and |or )?"
    r"\W?)?high\b)"
)
# The names of exceptions that gateways write before a message look like paths.
_EXCEPTIONS = r"\b[\w.]{1,60}(?:Error|Exception)(?:: | - )"
_BROAD_PARAMS = frozenset({"input", "messages", "body", "request"})


def param_of(reported: ReportedError, cause: Cause | None, kind: ErrorKind) -> str | None:
    """The parameter or item that the server names, in a field or in its message."""
    param = reported.param
    if cause is not None and cause.param and (param is None or param in _BROAD_PARAMS):
        if cause.name in ("encrypted_reasoning", "unknown_item", "too_large", "minute_too_small"):
            return cause.param
        # A path into the request is better than the name of the thing.
        named = _param_in(
            reported.message or "", paths_only=cause.name not in ("output_limit", "tools")
        )
        return named or cause.param
    if param is not None or kind is not ErrorKind.INVALID_REQUEST:
        return param
    named = _param_in(reported.message or "")
    if named is None and compiled(_LEVELS).search(reported.text):
        return "reasoning_effort"
    return named


def _param_in(message: str, *, paths_only: bool = False) -> str | None:
    message = compiled(_EXCEPTIONS).sub("", message[:MAX_MESSAGE])
    if match := compiled(_UNKNOWN_NAME).search(message):
        name, path = match.groups()
        last = (path or "").rpartition(".")[2]
        return name if not path or path == name else path if last == name else f"{path}.{name}"
    if match := compiled(_GROQ).search(message):
        return f"{match[1]}.{match[2]}"
    if match := compiled(_UNEXPECTED).search(message):
        return f"{match[2]}.{match[1]}" if match[2] else match[1]
    if match := compiled(_LOC).search(message):
        return dotted_path([part.strip(" '\"") for part in match[1].split(",")])
    for pattern in _PARAMS[:1] if paths_only else _PARAMS:
        match = compiled(pattern).search(message)
        name = next((text for text in match.groups() if text), "") if match else ""
        if name and name.lower() not in _NO_NAMES:
            return name.removeprefix("body.") if name[0].islower() else name.lower()
    return None


_SIZES = (
    r"(?:supports up to|configured limit of|length is just|n_ctx \(|max_seq_len) ?\(?([\d,]{3,12})",
    r"\d(?: tokens)? ?> ?([\d,]{3,12})",
    r"context (?:length|size|window) of \S{1,100} is ([\d,]{3,12})",
    r"max tokens of ([\d,]{3,12}) exceeded",
    r"context (?:length|size|window|limit)(?: of| is|:)?(?: only)? ?\(?([\d,]{3,12})",
    r"(?:prompt|input|model|sequence) length (?:is|of) ([\d,]{3,12})",
    r"tokens allowed ?\(?([\d,]{3,12})",
    r"exceeds the limit of ([\d,]{3,12})",
    r"must be <= ?([\d,]{3,12})|less than ([\d,]{3,12}) tokens",
    r"range of input length should be \[\d{1,6}, ?([\d,]{3,12})\]",
    r"token limit: ([\d,]{3,12})|max size: ([\d,]{3,12}) tokens",
    r"cannot exceed ([\d,]{3,12})",
    r"with ([\d,]{3,12}) maximum context|limit is ([\d,]{3,12})",
)


def window_of(reported: ReportedError) -> int | None:
    """The size of the context window in tokens, from a field or from the message."""
    if reported.window is not None:
        return reported.window
    for pattern in _SIZES:
        if match := compiled(pattern).search(reported.text):
            size = int(next(text for text in match.groups() if text).replace(",", "") or 0)
            # No model has a window this small, so the figure is another one.
            if size >= 256:
                return size
    return None
