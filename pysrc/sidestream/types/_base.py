"""The one base class of all wire models."""

from __future__ import annotations

from pydantic import BaseModel, ConfigDict


class WireModel(BaseModel):
    """An immutable value that is read from JSON leniently: fields it does not know are dropped."""

    model_config = ConfigDict(frozen=True, extra="ignore")

    def to_json(self) -> str:
        """The value as compact JSON, fields that are ``None`` left out."""
        return self.model_dump_json(exclude_none=True)
