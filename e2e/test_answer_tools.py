"""Actions on an answer: on its code, tables, diagrams and text; and long messages.

Reports of comparable panels are named where their case is tried; the inputs are our own.
"""

from __future__ import annotations

import csv
import io
import xml.etree.ElementTree as ET
from pathlib import Path

import pytest
from playwright.sync_api import Download, Locator, Page, expect

from e2e.app import App, Panel
from e2e.patience import PATIENCE
from e2e.server import Gate, ScriptedServer, answer

LANGUAGES = {
    "php": "<?php echo 'x'; // note",
    "ruby": "def greet\n  puts 'x'\nend",
    "kotlin": 'fun main() { println("x") }',
    "swift": 'let x = "y"',
    "powershell": 'Get-ChildItem | Where-Object { $_.Name -eq "x" }',
    "TOML": '[package]\nname = "x"',
    "ini": "[a]\nb = 1",
    "Dockerfile": "FROM alpine\nRUN ls",
    "diff": "- old\n+ new",
    "lua": "local x = 'y'",
    "r": "x <- function(y) 'z'",
    "scala": 'val x = "y"',
    "dart": "void main() { print('x'); }",
    "perl": 'my $x = "y";',
    "haskell": 'main = putStrLn "x"',
    "elixir": 'defmodule X do\n  @y "z"\nend',
    "graphql": 'query { user(id: "1") { name } }',
    "makefile": "all: x\n\techo $(CC)",
    "nginx": "server { listen 80; }",
    "protobuf": 'syntax = "proto3";\nmessage X { int32 id = 1; }',
    "scss": "$a: 1px;\n.b { width: $a; }",
    "less": "@a: 1px;\n.b { width: @a; }",
    "vue": '<template><p class="x">y</p></template>',
    "svelte": "<script>let x = 1;</script>\n<p>{x}</p>",
    "latex": r"\section{X} % note",
    "julia": 'x = "y" # note',
    "clojure": '(defn x [] "y")',
    "Objective-C": '@interface X\nNSString *y = @"z";',
    "Assembly": "mov eax, 1 ; note",
    "wasm": '(module (func (export "x")))',
    "terraform": 'resource "x" "y" {\n  z = "w"\n}',
    "cmake": "project(x)\nset(Y 1)",
    "Python3": "import os",
    "C++": "int main() { return 0; }",
    "shell-session": "$ echo hi\nhi",
    "{.python #id}": "import os",
    'js title="x"': "const a = 1;",
    "js{1,3}": "const a = 1;",
    "jsonc": '{"a": 1 /* note */}',
    "sh": "echo hi # note",
    "SQL": "SELECT 'x'",
    "tsx": "const a = <p>x</p>;",
}

PASTED = """() => {
  window.pasted = new Promise((resolve) => document.addEventListener("paste", (event) => {
    event.preventDefault();
    event.stopImmediatePropagation();
    const {clipboardData: data} = event;
    resolve({text: data.getData("text/plain"), html: data.getData("text/html")});
  }, {capture: true, once: true}));
}"""

SELECT = """([from, to]) => {
  const at = (text, end) => {
    const walker = document.createTreeWalker(
      document.getElementById("conversation"), NodeFilter.SHOW_TEXT);
    for (let node = walker.nextNode(); node; node = walker.nextNode()) {
      const offset = node.data.indexOf(text);
      if (offset >= 0) return [node, offset + (end ? text.length : 0)];
    }
    throw new Error(`not there: ${text}`);
  };
  getSelection().setBaseAndExtent(...at(from, false), ...at(to, true));
}"""


def show(panel: Panel, server: ScriptedServer, text: str, question: str = "Show it") -> Locator:
    """An answer with this text, finished."""
    server.on("", answer(text))
    panel.ask(question)
    panel.expect_idle()
    return panel.answer


def pasted(page: Page) -> dict[str, str]:
    """What the clipboard holds."""
    page.evaluate(PASTED)
    page.get_by_role("textbox", name="Message", exact=True).focus()
    page.keyboard.press("ControlOrMeta+V")
    held: dict[str, str] = page.evaluate("window.pasted")
    return held


