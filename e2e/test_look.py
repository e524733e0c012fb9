"""What users see, hear from a screen reader, and reach by keyboard.

Screenshots go to `e2e/screenshots/`, for a person to look at.
"""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any, Literal

import pytest
from playwright.sync_api import Page, expect

from e2e.app import API_KEY, App, Panel, choose
from e2e.attached import HOSTILE, attach_page, attach_pages, file, pick, png, tray
from e2e.cdp import wait_until
from e2e.patience import PATIENCE
from e2e.provider_calls import Calls, code, image, picture, web_search
from e2e.server import Gate, ScriptedServer, answer, fail, python_calls

SCREENSHOTS = Path(__file__).parent / "screenshots"

MARKDOWN = """## Streams

Bytes come **as they are**, in chunks of any size:

```python
decoder = SSEDecoder()
for chunk in response:
    for event in decoder.feed(chunk): print(event.data, end="", flush=True)
```

| Part | Runs in |
| --- | --- |
| Panel | a page |
| Python | the service worker |

1. one
2. two, with `code` and a [link](https://example.com/)

> A quotation. Averyveryveryverylongwordthatdoesnotfitintoanarrowpanelanywhereatallandmustbreak.
"""

PARTS = """## Formula $x_i^{*}$

With \\(e^{i\\pi} + 1 = 0\\), H<sub>2</sub>O and <kbd>Ctrl</kbd>+<kbd>C</kbd>:

$$
\\sum_{i=1}^{n} a_i b_i \\le \\left(\\sum_{i=1}^n a_i^2\\right)^{1/2}
\\left(\\sum_{i=1}^n b_i^2\\right)^{1/2} + \\underbrace{x + y + z}_{\\text{three}}
$$

| Name | اسم | Price | Averyverylongheadingwithoutanyblanks |
| --- | :---: | ---: | --- |
| [Tea](https://example.com/) `a` | شاي | 5 % | $x^2$ |

مرحبا! (نص) مع `code` و **غامق**:

- أول عنصر
  1. متداخل
- second item

> اقتباس بالعربية

> [!NOTE]
> Useful `words`.

> [!TIP]
> A tip.

> [!IMPORTANT]
> A matter.

> [!WARNING]
> With care.

> [!CAUTION]
> No.

<details open>
<summary>More of it</summary>

Unfolded words.

</details>

```python title="src/app.py"
def main(path: str) -> None:
    print(f"{path!r} is a line that goes on far beyond the edge of a panel")  # and scrolls
```

```mermaid
flowchart LR
  A[Start] --> B{Decide}
  B -->|yes| C[Ship it]
  B -->|no| D[Think again]
```

Told by[^1] and others.

[^1]: A footnote.

[1]: https://example.com/one
"""

ARABIC = "مرحبا بكم في صفحة طويلة عن المضايق "

LIMITS = {
    "x-ratelimit-limit-requests": "500",
    "x-ratelimit-remaining-requests": "0",
    "x-ratelimit-reset-requests": "42m",
    "x-ratelimit-limit-tokens": "200000",
    "x-ratelimit-remaining-tokens": "31000",
    "x-ratelimit-reset-tokens": "6m0s",
}

INTERACTIVE = {"button", "link", "textbox", "combobox", "checkbox", "radio", "searchbox", "switch"}


def parts(app: App, server: ScriptedServer) -> Page:
    """What an answer can hold, below a long message."""
    app.configure(server.base_url)
    server.on("", answer(PARTS))
    panel = app.open_panel()
    panel.ask("\n".join(f"Line {number} of what somebody has pasted" for number in range(40)))
    panel.expect_idle()
    expect(panel.answer.locator(".hl-keyword").first).to_be_visible()
    panel.answer.get_by_role("button", name="Draw diagram").click()
    expect(panel.answer.locator(".diagram img")).to_be_visible()
    return panel.page


