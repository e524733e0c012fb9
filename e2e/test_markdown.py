"""Markdown as models write it, in Chromium: what is an element, what is text, and what is copied.

Reports about comparable programs are named where their case is tried; the inputs are our own.
"""

from __future__ import annotations

import re
from typing import Any

from playwright.sync_api import Locator, expect

from e2e.app import Panel
from e2e.server import Gate, ScriptedServer, answer
from e2e.test_answer_tools import copied, show

LINKS = (
    "(node) => [...node.querySelectorAll('a')].map((a) => [a.textContent, a.getAttribute('href')])"
)
TEX = "(node) => [...node.querySelectorAll('.math')].map((math) => math.dataset.tex)"


def texts(place: Locator, selector: str) -> list[str]:
    return place.locator(selector).all_text_contents()


def test_emphasis_in_every_script(panel: Panel, server: ScriptedServer) -> None:
    """commonmark/commonmark-spec#650, anomalyco/opencode#38490, futuregene/future-os#744."""
    bold = [
        "真。",
        "「重点」",
        "复现：",
        "（注）",
        "“引用”",
        "한국어(Korean)",
        "重要",
        "Note:",
        '"คำ"',
    ]
    text = [
        "**真。**她",
        "含**「重点」**内容",
        "**复现：**10 轮",
        "前**（注）**后",
        "他说**“引用”**，",
        "**한국어(Korean)**은",
        "とても**重要**です",
        "**Note:**text",
        'ว่า**"คำ"**ต่อ',
    ]
    shown = show(
        panel, server, "\n\n".join([*text, "~~删除：~~文本 *强调。*她 2*3*4 snake_case_name"])
    )
    assert texts(shown, "strong") == bold
    assert texts(shown, "del") == ["删除："]
    assert texts(shown, "em") == ["强调。"]
    expect(shown.locator("p").last).to_contain_text("2*3*4 snake_case_name")


def test_single_tildes_are_text(panel: Panel, server: ScriptedServer) -> None:
    """markedjs/marked#3337, github/copilot-cli#1936, posit-dev/shinychat#349."""
    text = "20~30 °C or 25~35 °C, H~2~O, (~2000 lines) and (~5000 lines), (~$1.50) and (~$10)"
    shown = show(panel, server, f"{text}\n\n~~gone~~ and ~~25~30~~")
    expect(shown.locator("p").first).to_have_text(text)
    assert texts(shown, "del") == ["gone", "25~30"]


def test_addresses_end_with_the_address(panel: Panel, server: ScriptedServer) -> None:
    """github/cmark-gfm#83, openchamber/openchamber#3039, tiann/hapi#478, vm0-ai/vm0#28046."""
    linked = {
        "见 https://example.com/a，谢谢": "https://example.com/a",
        "https://example.com。次": "https://example.com",
        "https://example.com/docs（说明）了解": "https://example.com/docs",
        "中文https://example.ooo英文": "https://example.ooo",
        "https://example.com/abcを参照": "https://example.com/abc",
        "**https://example.com/pull/1**。": "https://example.com/pull/1",
        "(see https://example.com/A_(b)).": "https://example.com/A_(b)",
        '"https://example.com/q"': "https://example.com/q",
        "https://zh.example.org/wiki/中文": "https://zh.example.org/wiki/中文",
        "http://[::1]:8080/a, next": "http://[::1]:8080/a",
        "https://xn--r8jz45g.jp/ one": "https://xn--r8jz45g.jp/",
        "<https://example.com/x>": "https://example.com/x",
    }
    shown = show(panel, server, "\n\n".join([*linked, "www.example.com/a_b! me@example.com."]))
    last = [["www.example.com/a_b", "http://www.example.com/a_b"]]
    last.append(["me@example.com", "mailto:me@example.com"])
    assert shown.evaluate(LINKS) == [[url, url] for url in linked.values()] + last


