from __future__ import annotations

import asyncio
import json
from typing import Any, Literal

import pytest
from hypothesis import given
from hypothesis import strategies as st
from pydantic import Field

from sidestream.session.tools import (
    MAX_OUTPUT,
    Approval,
    Arguments,
    Permission,
    ToolOutput,
    Tools,
)
from sidestream.testing import run
from sidestream.types.items import FunctionCallItem


class Add(Arguments):
    """Two numbers."""

    first: int
    second: int = Field(default=0, description="The other one.")
    mode: Literal["sum", "difference"] = "sum"


class Adder:
    name = "add"
    description = "Adds."
    arguments = Add
    time_limit_s = 10.0

    def __init__(self, *, delay_s: float = 0.0, fault: Exception | None = None) -> None:
        self.delay_s = delay_s
        self.fault = fault
        self.calls: list[tuple[Add, str]] = []

    async def run(self, arguments: Add, conversation_id: str) -> ToolOutput:
        self.calls.append((arguments, conversation_id))
        await asyncio.sleep(self.delay_s)
        if self.fault:
            raise self.fault
        return ToolOutput(str(arguments.first + arguments.second))


ASK: dict[str, Permission] = {"add": "ask"}


def call(tools: Tools, arguments: str, *, name: str = "add", approved: bool = True) -> ToolOutput:
    item = FunctionCallItem(name=name, arguments=arguments, call_id="1")

    asked, begun = [], []

    async def ask() -> Approval:
        asked.append(True)
        return Approval(approved)

    async def begin() -> None:
        assert not asked or approved
        begun.append(True)

    output = run(tools.call(item, "c", ask, begin))
    assert begun or output.ours
    return output


def test_a_call_with_good_arguments_is_carried_out() -> None:
    adder = Adder()
    output = call(Tools([adder], ASK), '{"first": 1, "second": 2}')
    assert (output.text, output.failed) == ("3", False)
    assert adder.calls == [(Add(first=1, second=2), "c")]


@pytest.mark.parametrize(
    ("arguments", "names"),
    [
        ("{}", "first"),
        ('{"first": "x"}', "first"),
        ('{"first": 1, "third": 2}', "third"),
        ('{"first": 1, "mode": "product"}', "mode"),
        ("not json", "arguments"),
        ("[1]", "arguments"),
        ("", "first"),
    ],
)
def test_mistakes_in_the_arguments_go_back_to_the_model(arguments: str, names: str) -> None:
    adder = Adder()
    output = call(Tools([adder], ASK), arguments)
    assert output.failed
    assert names in output.text
    assert adder.calls == []


def test_a_tool_without_permission_does_not_run() -> None:
    adder = Adder()
    refused = call(Tools([adder], ASK), '{"first": 1}', approved=False)
    assert refused.failed
    assert "not allow" in refused.text
    assert call(Tools([adder], {"add": "always"}), '{"first": 1}', approved=False).text == "1"
    refusals: tuple[dict[str, Permission], ...] = ({}, {"add": "never"})
    for permissions in refusals:
        never = Tools([adder], permissions)
        assert never.specs() == []
        assert "no tool" in call(never, '{"first": 1}').text
    assert len(adder.calls) == 1


def test_an_unknown_tool_is_reported_with_the_known_ones() -> None:
    output = call(Tools([Adder()], ASK), "{}", name="subtract")
    assert output.failed
    assert "'subtract'" in output.text
    assert "add" in output.text


def test_a_fault_or_too_long_a_wait_is_an_output(caplog: pytest.LogCaptureFixture) -> None:
    faulty = call(Tools([Adder(fault=ValueError("secret"))], ASK), '{"first": 1}')
    assert faulty.failed
    assert "secret" not in faulty.text
    assert "ValueError" in caplog.text
    slow = call(Tools([Adder(delay_s=60)], ASK), '{"first": 1}')
    assert "10 s" in slow.text


def test_the_description_follows_the_conversation() -> None:
    (spec,) = Tools([Adder()], ASK, {"add": "Not today.", "other": "No."}).specs()
    assert spec.description == "Adds. Not today."
    (spec,) = Tools([Adder()], ASK).specs()
    assert spec.description == "Adds."


