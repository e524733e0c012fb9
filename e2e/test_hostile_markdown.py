"""Text that costs a parser or the layout most: it is shown whole, and the panel keeps working.

The longest task is measured by the benchmark `tasks`; here nothing may be lost or thrown.
"""

from __future__ import annotations

import pytest
from playwright.sync_api import expect

from e2e.app import App, Panel
from e2e.server import ScriptedServer, answer

WORDS = "The quick brown fox jumps over the lazy dog. "
INPUTS = {
    "brackets": "[" * 5_000,
    "stars": "*" * 5_000,
    "bold words": "**a " * 1_500,
    "quotations": "> " * 3_000,
    "deep quotation": ">" * 4_000 + "a\n\n" + WORDS,
    "backticks": "`" * 5_000,
    "pipes": "|" * 5_000,
    "delimiter rows": "|-|\n" * 1_000,
    "less than": "<" * 5_000,
    "addresses": "aaaa@" * 1_000,
    "underscores": "a_" * 2_500,
    "headings": "word\n-\n" * 500,
    "blanks": " " * 5_000 + "b",
    "deep list": "- " * 1_100 + "a\n" + WORDS,
    "deep numbered list": "1. " * 1_600 + "a\n" + WORDS,
    "rows": "| a | b |\n|---|---|\n" + "| word | d |\n" * 500,
    "items": "- word\n\n" * 500,
    "open details": "<details><summary>a</summary>\n\n" * 60,
    "definitions": "[a]: b\n" * 500,
    "one line": WORDS * 200,
}
KEPT: dict[str, tuple[str, int]] = {
    "one line": ("fox", 200),
    "headings": ("word", 500),
    "rows": ("word", 500),
    "items": ("word", 500),
    "brackets": ("[", 5_000),
    "less than": ("<", 5_000),
    "addresses": ("@", 1_000),
    "open details": ("<details>", 52),
    "deep list": ("dog", 1),
    "deep numbered list": ("dog", 1),
    "deep quotation": ("dog", 1),
}
"""A text that must occur this often. In other inputs its characters may be markup."""


HOLDS = """([part, count]) => {
  const answer = [...document.querySelectorAll("article.answer")].at(-1);
  return answer?.textContent.split(part).length === count + 1;
}"""


def pieces(text: str, size: int) -> list[str]:
    """The text as it comes."""
    return [text[at : at + size] for at in range(0, len(text), size)]


@pytest.mark.parametrize("way", ["streamed", "at once"])
def test_hostile_markdown_is_shown_whole_and_the_chat_continues(
    app: App, panel: Panel, server: ScriptedServer, way: str
) -> None:
    """All in one conversation, which opens again."""
    for name, text in INPUTS.items():
        server.on(f"Show {name}", answer(*pieces(text, 400 if way == "streamed" else len(text))))
        panel.ask(f"Show {name}")
        expect(panel.questions.last).to_contain_text(f"Show {name}")
        if name in KEPT:
            panel.page.wait_for_function(HOLDS, arg=KEPT[name])
        panel.expect_idle()
    server.on("After", answer("The answer after it"))
    panel.ask("After")
    expect(panel.answer).to_have_text("The answer after it")
    panel.page.reload()
    expect(panel.answer).to_have_text("The answer after it")
    expect(panel.answers).to_have_count(len(INPUTS) + 1)
    assert not app.logged("Error")