def copied(page: Page, first: str, last: str) -> dict[str, str]:
    """What is copied from the first of these texts to the end of the last."""
    page.evaluate(SELECT, [first, last])
    page.keyboard.press("ControlOrMeta+C")
    return pasted(page)


def press(place: Locator, name: str) -> None:
    place.get_by_role("button", name=name, exact=True).click()


def downloaded(place: Locator, name: str) -> Download:
    with place.page.expect_download() as download:
        press(place, name)
    return download.value


def content(download: Download) -> bytes:
    return Path(download.path()).read_bytes()


# --- highlighting -------------------------------------------------------------------------------


def test_code_is_coloured_in_every_language(panel: Panel, server: ScriptedServer) -> None:
    blocks = [f"```{name}\n{code}\n```" for name, code in LANGUAGES.items()]
    plain = ["```klingon\nif x then y\n```", "```\nimport os\n```", "    import os"]
    shown = show(panel, server, "\n\n".join([*blocks, *plain, "```python\nimport last\n```"]))
    codes = shown.locator("pre code")
    expect(codes).to_have_count(len(LANGUAGES) + len(plain) + 1)
    # They are coloured one after the other.
    expect(codes.last.locator(".hl-keyword")).to_have_text("import")
    for at, (name, code) in enumerate(LANGUAGES.items()):
        assert codes.nth(at).locator("[class^=hl-]").count() > 0, name
        assert codes.nth(at).text_content() == code, name
    for at in range(len(LANGUAGES), len(LANGUAGES) + len(plain)):
        assert codes.nth(at).locator("span").count() == 0


def test_code_that_takes_too_long_stays_plain_and_holds_nothing_up(
    panel: Panel, server: ScriptedServer
) -> None:
    """highlightjs/highlight.js#2664, #769: some texts take its expressions minutes."""
    hostile = "[a](" * 5000
    shown = show(panel, server, f"```markdown\n{hostile}\n```\n\n```python\nimport os\n```")
    panel.message.fill("The panel can be used meanwhile")
    codes = shown.locator("pre code")
    expect(codes.last.locator(".hl-keyword")).to_have_text("import")
    assert codes.first.locator("span").count() == 0
    assert codes.first.text_content() == hostile


def test_what_is_selected_stays_selected_when_colours_come(
    panel: Panel, server: ScriptedServer
) -> None:
    """sourcegraph/cody#4268, dominch/redmine_highlightjs#31: colours took the selection away."""
    code = "import os\nname = 'value'  # a note\nprint(name)\n"
    gate = Gate(f"Before\n\n```python\n{code}", after=["```\n\nAfter"])
    server.on("", gate)
    panel.ask("Show it")
    page = panel.page
    block = panel.answer.locator("pre code")
    expect(block).to_contain_text("print(name)")
    page.evaluate(SELECT, ["port os", "print(na"])
    wanted = page.evaluate("String(getSelection())")
    gate.open.set()
    panel.expect_idle()
    expect(block.locator(".hl-keyword")).to_have_text("import")
    assert page.evaluate("String(getSelection())") == wanted


def test_a_selection_in_the_making_is_waited_for(panel: Panel, server: ScriptedServer) -> None:
    code = "import os\nname = 'value'  # a note\nprint(name)\n"
    gate = Gate(f"```python\n{code}", after=["```\n\nAfter"])
    server.on("", gate)
    panel.ask("Show it")
    page = panel.page
    block = panel.answer.locator("pre code")
    expect(block).to_contain_text("print(name)")
    box = block.bounding_box()
    assert box
    page.mouse.move(box["x"] + 2, box["y"] + 5)
    page.mouse.down()
    page.mouse.move(box["x"] + 60, box["y"] + 24, steps=4)
    wanted = page.evaluate("String(getSelection())")
    assert wanted.startswith("import os\n")
    gate.open.set()
    panel.expect_idle()
    assert page.evaluate("String(getSelection())") == wanted
    page.mouse.up()
    expect(block.locator(".hl-keyword")).to_have_text("import")
    assert page.evaluate("String(getSelection())") == wanted


# --- code ---------------------------------------------------------------------------------------