def test_the_schema_is_sent_without_titles() -> None:
    (spec,) = Tools([Adder()], ASK).specs()
    assert spec.name == "add"
    assert spec.parameters["required"] == ["first"]
    assert spec.parameters["additionalProperties"] is False
    assert spec.parameters["properties"]["second"]["description"] == "The other one."
    assert "title" not in str(spec.parameters)


class Echo(Arguments):
    text: str


class Echoing:
    name = "echo"
    description = ""
    arguments = Echo
    time_limit_s = 1.0

    async def run(self, arguments: Any, conversation_id: str) -> ToolOutput:
        return ToolOutput(arguments.text)


@given(st.text(max_size=50), st.integers(0, 2000))
def test_a_long_output_loses_its_middle(text: str, times: int) -> None:
    whole = text * times
    output = call(
        Tools([Echoing()], {"echo": "always"}), Echo(text=whole).model_dump_json(), name="echo"
    )
    if len(whole) <= MAX_OUTPUT:
        assert output.text == whole
    else:
        assert len(output.text) < MAX_OUTPUT + 100
        assert output.text.startswith(whole[: MAX_OUTPUT // 2])
        assert output.text.endswith(whole[-MAX_OUTPUT // 2 :])
        assert "left out" in output.text


def test_a_long_tool_name_or_argument_does_not_lengthen_the_output() -> None:
    tools = Tools([Adder()], {"add": "always"})
    assert len(call(tools, "{}", name="x" * 1_000_000).text) < MAX_OUTPUT + 100
    many = {f"argument{number}": 1 for number in range(10_000)}
    assert len(call(tools, json.dumps(many)).text) < MAX_OUTPUT + 100


@pytest.mark.parametrize("name", ["__proto__", "constructor", "toString", "_tools", "", "ADD"])
def test_names_that_are_no_tools_call_nothing(name: str) -> None:
    adder = Adder()
    output = call(Tools([adder], {"add": "always"}), '{"first": 1}', name=name)
    assert output.failed
    assert adder.calls == []


class Code(Arguments):
    code: str


class Runner:
    name = "python"
    description = "Runs code."
    arguments = Code
    time_limit_s = 10.0

    def __init__(self) -> None:
        self.ran: list[str] = []

    async def run(self, arguments: Code, conversation_id: str) -> ToolOutput:
        self.ran.append(arguments.code)
        return ToolOutput("ok")


CODE = 'import math\nprint(math.sqrt(2), "x")'


async def called(tool: Any, arguments: str) -> ToolOutput:
    async def ask() -> Approval:
        raise AssertionError

    async def begin() -> None:
        pass

    item = FunctionCallItem(name=tool.name, arguments=arguments, call_id="c")
    return await Tools([tool], {tool.name: "always"}).call(item, "c", ask, begin)


@pytest.mark.parametrize(
    "arguments",
    [
        json.dumps({"code": CODE}),
        CODE,
        json.dumps(json.dumps({"code": CODE})),
        json.dumps(CODE),
        json.dumps({"code": CODE}).replace("\\n", "\n"),
    ],
    ids=["as it should be", "bare", "encoded twice", "a JSON string", "with line breaks"],
)
def test_the_code_reaches_the_tool_whichever_way_it_is_sent(arguments: str) -> None:
    runner = Runner()
    assert run(called(runner, arguments)).text == "ok"
    assert runner.ran == [CODE]


@pytest.mark.parametrize(
    "arguments",
    [
        '{"code": "import shutil',
        '"import shutil',
        json.dumps('{"code": "import shutil'),
        '{"cod": "x"}',
        "[1, 2]",
        "42",
        "null",
        "",
        "  ",
        '""',
    ],
)
def test_a_call_that_may_be_truncated_is_not_run(arguments: str) -> None:
    runner = Runner()
    assert run(called(runner, arguments)).failed
    assert runner.ran == []


def test_bare_text_is_no_argument_of_a_tool_with_several() -> None:
    adder = Adder()
    assert run(called(adder, "1 + 2")).failed
    output = run(called(adder, json.dumps('{"first": 1, "second": 2}')))
    assert not output.failed