def first_run(app: App, server: ScriptedServer) -> Page:
    return app.open_panel().page


def streaming(app: App, server: ScriptedServer) -> Page:
    app.configure(server.base_url)
    server.on("", Gate(MARKDOWN, "\n\nAnd while this grows", after=["."]))
    panel = app.open_panel()
    panel.ask("How do streams work?")
    expect(panel.answer).to_contain_text("And while this grows")
    return panel.page


def failure(app: App, server: ScriptedServer) -> Page:
    app.configure(server.base_url)
    server.on("", fail(401, "Incorrect API key provided.", code="invalid_api_key"))
    panel = app.open_panel()
    panel.ask("A question that is long enough to be broken into several lines in a narrow panel")
    panel.expect_alert("key")
    return panel.page


def options(app: App, server: ScriptedServer) -> Page:
    page = app.open_options()
    page.fill(base_url=server.base_url, api_key=API_KEY)
    return page.page


def waiting(app: App, server: ScriptedServer) -> Page:
    """A queue that waits for the provider's limit."""
    app.configure(server.base_url, context_window=32_000)
    server.on("", answer(MARKDOWN, headers=LIMITS))
    panel = app.open_panel()
    panel.ask("How do streams work?")
    expect(panel.answer).to_contain_text("A quotation")
    panel.expect_idle()
    panel.ask("And where does back-pressure come from, when the panel is hidden?")
    expect(panel.page.get_by_text("Rate limited. Sending in")).to_be_visible()
    panel.ask("Thanks!")
    expect(panel.page.get_by_text("Queued", exact=True)).to_be_visible()
    return panel.page


def usage(app: App, server: ScriptedServer) -> Page:
    page = waiting(app, server)
    page.get_by_role("button", name="Usage", exact=True).click()
    expect(page.get_by_role("dialog", name="Usage")).to_be_visible()
    return page


def interrupted(app: App, server: ScriptedServer) -> Page:
    app.configure(server.base_url)
    server.on("", Gate("The first half of an answer, ", "which was being written when"))
    panel = app.open_panel()
    panel.ask("Tell me a story")
    expect(panel.answer).to_contain_text("being written when")
    wait_until(lambda: "being written when" in app.stored(panel.page), PATIENCE, "it in storage")
    app.stop_worker(panel.page)
    expect(panel.page.get_by_role("button", name="Continue", exact=True)).to_be_visible()
    return panel.page


def own_settings(app: App, server: ScriptedServer) -> Page:
    app.configure(server.base_url)
    page = app.open_panel().page
    page.get_by_role("button", name="Conversation settings", exact=True).click()
    expect(page.get_by_role("dialog", name="Conversation settings")).to_be_visible()
    return page


def permissions(app: App, server: ScriptedServer) -> Page:
    """The list of what a conversation may do."""
    app.configure(server.base_url, preset="openai")
    page = app.open_panel().page
    page.get_by_role("button", name="Tools: off", exact=True).click()
    listed = page.get_by_role("region", name="What this conversation may do")
    listed.get_by_role("combobox", name="Python", exact=True).select_option("Ask each time")
    listed.get_by_role("textbox", name="Hosts that Python may reach").fill("api.example.com")
    listed.get_by_role("switch", name="File search", exact=True).check()
    listed.evaluate("(section) => section.scrollIntoView()")
    return page


def asking(app: App, server: ScriptedServer) -> Page:
    """A tool that waits for approval, below one that made a figure."""
    app.configure(server.base_url)
    svg = "<svg xmlns='http://www.w3.org/2000/svg' viewBox='0 0 90 30' width='270' fill='teal'>"
    bars = "".join(f"<path d='M{9 * n} 30v-{3 * n}h6v{3 * n}'/>" for n in range(1, 10))
    draw = (
        f"class Bars:\n    def _repr_svg_(self):\n        return {svg + bars + '</svg>'!r}\nBars()"
    )
    server.on("", python_calls(draw), python_calls("sum(range(1, 10))"), answer("never"))
    panel = app.open_panel()
    choose(panel, python="Ask each time")
    panel.ask("Draw the numbers from 1 to 9 and add them up")
    panel.page.get_by_role("button", name="Allow once", exact=True).click()
    expect(panel.answer.locator("img")).to_be_visible()
    expect(panel.page.get_by_role("button", name="Allow once", exact=True)).to_be_visible()
    return panel.page