def test_code_is_copied_and_downloaded(panel: Panel, server: ScriptedServer) -> None:
    """hackerai-tech/hackerai#825, CherryHQ/cherry-studio#7176: `code.python`, `x.rust`.

    ggml-org/llama.cpp#26928: a file that is only compared with gave the download its name.
    """
    blocks = {
        "snippet.py": "```python\nx = 1\n\n\ny = 2\n```",
        "app.py": "```python\n# app.py\nx = 1\n```",
        "page.tsx": '```tsx title="src/app/page.tsx"\nlet x;\n```',
        "config.yml": "Write this to `config.yml`:\n\n```yaml\na: 1\n```",
        "snippet.json": "Unlike `config.json`, this is it:\n\n```json\n{}\n```",
        "Dockerfile": "```dockerfile\nFROM x\n```",
        "snippet.rs": "```rust\nlet x;\n```",
        "snippet.txt": "```\nplain\n```",
    }
    shown = show(panel, server, "\n\n".join(blocks.values()))
    codes = shown.locator(".code")
    expect(codes.last.get_by_role("button", name="Download")).to_be_visible()
    for at, name in enumerate(blocks):
        download = downloaded(codes.nth(at), "Download")
        assert download.suggested_filename == name
        text = codes.nth(at).locator("code").text_content()
        assert content(download).decode() == f"{text}\n"
    press(codes.first, "Copy")
    expect(codes.first.get_by_role("button", name="Copied")).to_be_visible()
    assert pasted(panel.page)["text"] == "x = 1\n\n\ny = 2"


def test_long_lines_are_wrapped_from_then_on(
    app: App, panel: Panel, server: ScriptedServer
) -> None:
    """open-webui/open-webui#4427, openchamber/openchamber#1491: a switch, and it is kept."""
    line = "word " * 60
    shown = show(panel, server, f"```\n{line}\n```\n\n```\n{line}\n```")
    first, second = shown.locator("pre").all()
    overflow = "pre => pre.scrollWidth - pre.clientWidth"
    assert first.evaluate(overflow) > 0
    wrap = shown.get_by_role("button", name="Wrap long lines")
    wrap.first.click()
    assert [first.evaluate(overflow), second.evaluate(overflow)] == [0, 0]
    expect(wrap.last).to_have_attribute("aria-pressed", "true")
    other = app.open_panel()
    again = other.answer.get_by_role("button", name="Wrap long lines")
    expect(again.first).to_have_attribute("aria-pressed", "true")
    again.first.click()
    expect(wrap.first).to_have_attribute("aria-pressed", "false")
    assert first.evaluate(overflow) > 0


def test_the_buttons_of_long_code_stay_in_view_in_a_narrow_panel(
    panel: Panel, server: ScriptedServer
) -> None:
    page = panel.page
    page.set_viewport_size({"width": 200, "height": 500})
    lines = "\n".join(f"print({number})" for number in range(120))
    shown = show(panel, server, f"```python\n{lines}\n```\n\nAfter")
    copy = shown.get_by_role("button", name="Copy", exact=True)
    expect(shown.get_by_role("button", name="Download")).to_have_count(1)
    shown.get_by_text("print(60)").evaluate("(e) => e.scrollIntoView({block: 'center'})")
    page.locator("#stage").evaluate("(stage) => { stage.scrollTop = stage.scrollHeight / 2; }")
    expect(copy).to_be_in_viewport()
    for button in shown.locator(".code-head button").all():
        box = button.bounding_box()
        assert box
        assert 0 <= box["x"] <= box["x"] + box["width"] <= 200


# --- tables -------------------------------------------------------------------------------------

TABLE = """| Name | Price | Note |
| :--- | ---: | :---: |
| [Tea](https://example.com/tea?a=1) | -5 % | a \\| b |
| **Milk**, "fresh" | =1+1 | `x|y` |
| 牛奶<br>cold | 3 | $x_1$ |
"""


