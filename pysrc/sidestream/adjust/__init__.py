"""A second try without what the server has refused.

Servers refuse whole requests for one optional field that they do not know: `changes_for` reads from
the error which one it is, and `apply` makes the request without it. `Adjustments` remembers what
helped, so that each server has to refuse a thing only once.

Works on the finished request of either wire API, so that one mechanism serves both. What is never
changed is what the user asked: messages, tools, the model and the form of the answer.
"""

from __future__ import annotations

from sidestream.adjust._apply import apply
from sidestream.adjust._change import MAX_CHANGES, WITHOUT_IMAGES, Change, is_about_images
from sidestream.adjust._images import loses_images
from sidestream.adjust._memory import Adjustments
from sidestream.adjust._read import changes_for

__all__ = [
    "MAX_CHANGES",
    "WITHOUT_IMAGES",
    "Adjustments",
    "Change",
    "apply",
    "changes_for",
    "is_about_images",
    "loses_images",
]