def attachments(app: App, server: ScriptedServer) -> Page:
    """A page and an image that were sent, others that will be, and the menu for more."""
    app.configure(server.base_url)
    server.on("Compare", answer("The chart shows what the page says."))
    panel = app.open_panel()
    photo = file("a-photo-with-quite-a-long-name-2026-08-06.png", png(640, 400))
    attach_page(panel)
    pick(panel, photo)
    expect(tray(panel)).to_have_count(2)
    panel.ask("Compare")
    expect(panel.answer).to_contain_text("what the page says")
    attach_page(panel)
    pick(panel, photo)
    expect(tray(panel)).to_have_count(2)
    panel.message.fill("And these?")
    panel.page.get_by_role("button", name="Attach", exact=True).click()
    expect(panel.page.get_by_role("menu")).to_be_visible()
    return panel.page


def crowded(app: App, server: ScriptedServer) -> Page:
    """As many attachments as there may be, with titles that fit nowhere, sent and to be sent."""
    app.configure(server.base_url)
    server.on("All", answer("Ten things."))
    panel = app.open_panel()
    long = "A title that goes on " + "and_on" * 45
    for then in ("All of them", "And\n" * 30):
        attach_pages(panel, long, ARABIC * 7, *(f"Page {number}" for number in range(3, 11)))
        panel.message.fill(then)
        title = panel.page.get_by_text(ARABIC).last
        # Of a text from right to left the end is cut off as well.
        assert title.evaluate("(title) => getComputedStyle(title).direction") == "rtl"
        if panel.questions.count() == 0:
            panel.message.press("Enter")
            expect(panel.answer).to_have_text("Ten things.")
            panel.expect_idle()
    return panel.page


def attached_page(app: App, server: ScriptedServer) -> Page:
    app.configure(server.base_url)
    panel = app.open_panel()
    attach_page(panel, (HOSTILE + " " + MARKDOWN) * 5)
    tray(panel).get_by_role("button", name="Show page").click()
    expect(panel.page.get_by_role("dialog")).to_contain_text("Streams")
    return panel.page


def at_the_provider(app: App, server: ScriptedServer) -> Page:
    """Results of the provider's tools: folded, unfolded, and a picture."""
    app.configure(server.base_url)
    logs = {"type": "logs", "logs": "2026-06-21 sunrise 05:29, sunset 21:27\nlight for 15 h 58 min"}
    pages = ("https://www.timeanddate.example/sun", "https://almanac.example/june")
    cited = {"type": "url_citation", "url": pages[0], "title": "Sunrise and sunset in Bern"}
    named = {"type": "file_citation", "file_id": "file-1", "filename": "hut-opening-times.pdf"}
    server.on(
        "",
        Calls(
            web_search("sunrise and sunset Bern 21 June 2026", *pages),
            code("from datetime import datetime\nprint(set_ - rise)", logs),
            image(picture(360, 120), "A red sun over a calm lake"),
            text="The sun rises at 05:29 and sets at 21:27: **15 h 58 min** of light.",
            annotations=[cited, named],
        ),
    )
    panel = app.open_panel()
    choose(panel, web_search="On", code_interpreter="On", image_generation="On")
    panel.ask("How long is Bern's longest day?")
    expect(panel.answer).to_contain_text("of light")
    panel.expect_idle()
    panel.answer.locator("summary").nth(1).click()
    return panel.page