def test_a_table_is_copied_as_markdown_and_as_csv(panel: Panel, server: ScriptedServer) -> None:
    """open-webui/open-webui#1612: tables as files for spreadsheets.

    microsoft/markitdown#2266: bars and line breaks in cells. kirodotdev/KiroCrew#10589: formulas.
    """
    table = TABLE.replace("`x|y`", "`x\\|y`")
    shown = show(panel, server, table)
    group = shown.get_by_role("group", name="Table")
    press(group, "Copy as Markdown")
    assert pasted(panel.page)["text"].splitlines() == [
        "| Name | Price | Note |",
        "| :--- | ---: | :---: |",
        "| [Tea](https://example.com/tea?a=1) | -5 % | a \\| b |",
        '| **Milk**, "fresh" | =1+1 | `x\\|y` |',
        "| 牛奶<br>cold | 3 | $x_1$ |",
    ]
    press(group, "Copy as CSV")
    wanted = [
        ["Name", "Price", "Note"],
        ["Tea", "-5 %", "a | b"],
        ['Milk, "fresh"', "'=1+1", "x|y"],
        ["牛奶\ncold", "3", "$x_1$"],
    ]
    text = pasted(panel.page)["text"].replace("\r\n", "\n")
    assert list(csv.reader(io.StringIO(text, newline=""))) == wanted
    download = downloaded(group, "Download CSV")
    assert download.suggested_filename == "table.csv"
    file = content(download)
    assert file.startswith(b"\xef\xbb\xbfName,Price,Note\r\n")
    decoded = file.decode("utf-8-sig")
    assert list(csv.reader(io.StringIO(decoded, newline=""))) == wanted
    # A table that was copied is the same one again.
    again = show(panel, server, table)
    assert again.locator("table").evaluate("(t) => t.textContent") == (
        shown.locator("table").evaluate("(t) => t.textContent")
    )


def test_the_buttons_of_a_table_cover_nothing_and_are_reached_by_keyboard(
    panel: Panel, server: ScriptedServer
) -> None:
    page = panel.page
    wide = "| " + " | ".join(f"Column number {n}" for n in range(12)) + " |\n" + "| --- " * 12 + "|"
    shown = show(panel, server, f"{wide}\n" + ("| cell " * 12 + "|\n") * 3)
    for width in (200, 320):
        page.set_viewport_size({"width": width, "height": 600})
        rows = shown.locator("table").bounding_box()
        assert rows
        for button in shown.locator(".table-tools button").all():
            box = button.bounding_box()
            assert box
            assert box["y"] >= rows["y"] + rows["height"] - 1
            assert 0 <= box["x"] <= box["x"] + box["width"] <= width
    shown.get_by_role("group", name="Table").focus()
    for name in ("Copy as Markdown", "Copy as CSV", "Download CSV"):
        page.keyboard.press("Tab")
        expect(shown.get_by_role("button", name=name)).to_be_focused()


# --- diagrams -----------------------------------------------------------------------------------

FLOW = 'flowchart LR\n  A[Start ü 漢字] --> B{"OK?"}\n  B -->|yes| C[End]'


def drawn(shown: Locator, source: str) -> Locator:
    press(shown, "Draw diagram")
    image = shown.locator(".diagram img")
    expect(image).to_be_visible(timeout=PATIENCE * 1000)
    assert image.evaluate("async (image) => { await image.decode(); return image.naturalWidth; }")
    expect(shown.locator("pre code")).to_have_text(source)
    return image


def test_a_diagram_is_drawn_on_a_click(app: App, panel: Panel, server: ScriptedServer) -> None:
    shown = show(panel, server, f"Look:\n\n```mermaid\n{FLOW}\n```\n\nThat is it.")
    page = panel.page
    assert not page.evaluate("Boolean(globalThis.mermaid)")
    image = drawn(shown, FLOW)
    assert page.locator("iframe").count() == 0, "it is drawn elsewhere"
    expect(image).to_have_attribute("alt", "Diagram (flowchart)")
    svg = downloaded(shown, "Download SVG")
    assert svg.suggested_filename == "diagram.svg"
    root = ET.fromstring(content(svg))
    words = "".join(root.itertext())
    assert all(word in words for word in ("Start ü 漢字", "OK?", "yes", "End"))
    assert content(downloaded(shown, "Download PNG")).startswith(b"\x89PNG")
    press(shown, "Larger")
    dialog = page.get_by_role("dialog", name="Diagram")
    large = dialog.get_by_role("img")
    width = large.evaluate("(image) => image.width")
    press(dialog, "Zoom in")
    assert large.evaluate("(image) => image.width") > width
    page.keyboard.press("Escape")
    expect(dialog).to_have_count(0)
    press(shown, "Hide diagram")
    expect(image).to_be_hidden()
    press(shown, "Draw diagram")
    expect(image).to_be_visible()
    # Another panel, and colours for the dark.
    other = app.open_panel()
    other.page.emulate_media(color_scheme="dark")
    press(other.answer, "Draw diagram")
    expect(other.answer.locator(".diagram.dark img")).to_be_visible()


