"""The attachments of a message: pages, selections, images, long texts.

The content of an attachment is stored apart from its turn, since a turn is written again and again
while its answer grows.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from typing import Literal

from pydantic import BaseModel, ConfigDict

from sidestream.errors import ErrorKind, SidestreamError
from sidestream.models import ModelInfo
from sidestream.session.untrusted import mark
from sidestream.texts import text
from sidestream.types.items import ContentItem, InputImage, InputText

MAX_ATTACHMENTS = 10
"""How many attachments one message can have."""
MAX_SIZE = 20_000_000
"""How many characters the attachments of a conversation can have together: each request may contain
all of them, and an export has to."""


class Attachment(BaseModel):
    """The ``Attachment`` of ``extension/shared/protocol.js``: everything but the content."""

    model_config = ConfigDict(extra="ignore")

    id: str
    kind: Literal["page", "selection", "image", "text"]
    title: str
    url: str | None = None
    tokens: int = 0
    """The estimated size in the context window."""
    size: int = 0
    """The characters of the content."""
    width: int | None = None
    height: int | None = None
    missing: str | None = None
    """If a page is incomplete, a sentence that says what was left out and why."""

    def part(self, content: str) -> ContentItem:
        """The part of a message that the model receives; it depends on nothing but the content."""
        if self.kind == "image":
            return InputImage(image_url=content)
        if self.kind == "text":
            # The user pasted it into the message, so it is the user's own text like the rest.
            return InputText(text=content + _GAP)
        about = filter(None, [self.title, self.url, self.missing])
        text = "\n".join([*about, "", content])
        # The panel makes the id at random, so no page knows it.
        return InputText(text=mark(text, _SOURCES[self.kind], self.id) + _GAP)


_GAP = "\n\n"
"""Follows each text part, since some servers join the parts of a message."""
_SOURCES = {"page": "web page", "selection": "selection on a web page"}

MISSING = "[Something was attached here, and is not there any more. It was called:]"
"""Stands in a request for an attachment of an earlier message whose content is lost."""


REFUSED = "[An image was here. It was left out, since the provider refused it. It was called:]"
"""Stands in a request for an image that made the provider refuse an earlier one."""


def parts_of(
    attachments: Sequence[Attachment],
    contents: Mapping[str, str | None],
    *,
    without_images: bool = False,
) -> list[ContentItem]:
    """The attachments as parts of a message. ``contents`` has their contents, by id."""
    parts: list[ContentItem] = []
    for each in attachments:
        content = contents.get(each.id)
        if content is not None and not (without_images and each.kind == "image"):
            parts.append(each.part(content))
        else:
            why = MISSING if content is None else REFUSED
            parts.append(InputText(text=f"{why}\n{mark(each.title, 'title', each.id)}{_GAP}"))
    return parts


def tokens_of(attachments: Sequence[Attachment] | None, *, without_images: bool = False) -> int:
    """The estimated size of attachments in the context window."""
    return sum(
        each.tokens for each in attachments or () if not (without_images and each.kind == "image")
    )


def with_images(attachments: Sequence[Attachment] | None) -> bool:
    """Whether there is an image among them."""
    return any(each.kind == "image" for each in attachments or ())


def check_seen(attachments: Sequence[Attachment], model: ModelInfo) -> None:
    """Raise `SidestreamError` when an image is attached that the model cannot see.

    Images of earlier messages are left out of the request instead (`sidestream.payload.history`).
    """
    if model.supports_images is False and with_images(attachments):
        raise SidestreamError(
            ErrorKind.UNSUPPORTED,
            text("error_model_no_images", model=model.slug),
            hint=text("hint_model_no_images"),
        )


def check_there(attachments: Sequence[Attachment], contents: Mapping[str, str | None]) -> None:
    """Raise `SidestreamError` when an attachment has no content, since it cannot be sent then."""
    for each in attachments:
        if contents.get(each.id) is None:
            raise SidestreamError(
                ErrorKind.INVALID_REQUEST,
                f"“{each.title}” could not be sent: what was attached is not there any more.",
                hint=text("hint_attachment_gone"),
            )


def check_room(attachments: Sequence[Attachment], known: Iterable[Attachment]) -> None:
    """Raise `SidestreamError` when ``attachments`` are too many, or too large with the known ones.

    ``known`` are those of the conversation's earlier messages.
    """
    if len(attachments) > MAX_ATTACHMENTS:
        raise SidestreamError(
            ErrorKind.INVALID_REQUEST,
            text("error_too_many_attachments", count=MAX_ATTACHMENTS),
            hint=text("hint_too_many_attachments"),
        )
    sizes = {each.id: each.size for each in (*attachments, *known)}
    if attachments and sum(sizes.values()) > MAX_SIZE:
        raise SidestreamError(
            ErrorKind.INVALID_REQUEST,
            text("error_attachments_too_large"),
            hint="Remove some, or begin a new chat: they come along.",
        )
