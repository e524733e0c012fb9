from __future__ import annotations

import json
from typing import Any

import pytest
from pydantic import ValidationError

from sidestream.session.page_tools import PART, PageTool, ReadArguments, SelectionTool
from sidestream.session.tools import MAX_OUTPUT, Approval, ToolOutput
from sidestream.testing import run

PAGE = {"title": "News", "url": "https://news.test/a", "text": "It rains.", "is_whole": True}


def output(result: dict[str, Any], start: int = 0, tool: type[PageTool] = PageTool) -> ToolOutput:
    async def read(conversation: str, agreed: str) -> str:
        assert (conversation, agreed) == ("c", "")
        return json.dumps(result)

    return run(tool(read).run(ReadArguments(start=start), "c"))


@pytest.mark.parametrize("tool", [PageTool, SelectionTool])
def test_a_page_is_returned_with_its_title_and_address(tool: type[PageTool]) -> None:
    returned = output({"page": PAGE}, tool=tool)
    assert returned == ToolOutput("Title: News\nAddress: https://news.test/a\n\nIt rains.")


def test_its_language_is_given_where_known_and_no_empty_address() -> None:
    returned = output({"page": PAGE | {"url": "", "language": "de"}})
    assert returned.text == "Title: News\nLanguage: de\n\nIt rains."


def test_a_long_page_is_read_in_parts_that_lose_nothing() -> None:
    text = "".join(f"{number}," for number in range(10_000))
    read, start = "", 0
    while True:
        returned = output({"page": PAGE | {"text": text}}, start).text
        assert len(returned) <= MAX_OUTPUT
        header, _, part = returned.partition("\n\n")
        assert f"Characters {start} to {start + len(part)} of {len(text)}." in header
        read += part
        if "begins with" not in header:
            break
        start = int(header.rpartition("start=")[2].rstrip("."))
    assert read == text


def test_what_could_not_be_read_is_named_first_in_every_part() -> None:
    missing = "Only a part of this was read: it was still loading."
    page = PAGE | {"text": "a" * (PART + 1), "is_whole": False, "missing": missing}
    assert output({"page": page}).text.startswith(f"{missing}\nTitle: News\n")
    assert output({"page": page}, PART).text.startswith(missing)
    assert "There is nothing from there on." in output({"page": page}, PART + 1).text


def test_without_permission_the_output_tells_what_the_user_can_do() -> None:
    error = {"kind": "permission", "message": "May not.", "hint": "Click the icon."}
    returned = output({"error": error})
    assert returned == ToolOutput("error: May not. Click the icon. Tell the user.", failed=True)
    assert output({"error": {"message": "No."}}).text == "error: No. Tell the user."


def test_the_page_that_the_user_approved_is_the_one_that_is_read() -> None:
    asked = []

    async def read(_: str, agreed: str) -> str:
        asked.append(agreed)
        return json.dumps({"page": PAGE})

    # The model cannot influence it.
    with pytest.raises(ValidationError):
        ReadArguments.model_validate_json('{"_approved_page": "7 https://other.test/"}')
    arguments = ReadArguments.model_validate_json('{"start": 0}')
    arguments.with_approval(Approval(allowed=True, page="7 https://news.test/a"))
    run(PageTool(read).run(arguments, "c"))
    assert asked == ["7 https://news.test/a"]