def test_what_the_reader_has_opened_stays_while_the_answer_grows(
    panel: Panel, server: ScriptedServer
) -> None:
    source = FLOW.replace("\n", "\n  ")
    begin = f"- Look:\n\n  ```mermaid\n  {source}\n  ```\n\n  | A |\n  | --- |\n  | 1 |\n\n"
    details = "  <details>\n  <summary>More</summary>\n\n  Inside\n\n  </details>\n\n- and now"
    gate = Gate(begin + details, after=[" it grows", "\n- on\n\nand ends"])
    server.on("", gate)
    panel.ask("Show it")
    expect(panel.answer).to_contain_text("and now")
    image = drawn(panel.answer, FLOW)
    panel.answer.locator("summary").click()
    press(panel.answer, "Copy as CSV")
    panel.page.evaluate("""() => {
      window.kept = [...document.querySelectorAll(".diagram img, details[open], .table-tools")];
    }""")
    gate.open.set()
    panel.expect_idle()
    expect(panel.answer).to_contain_text("and ends")
    assert panel.page.evaluate(
        "window.kept.length === 3 && window.kept.every((e) => e.isConnected)"
    )
    expect(image).to_be_visible()
    expect(panel.answer.get_by_text("Inside")).to_be_visible()


@pytest.mark.parametrize(
    "source",
    [
        "sequenceDiagram\n  Alice->>Bob: Hello",
        "classDiagram\n  Animal <|-- Duck",
        "stateDiagram-v2\n  [*] --> Still",
        "erDiagram\n  A ||--o{ B : has",
        'pie title Pets\n  "Dogs" : 3\n  "Cats" : 1',
        "mindmap\n  root((m))\n    a",
        "gantt\n  dateFormat YYYY-MM-DD\n  Task :a, 2026-01-01, 3d",
        "gitGraph\n  commit",
        "timeline\n  2002 : A",
    ],
    ids=lambda source: source.split()[0],
)
def test_each_kind_of_diagram_is_drawn(app: App, source: str) -> None:
    reply = app.send({"type": "DrawDiagram", "source": source, "dark": False})
    diagram = reply["diagram"]
    assert "error" not in diagram, diagram
    assert diagram["width"] > 20
    assert diagram["height"] > 20
    ET.fromstring(diagram["svg"])


def test_what_is_wrong_with_a_diagram_is_shown(panel: Panel, server: ScriptedServer) -> None:
    """lobehub/lobehub#7301: a diagram with an error was blank, open-webui/open-webui#15227 as well.

    nashsu/llm_wiki#549, metadist/synaplan#367, juspay/xyne-spaces#39: Mermaid's own picture of a
    bomb filled the page.
    """
    shown = show(panel, server, "```mermaid\nflowchart LR\n  A --> [B\n```")
    press(shown, "Draw diagram")
    box = shown.get_by_role("group", name="Diagram")
    expect(box).to_contain_text("The diagram could not be drawn.")
    expect(box.get_by_role("group", name="Mermaid's message")).to_contain_text("line 2")
    expect(box.locator("img")).to_have_count(0)
    expect(panel.page.get_by_text("Syntax error in text")).to_have_count(0)
    press(shown, "Draw diagram")
    expect(box).to_contain_text("The diagram could not be drawn.")