def unnamed(app: App, page: Page) -> list[str]:
    """Controls that a screen reader could not name."""
    session = app.context.new_cdp_session(page)
    nodes: list[dict[str, Any]] = session.send("Accessibility.getFullAXTree")["nodes"]
    session.detach()
    return [
        str(node)
        for node in nodes
        if not node.get("ignored")
        and node["role"]["value"] in INTERACTIVE
        and not node.get("name", {}).get("value", "").strip()
    ]


CONTRAST = """(element) => {
  const canvas = new OffscreenCanvas(1, 1).getContext("2d", {willReadFrequently: true});
  const paint = (colors) => {
    canvas.clearRect(0, 0, 1, 1);
    for (const color of colors) { canvas.fillStyle = color; canvas.fillRect(0, 0, 1, 1); }
    return [...canvas.getImageData(0, 0, 1, 1).data].slice(0, 3);
  };
  const luminance = (rgb) => rgb
    .map((c) => (c /= 255) <= 0.04045 ? c / 12.92 : ((c + 0.055) / 1.055) ** 2.4)
    .reduce((sum, c, i) => sum + c * [0.2126, 0.7152, 0.0722][i], 0);
  const backgrounds = [];
  for (let at = element; at; at = at.parentElement)
    backgrounds.unshift(getComputedStyle(at).backgroundColor);
  const dark = matchMedia("(prefers-color-scheme: dark)").matches;
  backgrounds.unshift(dark ? "#121212" : "white");
  const behind = luminance(paint(backgrounds));
  const text = luminance(paint([...backgrounds, getComputedStyle(element).color]));
  return {
    ratio: (Math.max(text, behind) + 0.05) / (Math.min(text, behind) + 0.05),
    dark: behind < 0.5,
  };
}"""


SIDEWAYS = """() => {
  const stage = document.getElementById("stage");
  return stage ? stage.scrollWidth - stage.clientWidth : 0;
}"""


STATES = (
    first_run,
    streaming,
    failure,
    options,
    waiting,
    usage,
    interrupted,
    own_settings,
    permissions,
    asking,
    attachments,
    crowded,
    attached_page,
    at_the_provider,
    parts,
)


@pytest.mark.parametrize("state", STATES)
def test_it_can_be_read_at_any_width_in_any_light(
    fresh_app: App, server: ScriptedServer, state: Callable[[App, ScriptedServer], Page]
) -> None:
    page = state(fresh_app, server)
    SCREENSHOTS.mkdir(exist_ok=True)
    schemes: tuple[Literal["light", "dark"], ...] = ("light", "dark")
    for scheme in schemes:
        page.emulate_media(color_scheme=scheme)
        for width in (320, 480):
            page.set_viewport_size({"width": width, "height": 720})
            page.screenshot(path=SCREENSHOTS / f"{state.__name__}-{width}-{scheme}.png")
            overflow = page.evaluate(
                "document.documentElement.scrollWidth - document.documentElement.clientWidth"
            )
            assert overflow <= 0, f"{overflow} px too wide at {width} px"
            assert page.evaluate(SIDEWAYS) <= 0, f"the conversation scrolls sideways at {width} px"
        texts = page.locator("p, li, button, label, input, textarea, select, td, pre code, a")
        for element in texts.all():
            if element.is_visible() and element.is_enabled():
                seen = element.evaluate(CONTRAST)
                what = f"{scheme}: {element.evaluate('(e) => e.outerHTML')[:120]}"
                assert seen["ratio"] >= 4.5, f"contrast {seen['ratio']:.2f} in {what}"
        assert page.locator("body").evaluate(CONTRAST)["dark"] is (scheme == "dark")
    assert unnamed(fresh_app, page) == []


