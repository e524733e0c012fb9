from __future__ import annotations

from typing import Any

import pytest

from sidestream.errors import ErrorKind, SidestreamError
from sidestream.payload.tools import (
    chat_tool_choice,
    chat_tools,
    original_names,
    responses_tool_choice,
    responses_tools,
)
from sidestream.receivers import receiver
from sidestream.types.tools import (
    CodeInterpreterTool,
    CustomTool,
    FileSearchTool,
    FunctionTool,
    ImageGenerationTool,
    LocalShellTool,
    NamespaceTool,
    ToolSearchTool,
    ToolSpec,
    WebSearchTool,
)

SCHEMA = {"type": "object", "properties": {"q": {"type": "string"}}}
LOOK_UP = FunctionTool(name="look_up", description="Looks up.", parameters=SCHEMA, strict=True)
PATCH = CustomTool(name="patch", format={"type": "grammar", "syntax": "lark", "definition": "x"})
FILES = NamespaceTool(name="files", tools=[FunctionTool(name="read"), CustomTool(name="write")])


def test_tools_of_every_kind_for_the_responses_api() -> None:
    tools: list[ToolSpec] = [
        LOOK_UP,
        PATCH,
        FILES,
        WebSearchTool(search_context_size="low"),
        ToolSearchTool(execution="client"),
        LocalShellTool(),
    ]
    empty = {"type": "object", "properties": {}}
    assert responses_tools(tools, namespaces=True) == [
        {
            "type": "function",
            "name": "look_up",
            "description": "Looks up.",
            "parameters": SCHEMA,
            "strict": True,
        },
        {
            "type": "custom",
            "name": "patch",
            "description": "",
            "format": {"type": "grammar", "syntax": "lark", "definition": "x"},
        },
        {
            "type": "namespace",
            "name": "files",
            "description": "",
            "tools": [
                {
                    "type": "function",
                    "name": "read",
                    "description": "",
                    "parameters": empty,
                    "strict": False,
                },
                {"type": "custom", "name": "write", "description": ""},
            ],
        },
        {"type": "web_search", "search_context_size": "low"},
        {"type": "tool_search", "execution": "client", "description": "", "parameters": {}},
        {"type": "local_shell"},
    ]
    names = [tool.get("name") for tool in responses_tools(tools, namespaces=False)]
    assert names == ["look_up", "patch", "files__read", "files__write", None, None, None]


def test_provider_tools_are_sent_with_their_set_fields_only() -> None:
    tools = [
        WebSearchTool(),
        CodeInterpreterTool(),
        CodeInterpreterTool(container="cntr_1"),
        ImageGenerationTool(),
        ImageGenerationTool(size="1024x1024", partial_images=0),
        FileSearchTool(vector_store_ids=["vs_1", "vs_2"]),
    ]
    assert responses_tools(tools, namespaces=False) == [
        {"type": "web_search"},
        {"type": "code_interpreter", "container": {"type": "auto"}},
        {"type": "code_interpreter", "container": "cntr_1"},
        {"type": "image_generation"},
        {"type": "image_generation", "size": "1024x1024", "partial_images": 0},
        {"type": "file_search", "vector_store_ids": ["vs_1", "vs_2"]},
    ]


def test_functions_for_chat_completions() -> None:
    space = NamespaceTool(name="files", tools=[FunctionTool(name="read", defer_loading=True)])
    assert chat_tools([LOOK_UP, space]) == [
        {
            "type": "function",
            "function": {
                "name": "look_up",
                "description": "Looks up.",
                "parameters": SCHEMA,
                "strict": True,
            },
        },
        {
            "type": "function",
            "function": {
                "name": "files__read",
                "description": "",
                "parameters": {"type": "object", "properties": {}},
            },
        },
    ]


@pytest.mark.parametrize(
    ("tool", "label"),
    [
        (PATCH, "custom (patch)"),
        (FILES, "custom (files__write)"),
        (WebSearchTool(), "web_search"),
        (CodeInterpreterTool(), "code_interpreter"),
        (ImageGenerationTool(), "image_generation"),
        (FileSearchTool(vector_store_ids=["vs_1"]), "file_search"),
        (ToolSearchTool(execution="client"), "tool_search"),
        (LocalShellTool(), "local_shell"),
    ],
)
def test_other_tools_are_refused_by_chat_completions(tool: ToolSpec, label: str) -> None:
    with pytest.raises(SidestreamError) as caught:
        chat_tools([LOOK_UP, tool])
    assert caught.value.kind is ErrorKind.UNSUPPORTED
    assert label in caught.value.message
    assert "Responses API" in caught.value.hint


def test_two_tools_of_one_name_are_refused() -> None:
    for build in (chat_tools, lambda tools: responses_tools(tools, namespaces=False)):
        with pytest.raises(SidestreamError) as caught:
            build(
                [
                    FunctionTool(name="files__read"),
                    FILES.model_copy(update={"tools": FILES.tools[:1]}),
                ]
            )
        assert caught.value.kind is ErrorKind.CONFIGURATION
        assert "files__read" in caught.value.message


@pytest.mark.parametrize(
    ("choice", "responses", "chat"),
    [
        ("auto", "auto", "auto"),
        ("required", "required", "required"),
        ("none", "none", "none"),
        (
            "look_up",
            {"type": "function", "name": "look_up"},
            {"type": "function", "function": {"name": "look_up"}},
        ),
        (
            {"type": "function", "name": "look_up"},
            {"type": "function", "name": "look_up"},
            {"type": "function", "function": {"name": "look_up"}},
        ),
        (
            {"type": "function", "function": {"name": "look_up"}},
            {"type": "function", "name": "look_up"},
            {"type": "function", "function": {"name": "look_up"}},
        ),
        ({"type": "web_search"}, {"type": "web_search"}, {"type": "web_search"}),
    ],
)
def test_tool_choice(choice: Any, responses: Any, chat: Any) -> None:
    assert responses_tool_choice(choice) == responses
    assert chat_tool_choice(choice) == chat


def test_names_that_a_receiver_refuses_are_sent_as_others() -> None:
    tools = [FunctionTool(name=name) for name in ("files.read", "files read", "look_up", "1st")]
    moonshot = receiver("moonshot", "kimi-k2.5")
    names = original_names(tools, moonshot)
    assert sorted(names.values()) == ["1st", "files read", "files.read"]
    sent = [tool["function"]["name"] for tool in chat_tools(tools, receiver=moonshot)]
    assert [names.get(name, name) for name in sent] == [tool.name for tool in tools]
    assert "1st" not in original_names(tools, receiver("openai")).values()
    choice = chat_tool_choice("files.read", moonshot)
    assert choice["function"]["name"] == sent[0]  # type: ignore[index]
