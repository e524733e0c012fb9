"""A second try without what the server has refused.

Servers refuse a whole request because of one optional field that they do not know. `changes_for`
finds out from the error which field it is, `apply` makes the request without it, and `Adjustments`
remembers what helped, so that no server has to refuse the same thing twice.

All of this works on the finished request of either wire API, so one mechanism serves both. It never
changes what the user asked for: messages, tools, the model and the form of the answer.
"""

from __future__ import annotations

from sidestream.adjust._apply import apply
from sidestream.adjust._change import MAX_CHANGES, WITHOUT_IMAGES, Change, removes_images
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
    "loses_images",
    "removes_images",
]