def test_by_keyboard_alone(app: App, panel: Panel, server: ScriptedServer) -> None:
    keyboard = panel.page.keyboard
    expect(panel.message).to_be_focused()
    keyboard.type("One line")
    keyboard.press("Shift+Enter")
    keyboard.type("another line")
    expect(panel.message).to_have_value("One line\nanother line")
    server.on("", Gate("Half"), fail(400, "No."), answer("Yes."))
    keyboard.press("Enter")
    expect(panel.answer).to_have_text("Half")
    keyboard.press("Escape")
    panel.expect_idle()
    assert server.turns[0].user_text == "One line\nanother line"
    expect(panel.message).to_be_focused()
    keyboard.type("Again")
    keyboard.press("Enter")
    panel.expect_alert("No.")
    for _ in range(20):
        if panel.retry.evaluate("(button) => button === document.activeElement"):
            break
        keyboard.press("Shift+Tab")
    expect(panel.retry).to_be_focused()
    keyboard.press("Enter")
    expect(panel.answer).to_have_text("Yes.")


def test_enter_that_ends_a_composition_does_not_send(
    app: App, panel: Panel, server: ScriptedServer
) -> None:
    """Japanese, Chinese and Korean are typed so."""
    session = app.context.new_cdp_session(panel.page)
    panel.message.focus()
    session.send(
        "Input.imeSetComposition", {"text": "にほん", "selectionStart": 3, "selectionEnd": 3}
    )
    panel.message.dispatch_event(
        "keydown", {"key": "Enter", "isComposing": True, "bubbles": True, "cancelable": True}
    )
    session.send("Input.insertText", {"text": "日本"})
    expect(panel.message).to_have_value("日本")
    expect(panel.questions).to_have_count(0)
    panel.message.press("Enter")
    expect(panel.answer).to_have_text("You said: 日本")
    assert len(server.turns) == 1


def test_an_empty_message_is_not_sent(panel: Panel, server: ScriptedServer) -> None:
    panel.ask("")
    panel.ask("  \n ")
    expect(panel.questions).to_have_count(0)
    panel.ask("Hello")
    expect(panel.answer).to_have_text("You said: Hello")
    assert len(server.turns) == 1


SCROLLED = """(log) => {
  let at = log;
  while (at.parentElement && at.scrollHeight <= at.clientHeight) at = at.parentElement;
  return {top: at.scrollTop, left: at.scrollHeight - at.clientHeight - at.scrollTop};
}"""


def test_the_view_follows_the_end_only_for_a_reader_at_the_end(
    panel: Panel, server: ScriptedServer
) -> None:
    lines = [f"Line {number}\n\n" for number in range(60)]
    gate = Gate(*lines, after=[f"More {number}\n\n" for number in range(60)])
    server.on("", gate)
    panel.ask("Many lines")
    expect(panel.answer).to_contain_text("Line 59")
    expect(panel.page.get_by_text("Line 59")).to_be_in_viewport()
    panel.page.get_by_text("Line 20").hover()
    panel.page.mouse.wheel(0, -1500)
    expect(panel.page.get_by_text("Line 59")).not_to_be_in_viewport()
    before = panel.conversation.evaluate(SCROLLED)
    gate.open.set()
    expect(panel.answer).to_contain_text("More 59")
    panel.expect_idle()
    after = panel.conversation.evaluate(SCROLLED)
    assert after["top"] == before["top"], "the text was pulled away from the reader"
    assert after["left"] > before["left"]


def test_what_a_screen_reader_announces(panel: Panel, server: ScriptedServer) -> None:
    gate = Gate("One ", after=["two"])
    server.on("", gate)
    panel.ask("Count")
    expect(panel.answer).to_have_text("One")
    # Not each piece of the growing answer, but that it is being written, and that it is done.
    expect(panel.answer).to_have_attribute("aria-busy", "true")
    expect(panel.status).to_have_text("Writing…")
    gate.open.set()
    panel.expect_idle()
    expect(panel.answer).not_to_have_attribute("aria-busy", "true")
    expect(panel.status).to_have_text("The answer is complete.")