def test_addresses_that_look_like_others_are_marked(panel: Panel, server: ScriptedServer) -> None:
    text = (
        "https://example.com@evil.example/x [t](https://example.com@evil.example) "
        "[https://bank.example](https://evil.example/a) https://аpple.com "
        "[code](javascript:alert(1))"
    )
    shown = show(panel, server, text)
    expect(shown.locator("a")).to_have_count(2)
    expect(shown.locator("a").first).to_have_text("https://bank.example (evil.example)")
    expect(shown.locator("a").last).to_contain_text("(xn--pple-43d.com)")
    expect(shown).to_contain_text("https://example.com@evil.example/x t (https://example.com@evil")


def test_links_show_where_they_lead(panel: Panel, server: ScriptedServer) -> None:
    """The text and the title of a link are the model's; the address and its host are not."""
    server.on(
        "Links",
        answer(
            "[Log in at openai.com](https://evil.test/a) and "
            "[your account](https://evil.test/b 'https://openai.com') and "
            "[here](https://evil.test/c)"
        ),
    )
    panel.ask("Links")
    links = panel.answer.get_by_role("link")
    expect(links).to_have_text(
        ["Log in at openai.com (evil.test)", "your account (evil.test)", "here"]
    )
    target = panel.page.locator(".link-target")
    for at, path in enumerate("abc"):
        expect(links.nth(at)).to_have_attribute("title", re.compile(rf"^https://evil\.test/{path}"))
        expect(links.nth(at)).to_have_accessible_description(re.compile(r"^https://evil\.test/"))
        links.nth(at).hover()
        expect(target).to_have_text(f"https://evil.test/{path}")
    expect(target.locator("strong")).to_have_text("evil.test")
    panel.message.hover()
    expect(target).to_be_hidden()
    links.first.focus()
    expect(target).to_have_text("https://evil.test/a")


def test_lines_stay_lines(panel: Panel, server: ScriptedServer) -> None:
    shown = show(panel, server, "Roses are red,\nViolets are blue\n\n- 静夜思\n  床前明月光")
    expect(shown.locator("p").first).to_have_js_property(
        "innerText", "Roses are red,\nViolets are blue"
    )
    expect(shown.locator("li")).to_have_js_property("innerText", "静夜思\n床前明月光")


MATH = r"""Euler: \(e^{i\pi}\) and \[ \int_0^1 x^2\,dx \]

$$
x_i^{*} y_i^{*}
$$

价格$p_i$和 $x$ but not $5 and $10, US$5, \$6, $HOME/$USER, `$y$`.

- item
  \[
  a = b
  - c
  \]

> $$
> q
> $$

```math
m^2
```

\begin{align}
a &= b \\
c &= d
\end{align}

Wrong: $\unknown{x}$

| price | formula |
|---|---|
| $5 | $|x|$ |
| $10 | $z$ |"""


def test_formulas(panel: Panel, server: ScriptedServer) -> None:
    """typora/typora-issues#3178, jackyzha0/quartz#2208, FerroxLabs/wayland#704."""
    shown = show(panel, server, MATH)
    expect(shown.locator("math")).to_have_count(11)
    tex: list[str] = shown.evaluate(TEX)
    assert tex == [
        r"\(e^{i\pi}\)",
        r"\[ \int_0^1 x^2\,dx \]",
        "$$\nx_i^{*} y_i^{*}\n$$",
        "$p_i$",
        "$x$",
        "\\[\na = b\n- c\n\\]",
        "$$\nq\n$$",
        "$$\nm^2\n$$",
        "\\begin{align}\na &= b \\\\\nc &= d\n\\end{align}",
        r"$\unknown{x}$",
        "$|x|$",
        "$z$",
    ]
    expect(shown).to_contain_text("but not $5 and $10, US$5, $6, $HOME/$USER, $y$.")
    expect(shown).to_contain_text(r"Wrong: $\unknown{x}$")
    expect(shown.locator("td").first).to_have_text("$5")
    assert shown.locator("math").first.evaluate("(math) => math.namespaceURI").endswith("MathML")
    plain = copied(panel.page, "Euler", "but not $5")["text"]
    assert r"Euler: \(e^{i\pi}\) and" in plain
    assert "x_i^{*} y_i^{*}" in plain
    assert "价格$p_i$和 $x$ but" in plain


