"""Tools that a request may offer to the model (Codex ``ToolSpec``)."""

from __future__ import annotations

from typing import Annotated, Any, Literal

from pydantic import Field

from sidestream.types._base import WireModel


class FunctionTool(WireModel):
    """A function with a JSON schema for its arguments."""

    type: Literal["function"] = "function"
    name: str
    description: str = ""
    parameters: dict[str, Any] = Field(default_factory=dict)
    strict: bool = False
    defer_loading: bool | None = None


class CustomTool(WireModel):
    """A tool that takes free text, optionally bound by a grammar."""

    type: Literal["custom"] = "custom"
    name: str
    description: str = ""
    format: dict[str, Any] | None = None
    defer_loading: bool | None = None


class NamespaceTool(WireModel):
    """A named group of function and custom tools."""

    type: Literal["namespace"] = "namespace"
    name: str
    description: str = ""
    tools: list[Annotated[FunctionTool | CustomTool, Field(discriminator="type")]]


class WebSearchTool(WireModel):
    """The provider's own web search."""

    type: Literal["web_search"] = "web_search"
    external_web_access: bool | None = None
    indexed_web_access: bool | None = None
    filters: dict[str, Any] | None = None
    user_location: dict[str, Any] | None = None
    search_context_size: str | None = None
    search_content_types: list[str] | None = None


class Container(WireModel):
    """Where the code interpreter runs: one that the provider makes or finds again."""

    type: Literal["auto"] = "auto"
    file_ids: list[str] | None = None
    memory_limit: str | None = None


class CodeInterpreterTool(WireModel):
    """Python that runs at the provider, in a container: a new one, or the one of that id."""

    type: Literal["code_interpreter"] = "code_interpreter"
    container: Container | str = Field(default_factory=Container)


class ImageGenerationTool(WireModel):
    """Images that the provider makes. What is not said is as the provider likes it."""

    type: Literal["image_generation"] = "image_generation"
    action: str | None = None
    background: str | None = None
    model: str | None = None
    moderation: str | None = None
    output_compression: int | None = None
    output_format: str | None = None
    partial_images: int | None = None
    quality: str | None = None
    size: str | None = None


class FileSearchTool(WireModel):
    """A search in files that were given to the provider before, in vector stores."""

    type: Literal["file_search"] = "file_search"
    vector_store_ids: list[str]
    filters: dict[str, Any] | None = None
    max_num_results: int | None = None
    ranking_options: dict[str, Any] | None = None


class ToolSearchTool(WireModel):
    """Lets the model search among deferred tools."""

    type: Literal["tool_search"] = "tool_search"
    execution: str
    description: str = ""
    parameters: dict[str, Any] = Field(default_factory=dict)


class LocalShellTool(WireModel):
    """The provider-defined shell tool of older Codex models."""

    type: Literal["local_shell"] = "local_shell"


ToolSpec = Annotated[
    FunctionTool
    | CustomTool
    | NamespaceTool
    | WebSearchTool
    | CodeInterpreterTool
    | ImageGenerationTool
    | FileSearchTool
    | ToolSearchTool
    | LocalShellTool,
    Field(discriminator="type"),
]
