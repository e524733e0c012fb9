"""Errors about the history: reasoning, ids, images, and the form of messages."""

from __future__ import annotations

import re
from collections.abc import Iterator

from sidestream.adjust._change import Change, Request
from sidestream.adjust._fields import path_tokens, value_at
from sidestream.adjust._items import image_digest, image_urls
from sidestream.adjust._refusals import OTHER_CAUSES, is_refusal, message_of
from sidestream.errors import SidestreamError

_ENCRYPTED = re.compile(
    r"invalid_encrypted_content|encrypted[ _]content.{0,120}(?:could not|cannot|invalid|not be)",
    re.I | re.S,
)
_SIGNATURE = re.compile(
    r"(?:invalid|corrupted|not valid).{0,40}\b(?:thought[ _])?signature"
    r"|\bsignature\b.{0,60}(?:invalid|corrupted|not valid|could not|verif)",
    re.I | re.S,
)
_UNKNOWN_ITEM = re.compile(
    r"\bitems? (?:with id )?\W?\w{1,100}\W? (?:was )?not found|items are not persisted"
    r"|without its required\W{1,3}\w{1,40}\W{1,3}item|duplicate item",
    re.I,
)
_UNFOLLOWED = re.compile(r"without its required following item", re.I)
_NO_REASONING = re.compile(
    r"reasoning (?:input )?items? (?:can only|are not|is not|not) (?:be )?\w{1,12}"
    r"|unknown (?:item )?type\W{1,4}reasoning",
    re.I,
)
_NO_IMAGES = re.compile(
    r"\bimages?(?:_url)?(?: inputs?| content| modality)?\W{0,2} (?:is|are) (?:not|only) supported"
    r"|(?:not|n't|that) (?:support|accept|take|process|see) (?:\w{1,20} )?(?:images?|vision|multi)"
    r"|is not (?:a |an )?(?:multimodal|vision|multi-modal)|at most 0 image"
    r"|unknown variant \W?image_url|no endpoints found that support image|image input"
    r"|vision (?:is )?(?:not|unsupported)|mmproj",
    re.I,
)
_BAD_IMAGE = re.compile(
    r"(?:invalid|unsupported|could not|cannot|unable|failed|not represent).{0,60}\bimage"
    r"|\bimage.{0,60}(?:invalid|unsupported|too large|too small|exceed|could not|cannot|not valid)"
    r"|\bimage (?:format|type).{0,40}not supported",
    re.I | re.S,
)
_NO_SYSTEM = re.compile(
    r"system role not supported|(?:system|developer)\W? (?:message|prompt|instruction)s?"
    r" (?:is|are) not (?:supported|enabled)|does not support \W?(?:system|developer)\W?\W"
    r"|only user and assistant roles are supported",
    re.I,
)


def read_reasoning(error: SidestreamError, request: Request) -> Iterator[Change]:
    """Errors about reasoning, its encryption and signatures, and ids of items."""
    said = f"{error.server_code or ''} {error.param or ''} {message_of(error)}"
    if _ENCRYPTED.search(said):
        yield Change("history", "encrypted reasoning", scope="conversation")
    elif not is_refusal(error):
        return
    elif _UNFOLLOWED.search(said):
        yield Change("history", "reasoning", scope="conversation")
    elif _UNKNOWN_ITEM.search(said):
        yield Change("history", "ids", scope="conversation")
    elif _NO_REASONING.search(said):
        yield Change("history", "reasoning")
    elif _SIGNATURE.search(said):
        yield Change("history", "signatures", scope="conversation")


def read_images(error: SidestreamError, request: Request) -> Iterator[Change]:
    """Errors about images: all of them, one of them, or the size of the request."""
    words = message_of(error)
    if error.param == "body" or error.status == 413:
        yield Change("history", "earlier images", scope="conversation")
    elif is_refusal(error) and (_NO_IMAGES.search(words) and not _BAD_IMAGE.search(words)):
        yield Change("history", "images")
    elif is_refusal(error) and (error.param == "image" or _BAD_IMAGE.search(words)):
        named = value_at(request, path_tokens(error.param or ""))
        url = next(image_urls(named), None) if named is not None else None
        if url:
            yield Change("history", "image", image_digest(url), scope="conversation")
        else:
            yield Change("history", "images", scope="once")
    elif is_refusal(error) and _NO_IMAGES.search(words):
        yield Change("history", "images")


def read_system_message(error: SidestreamError, request: Request) -> Iterator[Change]:
    """Errors of models that know no system message."""
    if _NO_SYSTEM.search(message_of(error)) and error.kind not in OTHER_CAUSES:
        yield Change("history", "system")


_TOO_LONG = re.compile(
    r"(?:arguments|output|content|text)\W{1,4}string too long.{0,40}maximum length (\d{1,9})",
    re.I | re.S,
)
_ONE_CALL = re.compile(r"only supports single tool[ -]calls? at once", re.I)
_NO_CONTENT = re.compile(
    r"(?<!\w)content\W.{0,60}(?:valid string|expected (?:a )?string|non-null|not be null|got null)"
    r"|(?<!\w)content\W{0,3} (?:field )?(?:is required|is missing|cannot be null|must be a string)"
    r"|null\W.{0,20}expected (?:a )?string",
    re.I | re.S,
)


def read_messages(error: SidestreamError, request: Request) -> Iterator[Change]:
    """Errors about the form of messages, which chat templates and strict servers restrict."""
    if error.kind in OTHER_CAUSES:
        return
    if is_refusal(error) and (found := _TOO_LONG.search(message_of(error))):
        yield Change("history", "long texts", int(found[1]), scope="conversation")
    # A chat template fails while the server builds the prompt, so some servers answer 500.
    if _ONE_CALL.search(message_of(error)):
        yield Change("history", "parallel calls")
    elif is_refusal(error) and _NO_CONTENT.search(f"{error.param or ''} {message_of(error)}"):
        yield Change("history", "empty content")
