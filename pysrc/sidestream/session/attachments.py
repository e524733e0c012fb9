"""What goes with a message: pages, selections, images.

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
    """The ``Attachment`` of ``extension/protocol.js``: what is known without its content."""

    model_config = ConfigDict(extra="ignore")

    id: str
    kind: Literal["page", "selection", "image"]
    title: str
    url: str | None = None
    tokens: int = 0
    """What it takes of the context window, estimated."""
    size: int = 0
    """In characters of the content."""
    width: int | None = None
    height: int | None = None

    def part(self, content: str) -> ContentItem:
        """What the model is sent of it; for the same content always the same."""
        if self.kind == "image":
            return InputImage(image_url=content)
        about = [self.title, self.url] if self.url else [self.title]
        text = "\n".join([*(line for line in about if line), "", content])
        # The id is random, made by the panel: no page knows it.
        return InputText(text=mark(text, _SOURCES[self.kind], self.id) + _GAP)


_GAP = "\n\n"
"""After a part that is text: not every way to a model keeps the parts of a message apart."""
_SOURCES = {"page": "web page", "selection": "selection on a web page"}

MISSING = "[Something was attached here, and is not there any more. It was called:]"
"""What the model is told of an attachment of an earlier message that is lost."""


def parts_of(
    attachments: Sequence[Attachment], contents: Mapping[str, str | None]
) -> list[ContentItem]:
    """The attachments as parts of a message. ``contents`` are by id."""
    return [
        InputText(text=f"{MISSING}\n{mark(each.title, 'title', each.id)}{_GAP}")
        if (content := contents.get(each.id)) is None
        else each.part(content)
        for each in attachments
    ]


def tokens_of(attachments: Sequence[Attachment] | None) -> int:
    """What attachments take of the context window, estimated."""
    return sum(each.tokens for each in attachments or ())


def check_seen(attachments: Sequence[Attachment], model: ModelInfo) -> None:
    """Raise `SidestreamError` when there is an image among them and the model cannot see any.

    Those of earlier messages are only left out of the request (`sidestream.payload.history`).
    """
    if model.supports_images is False and any(each.kind == "image" for each in attachments):
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
