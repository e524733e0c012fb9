"""What goes with a message: pages, selections, images, long texts.

The content of an attachment is stored apart from its turn: a turn is written again and again while
its answer grows.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Literal

from pydantic import BaseModel, ConfigDict

from sidestream.errors import ErrorKind, SidestreamError
from sidestream.models import ModelInfo
from sidestream.session.untrusted import mark
from sidestream.types.items import ContentItem, InputImage, InputText

MAX_ATTACHMENTS = 10
"""So many go with one message."""
MAX_SIZE = 20_000_000
"""The characters that the attachments of a conversation may have together: all of them may be sent
with each message, and an export has to hold them."""


class Attachment(BaseModel):
    """The ``Attachment`` of ``extension/shared/protocol.js``: what is known without its content."""

    model_config = ConfigDict(extra="ignore")

    id: str
    kind: Literal["page", "selection", "image", "text"]
    title: str
    url: str | None = None
    tokens: int = 0
    """What it takes of the context window, estimated."""
    size: int = 0
    """In characters of the content."""
    width: int | None = None
    height: int | None = None
    missing: str | None = None
    """Of a page that is not whole: one sentence that says what was left out and why."""

    def part(self, content: str) -> ContentItem:
        """What the model is sent of it; for the same content always the same."""
        if self.kind == "image":
            return InputImage(image_url=content)
        if self.kind == "text":
            # The user has pasted it into the message: it is the user's own words like the rest.
            return InputText(text=content + _GAP)
        about = filter(None, [self.title, self.url, self.missing])
        text = "\n".join([*about, "", content])
        # The id is random, made by the panel: no page knows it.
        return InputText(text=mark(text, _SOURCES[self.kind], self.id) + _GAP)


_GAP = "\n\n"
"""After a part that is text: not every way to a model keeps the parts of a message apart."""
_SOURCES = {"page": "web page", "selection": "selection on a web page"}

MISSING = "[Something was attached here, and is not there any more. It was called:]"
"""What the model is told of an attachment of an earlier message that is lost."""


REFUSED = "[An image was here. It was left out, since the provider refused it. It was called:]"
"""And of an image that made the provider refuse a request."""


def parts_of(
    attachments: Sequence[Attachment],
    contents: Mapping[str, str | None],
    *,
    without_images: bool = False,
) -> list[ContentItem]:
    """The attachments as parts of a message. ``contents`` are by id."""
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
    """What attachments take of the context window, estimated."""
    return sum(
        each.tokens for each in attachments or () if not (without_images and each.kind == "image")
    )


def with_images(attachments: Sequence[Attachment] | None) -> bool:
    """Whether there is an image among them."""
    return any(each.kind == "image" for each in attachments or ())


def check_seen(attachments: Sequence[Attachment], model: ModelInfo) -> None:
    """Raise `SidestreamError` when there is an image among them and the model cannot see any.

    Those of earlier messages are only left out of the request (`sidestream.payload.history`).
    """
    if model.supports_images is False and with_images(attachments):
        raise SidestreamError(
            ErrorKind.UNSUPPORTED,
            f"{model.slug} cannot see images, so the message was not sent.",
            hint="Choose another model in the conversation's settings and retry, or edit the "
            "message and remove the image.",
        )


def check_there(attachments: Sequence[Attachment], contents: Mapping[str, str | None]) -> None:
    """Raise `SidestreamError` when one of them has no content: nothing is sent without it."""
    for each in attachments:
        if contents.get(each.id) is None:
            raise SidestreamError(
                ErrorKind.INVALID_REQUEST,
                f"“{each.title}” could not be sent: what was attached is not there any more.",
                hint="Edit the message: remove the attachment, or attach it again to a new one.",
            )