def test_hostile_formulas_are_source(panel: Panel, server: ScriptedServer) -> None:
    sources = [
        r"\def\a{\a\a}\a",
        "{" * 2000 + "x" + "}" * 2000,
        r"\href{javascript:alert(1)}{x}",
        r"\includegraphics{https://example.com/x.png}",
    ]
    shown = show(panel, server, "\n\n".join(f"\\({tex}\\)" for tex in sources) + "\n\n\\(ok\\)")
    expect(shown.locator("math")).to_have_count(1)
    assert texts(shown, "p") == [f"\\({tex}\\)" for tex in sources] + texts(shown, "p")[-1:]


def test_tags_that_shape_text_and_tags_that_are_text(panel: Panel, server: ScriptedServer) -> None:
    text = (
        "H<sub>2</sub>O x<sup>2</sup> <kbd>Ctrl</kbd> a<br>b <b onclick=alert(1)>bold</b>\n\n"
        "List<String>, <T extends U>, <think>x</think>, <script>alert(1)</script>, <b>, "
        "<img src=x onerror=alert(1)> <!-- note **b** -->\n\n"
        "<details>\n<summary>More **here**</summary>\n\n- inside\n\n```js\n</details>\n```\n\n"
        "</details>\n\nAfter it."
    )
    shown = show(panel, server, text)
    assert texts(shown, "p:first-child > :is(sub, sup, kbd, b)") == ["2", "2", "Ctrl", "bold"]
    assert shown.locator("b").evaluate("(b) => b.attributes.length") == 0
    expect(shown.locator("p").nth(1)).to_have_text(
        "List<String>, <T extends U>, <think>x</think>, <script>alert(1)</script>, <b>, "
        "<img src=x onerror=alert(1)> <!-- note **b** -->"
    )
    details = shown.locator("details")
    expect(details.locator("summary strong")).to_have_text("here")
    expect(details.locator("li")).to_be_hidden()
    details.locator("summary").click()
    expect(details.locator("li")).to_be_visible()
    expect(details.locator("code")).to_have_text("</details>")
    expect(details).not_to_contain_text("After it.")


def test_alerts_sources_and_footnotes(panel: Panel, server: ScriptedServer) -> None:
    kinds = ["NOTE", "Tip", "important", "WARNING", "CAUTION"]
    quotes = [f"> [!{kind}]\n> About {kind}." for kind in kinds]
    text = "\n\n".join(
        [
            *quotes,
            "> [!NOTE] Own title\n> Text.",
            "> [!OTHER]\n> Text.",
            "Cited [1] and [named][n], noted[^1].",
            "Sources:",
            '[1]: https://example.com/one "One"\n[2]: https://example.com/two\n'
            "[n]: https://example.com/named",
            "[^1]: The **note**.",
        ]
    )
    shown = show(panel, server, text)
    alerts = shown.get_by_role("note")
    expect(alerts).to_have_count(6)
    titles = [kind.capitalize() for kind in kinds]
    assert texts(shown, ".md-alert-title") == [*titles, "Own title"]
    expect(shown.locator("blockquote")).to_have_text("[!OTHER]Text.")
    assert texts(shown, ".md-definition") == [
        '[1]: https://example.com/one "One"',
        "[2]: https://example.com/two",
    ]
    expect(shown.get_by_role("link", name="[1]", exact=True)).to_have_attribute(
        "href", "https://example.com/one"
    )
    expect(shown.locator(".md-footnote")).to_have_text("[1] The note.")
    expect(shown.locator("sup")).to_have_text("[1]")