HOSTILE = [
    '%%{init: {"securityLevel": "loose", "flowchart": {"htmlLabels": true}}}%%\n'
    'flowchart LR\n  A["<img src=SERVER/label onerror=alert(1)>"] --> B\n  click A call alert(1)',
    '---\nconfig:\n  securityLevel: loose\n  themeCSS: "@import url(SERVER/css);"\n---\n'
    'flowchart LR\n  A --> B\n  click B "javascript:alert(1)" "tip"\n  click A "SERVER/click"',
    'flowchart LR\n  A@{ img: "SERVER/image", label: "x", w: 60, h: 60 } --> B',
    "flowchart TD\n  B --> C{<script src=SERVER/script></script>}",
    "flowchart LR\n  A --> B\n  style A fill:url(SERVER/style)",
]


def test_a_hostile_diagram_does_nothing(app: App, panel: Panel, server: ScriptedServer) -> None:
    """mermaid-js/mermaid#847, #869; supabase/supabase#45892; chaitin/MonkeyCode#898."""
    for source in HOSTILE:
        text = source.replace("SERVER", server.origin)
        diagram = app.send({"type": "DrawDiagram", "source": text, "dark": False})["diagram"]
        svg = diagram.get("svg", "<svg/>")
        root = ET.fromstring(svg)
        for element in root.iter():
            assert element.tag.split("}")[-1] not in ("script", "iframe", "image", "foreignObject")
            for name, value in element.attrib.items():
                assert not name.startswith("on")
                assert "javascript:" not in value
                assert not (name.endswith("href") and not value.startswith("#"))
            assert "@import" not in (element.text or "")
    shown = show(panel, server, f"```mermaid\n{HOSTILE[0].replace('SERVER', server.origin)}\n```")
    press(shown, "Draw diagram")
    expect(shown.locator(".diagram :is(img, .run-title)").first).to_be_visible()
    asked = ("/label", "/css", "/click", "/image", "/script", "/style", "/class")
    assert not [url for url in app.requests if url.endswith(asked)]


def test_a_huge_diagram_is_refused_or_stopped(app: App) -> None:
    long = "flowchart LR\n" + "A --> B\n" * 10_000
    reply = app.send({"type": "DrawDiagram", "source": long, "dark": False})
    assert "too long" in reply["diagram"]["error"]
    many = "flowchart LR\n" + "\n".join(f"A{n} --> A{n + 1}" for n in range(600))
    reply = app.send({"type": "DrawDiagram", "source": many, "dark": False})
    assert reply["diagram"]["error"] == "The diagram could not be drawn."
    after = app.send({"type": "DrawDiagram", "source": FLOW, "dark": True})
    assert "svg" in after["diagram"]


# --- selections ---------------------------------------------------------------------------------

MIXED = """First **bold** and [a link](https://example.com/).

1. one
2. two
   - nested
3. three

```python
def f():

    return 1
```

| A | B |
| --- | --- |
| 1 | 2 |

> quoted
> lines

![A chart](https://example.com/chart.png)

The formula $x_i^2$ and

$$
\\int_0^1 x\\,dx
$$

Last words."""


def test_a_selection_is_copied_without_the_panels_labels(
    panel: Panel, server: ScriptedServer
) -> None:
    """vercel/chatbot#167: line numbers; pingdotgg/t3code#9204, danny-avila/LibreChat#7308: math.

    Mintplex-Labs/anything-llm#3782, mozilla/notes#1355: the marks of lists were lost.
    open-webui/open-webui#5115: blank lines around what was copied.
    """
    show(panel, server, MIXED, "A question\nof  two lines")
    shown = panel.answer
    expect(shown.locator(".hl-keyword").first).to_be_visible()
    expect(shown.locator("math").last).to_be_visible()
    page = panel.page
    whole = copied(page, "A question", "Last words.")
    assert whole["text"] == (
        "A question\nof  two lines\n\n"
        "First bold and a link.\n\n"
        "1. one\n2. two\n   - nested\n3. three\n\n"
        "def f():\n\n    return 1\n\n"
        "A\tB\n1\t2\n\n"
        "> quoted\n> lines\n\n"
        "A chart\n\n"
        "The formula $x_i^2$ and\n\n"
        "$$\n\\int_0^1 x\\,dx\n$$\n\n"
        "Last words."
    )
    html = whole["html"]
    assert "<strong>bold</strong>" in html
    assert '<a href="https://example.com/">a link</a>' in html
    assert "<pre><code>def f():\n\n    return 1</code></pre>" in html
    assert "Copy" not in html
    assert "<img" not in html
    page.keyboard.press("ControlOrMeta+A")
    # The composer has the keyboard: that selects its own text.
    page.locator("#stage").focus()
    page.keyboard.press("ControlOrMeta+A")
    page.keyboard.press("ControlOrMeta+C")
    assert pasted(page)["text"] == whole["text"]


def test_a_part_is_copied_as_it_is(panel: Panel, server: ScriptedServer) -> None:
    """PrivateBin/PrivateBin#430: lines; KaTeX/KaTeX#645: a part of a formula is none."""
    show(panel, server, MIXED)
    page = panel.page
    expect(panel.answer.locator("math").last).to_be_visible()
    parts = {
        ("bold", "bold"): "bold",
        ("two", "three"): "2. two\n   - nested\n3. three",
        ("def", "return"): "def f():\n\n    return",
        ("quoted", "lines"): "quoted\nlines",
    }
    for (first, last), wanted in parts.items():
        assert copied(page, first, last)["text"] == wanted
    page.evaluate("""() => {
      const math = document.querySelector("#conversation .math math *");
      getSelection().selectAllChildren(math);
    }""")
    page.keyboard.press("ControlOrMeta+C")
    assert pasted(page)["text"] == "$x_i^2$"


def test_a_mouse_selects_and_copies(panel: Panel, server: ScriptedServer) -> None:
    """adospace/vs-agentic#23: a drag across a block of code."""
    shown = show(panel, server, "Start here\n\n```python\nx = 1\n```\n\nEnd here")
    page = panel.page
    expect(shown.get_by_role("button", name="Download")).to_be_visible()
    begin = shown.get_by_text("Start here").bounding_box()
    end = shown.get_by_text("End here").bounding_box()
    assert begin
    assert end
    page.mouse.move(begin["x"] + 1, begin["y"] + 8)
    page.mouse.down()
    page.mouse.move(end["x"] + 150, end["y"] + 10, steps=8)
    page.mouse.up()
    page.keyboard.press("ControlOrMeta+C")
    assert pasted(page)["text"] == "Start here\n\nx = 1\n\nEnd here"


def test_what_is_folded_is_not_copied(panel: Panel, server: ScriptedServer) -> None:
    text = "Before\n\n<details>\n<summary>More</summary>\n\nInside\n\n</details>\n\nAfter"
    shown = show(panel, server, text)
    page = panel.page
    assert copied(page, "Before", "After")["text"] == "Before\n\nMore\n\nAfter"
    shown.locator("summary").click()
    assert copied(page, "Before", "After")["text"] == "Before\n\nMore\n\nInside\n\nAfter"


# --- one's own messages -------------------------------------------------------------------------


def test_a_message_is_copied_as_it_was_typed(panel: Panel, server: ScriptedServer) -> None:
    """open-webui/open-webui#120, ggml-org/llama.cpp#11814: one's own message has a copy button.

    open-webui/open-webui#7514: indentation is kept.
    """
    typed = "def f():\n    return  1\n\n\n*not* $bold$"
    show(panel, server, "Yes", typed)
    question = panel.questions.last
    question.hover()
    press(question, "Copy message")
    assert pasted(panel.page)["text"] == typed
    assert copied(panel.page, "def f", "$bold$")["text"] == typed