def test_fences_inside_of_markdown(panel: Panel, server: ScriptedServer) -> None:
    """DEEIX-AI/DEEIX-Chat#735, FiligranHQ/filigran-ui#288, markedjs/marked#3231."""
    inside = "# Title\n\n```js\nlet a;\n```\n\nMore."
    shown = show(
        panel,
        server,
        f"```markdown\n{inside}\n```\n\nAfter **it**.\n\n```md\n```js\n```\n\n"
        "```js\nlet b;\n```\n\nEnd.",
    )
    assert texts(shown, "pre code") == [inside, "```js", "let b;"]
    expect(shown.locator("strong")).to_have_text("it")


def test_lists_and_tables_as_models_write_them(panel: Panel, server: ScriptedServer) -> None:
    """huggingface/chat-ui#2311 (comparisons in lists)."""
    text = (
        "1. One\n```sh\nls\n```\n2. Two\n\n- > 25: expensive\n- [x] done\n\n"
        "Name | Code\n--- | ---\nOr | `a | b`\nMore | c | d"
    )
    shown = show(panel, server, text)
    assert shown.locator("ol").last.get_attribute("start") == "2"
    assert texts(shown, "ul > li") == ["> 25: expensive", " done"]
    expect(shown.get_by_role("checkbox")).to_be_checked()
    assert texts(shown, "td") == ["Or", "a | b", "More", "c | d"]


def test_directions(panel: Panel, server: ScriptedServer) -> None:
    text = (
        "مرحبا! (نص).\n\nPlain text.\n\n- שלום\n- hello\n\n| نص | b |\n|---|---|\n| 1 | two |\n\n"
        "> اقتباس\n\n# عنوان\n\n> [!NOTE]\n> ملاحظة\n\n`code` ثم نص\n\n```\ncode\n```\n\n"
        "نص \\(x+1\\) نص"
    )
    shown = show(panel, server, text)
    expect(shown.locator("math")).to_have_count(1)
    directions: dict[str, Any] = shown.evaluate(
        """(node) => Object.fromEntries(
          ["p:first-child", "p:nth-child(2)", "ul", "li:first-child", "li:last-child",
           "table", "blockquote", "h3", ".md-alert", "pre", ".math", "p > code"].map((selector) =>
            [selector, getComputedStyle(node.querySelector(".markdown " + selector)).direction]))"""
    )
    assert directions == {
        "p:first-child": "rtl",
        "p:nth-child(2)": "ltr",
        "ul": "rtl",
        "li:first-child": "rtl",
        "li:last-child": "ltr",
        "table": "rtl",
        "blockquote": "rtl",
        "h3": "rtl",
        ".md-alert": "rtl",
        "pre": "ltr",
        ".math": "ltr",
        "p > code": "ltr",
    }


UNFINISHED = [
    ("Some **bo", "Some bo", "ld** text"),
    ("**[start](https://exam", "start", "ple.com/)** it"),
    ("Is \\(x_i^{*} y_i^{*}", "Is \\(x_i^{*} y_i^{*}", "\\) so"),
    ("$$\na_1 = *b*", "$$\na_1 = *b*", "\n$$"),
    ("> [!NOTE]\n> Mind `th", "Note\n\nMind th", "is`"),
    ("| Name | Ag", "Name\tAg", "e |\n|---|---|\n| a | b |"),
]


def test_what_is_not_finished(panel: Panel, server: ScriptedServer) -> None:
    """vercel/streamdown#165, vercel/streamdown#313, microsoft/vscode#324317."""
    for begin, seen, end in UNFINISHED:
        gate = Gate(begin, after=[end])
        server.on("", gate)
        panel.ask("Show it")
        expect(panel.answer.locator(".markdown")).to_have_js_property("innerText", seen)
        gate.open.set()
        panel.expect_idle()