def test_a_very_long_message_is_folded(app: App, panel: Panel, server: ScriptedServer) -> None:
    """danny-avila/LibreChat#14273, arc53/DocsGPT#1841, pingdotgg/t3code#2180."""
    lines = [f"Line {number} of a long message" for number in range(80)]
    typed = "\n".join(lines)
    show(panel, server, "Yes", typed)
    show(panel, server, "Yes", "A short one")
    page = panel.page
    question = panel.questions.first
    bubble = question.locator(".bubble")
    more = question.get_by_role("button", name=f"Show all ({len(typed):,} characters)")
    expect(more).to_be_visible()
    assert question.text_content() == typed
    assert bubble.evaluate("(e) => e.clientHeight") < 400
    expect(panel.questions.last.get_by_role("button", name="Show all")).to_have_count(0)
    # The reader reads where it begins, not where it ends.
    bubble.scroll_into_view_if_needed()
    top = bubble.bounding_box()
    more.click()
    expect(question.get_by_role("button", name="Show less")).to_be_visible()
    assert bubble.evaluate("(e) => e.clientHeight") > 1000
    after = bubble.bounding_box()
    assert top is not None
    assert after is not None
    assert after["y"] == pytest.approx(top["y"], abs=2)
    # It stays so when the conversation is shown again.
    panel.new_chat.click()
    expect(panel.questions).to_have_count(0)
    page.get_by_role("button", name="Conversations", exact=True).click()
    page.get_by_role("dialog").get_by_role("button", name="Line 0").first.click()
    expect(question.get_by_role("button", name="Show less")).to_be_visible()
    question.get_by_role("button", name="Show less").click()
    expect(more).to_be_visible()
    # What a search scrolls to is unfolded.
    bubble.evaluate("(e) => { e.scrollTop = 500; }")
    expect(question.get_by_role("button", name="Show less")).to_be_visible()


# --- directions ---------------------------------------------------------------------------------

DIRECTIONS = """مرحبا! (نص) `code`

English paragraph

- أول عنصر
- second item

> اقتباس

| اسم | Price |
| --- | ---: |
| شاي | 5 |

```python
x = "مرحبا"
```

`npm i` ثم شغّل

שלום עולם $x^2$
"""


def test_each_block_has_its_own_direction(panel: Panel, server: ScriptedServer) -> None:
    """onyx-dot-app/onyx#14393, pingdotgg/t3code#7574: per block, and code from left to right.

    NousResearch/hermes-agent#44628: the marks of lists and the bar of a quotation.
    milind-soni/OpenMausBot#994: columns; zai-org/feedback#273: the composer.
    """
    shown = show(panel, server, DIRECTIONS, "سؤال\nEnglish line")

    def style(selector: str, name: str) -> str:
        element = shown.locator(selector).first
        value: str = element.evaluate(f"(e) => getComputedStyle(e)[{name!r}]")
        return value

    def direction(text: str) -> str:
        element = shown.get_by_text(text).first
        value: str = element.evaluate("(e) => getComputedStyle(e).direction")
        return value

    assert direction("مرحبا! (نص)") == "rtl"
    assert direction("English paragraph") == "ltr"
    assert direction("שלום") == "rtl"
    assert style("ul", "direction") == "rtl"
    # Each item has its mark at its own side.
    assert style("ul > li:first-child", "marginRight") != "0px"
    assert style("ul > li:first-child", "marginLeft") == "0px"
    assert style("ul > li:last-child", "marginLeft") != "0px"
    assert style("blockquote", "borderRightWidth") == "3px"
    assert style("blockquote", "borderLeftWidth") == "0px"
    assert style("table", "direction") == "rtl"
    assert style("pre", "direction") == "ltr"
    assert style("pre", "textAlign") == "left"
    assert style("p > code", "direction") == "ltr"
    bubble = panel.questions.last.locator(".bubble")
    assert bubble.evaluate("(e) => getComputedStyle(e).unicodeBidi") == "plaintext"
    panel.message.fill("مرحبا")
    assert panel.message.evaluate("(e) => getComputedStyle(e).direction") == "rtl"


def test_code_that_was_replaced_runs_as_it_is_shown(panel: Panel, server: ScriptedServer) -> None:
    """The text of an answer may be replaced: what is behind the button then is not the old code."""
    server.on("", answer("```python\nprint('first')\n```"))
    panel.ask("Code")
    run = panel.answer.get_by_role("button", name="Run", exact=True)
    expect(run).to_be_visible()
    code = panel.answer.locator("pre > code")
    code.evaluate(
        """async (code) => {
          const {offerRun} = await import("/sidepanel/tools/python-run.js");
          code.textContent = "print('second')";
          offerRun(code);
        }"""
    )
    run.click()
    expect(panel.answer.get_by_role("group", name="Output")).to_contain_text("second")
