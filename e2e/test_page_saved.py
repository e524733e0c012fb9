"""Pages in the structure of real sites: they are read whole, or marked as partial."""

from __future__ import annotations

import re

import pytest
from playwright.sync_api import expect

from e2e.app import App, Panel
from e2e.pages import RESOLVER_RULES, Pages
from e2e.saved_pages import FOLDER, PAGES, Saved
from e2e.server import ScriptedServer


@pytest.fixture(scope="module")
def browser_arguments() -> list[str]:
    """The browser finds every `.test` site here."""
    return [RESOLVER_RULES]


@pytest.mark.parametrize("saved", PAGES, ids=[saved.name for saved in PAGES])
def test_a_page_is_read_whole_or_marked_as_partial(app: App, pages: Pages, saved: Saved) -> None:
    for inner in FOLDER.glob("frame_*.html"):
        pages.put(f"/saved/{inner.name}", inner.read_text("utf-8"))
    tab = app.context.new_page()
    tab.goto(pages.put(f"/saved/{saved.name}.html", saved.html))
    before = tab.content()
    reply = app.send({"type": "ReadPage", "what": "page"})
    assert tab.content() == before, "reading changes nothing"
    tab.close()
    assert reply["ok"], reply
    page = reply["page"]
    text = page["text"]
    assert [words for words in saved.keep if words not in text] == [], text
    assert [words for words in saved.noise if words in text] == [], text
    assert page["is_whole"] is (saved.missing == ""), page
    assert saved.missing in page.get("missing", "")


SMALL = {
    # adbar/trafilatura#889: "100²=10000" was read as "1002=10000".
    "exponents": (
        "<p>The deepest layer has 100<sup>2</sup>=10000 nodes, since 2011<sub>15ya</sub>.</p>",
        "The deepest layer has 100^2=10000 nodes, since 2011_15ya.",
        "",
    ),
    # laurent22/joplin#5324 and Mintplex-Labs/anything-llm#6388: a cell over several rows moved
    # the others to wrong columns.
    "spanned": (
        "<table><tr><th>Product<th>Variant<th>Price</tr><tr><td rowspan=2>Cable<td>1 m<td>9 EUR"
        "</tr><tr><td>2 m<td>12 EUR</tr></table>",
        "| Product | Variant | Price |\n| --- | --- | --- |\n| Cable | 1 m | 9 EUR |\n"
        "| Cable | 2 m | 12 EUR |",
        "",
    ),
    # laurent22/joplin#1783: a pipe in a cell made another column.
    "pipes": (
        "<table><tr><th>a<th>b</tr><tr><td>x | y<td>z</tr></table>",
        "| a | b |\n| --- | --- |\n| x \\| y | z |",
        "",
    ),
    "list": (
        "<ol start=7><li>seven<ul><li>below</li></ul></li><li value=12>twelve</li></ol>",
        "7. seven\n   - below\n12. twelve",
        "",
    ),
    "deleted blocks": ("<del><p>one</p><p>two</p></del>", "~~one~~\n\n~~two~~", ""),
    "all of a list": ("<p>1-50 of 50 items", "1-50 of 50 items", ""),
    "a part of a list": ("<p>Showing 1 to 20 of 345 entries", "Showing", "one of several pages"),
    "cut off": ("<p>It is late… <span role=button>(more)</span>", "It is late…", "on request"),
    "a form's button": ("<p>One.<form><input type=submit value='Load more'></form>", "One.", "on"),
    "a button in Chinese": ("<p>评论一<div role=button>查看更多评论</div>", "评论一", "on request"),
    "a button in German": (
        "<p>Eins.<button>Weitere 12 Kommentare anzeigen</button>",
        "Eins.",
        "on request",
    ),
    "a count of entries": (
        "<div role=list><div role=listitem aria-setsize=100 aria-posinset=1>One</div></div>",
        "One",
        "only the entries near the visible part",
    ),
    "a number of rows": (
        "<div role=grid aria-rowcount=900><div role=row><div role=gridcell>A</div>"
        "<div role=gridcell>B</div></div></div>",
        "A",
        "only the entries near the visible part",
    ),
    "a place for what is to come": (
        "<p>Title<div class=skeleton-line style='height:40px'></div>",
        "Title",
        "still loading",
    ),
    "a drawing of the whole window": (
        "<p>Map<canvas style='width:95vw;height:90vh'></canvas>",
        "Map",
        "drawn as an image",
    ),
    "a comment that is being written": (
        "<p>Read.<div contenteditable id=box>"
        + "Not sent. " * 10
        + "</div><script>box.focus()</script>",
        "Read.",
        "Text typed into its fields is never read",
    ),
    "a document that is being written": (
        "<div contenteditable role=textbox id=box>" + "A long story. " * 99 + "</div><script>"
        "box.focus()</script>",
        "A long story. A long story.",
        "",
    ),
    # mozilla/readability#487: boxes of facts are written as asides.
    "a notice beside": (
        "<p>Text.<aside><h2>Notice</h2><p>The road is closed.</aside>",
        "closed",
        "",
    ),
    "a wall": (
        "<article><p>The mayor said:<h2>Subscribe to continue reading</h2></article>",
        "The mayor said:",
        "The rest is for subscribers",
    ),
    "a wall in French": ("<p>Le maire.<p>Article réservé aux abonnés", "maire", "for subscribers"),
    "a button in Hebrew": ("<p>תגובה<div role=button>טען עוד תגובות</div>", "תגובה", "on request"),
    "a button in Polish": ("<p>Raz.<button>Pokaż więcej</button>", "Raz.", "on request"),
    "replies behind a button": ("<p>Why?<button>3 replies</button>", "Why?", "on request"),
    "what a script makes a button": (
        "<p>Why?<span style='cursor:pointer'>Show 3 more replies</span>",
        "Why?",
        "on request",
    ),
    "a collapsed reply": (
        "<p>Why?<div class='reply thread-collapsed' hidden>" + "Because of this. " * 9 + "</div>",
        "Why?",
        "Collapsed sections or hidden tabs",
    ),
    # gildas-lormeau/SingleFile#878: the answers of an accordion of terms are not drawn.
    "an accordion of terms": (
        "<dl class=accordion><dt>When does it sail?</dt><dd style='display:none'>"
        + "At six and at ten. " * 9
        + "</dd></dl>",
        "When does it sail?",
        "Collapsed sections or hidden tabs",
    ),
    # WordPress/gutenberg#81743: the other tabs' panels are hidden until they are found.
    "another tab": (
        "<div role=tablist><button role=tab>One</button><button role=tab>Two</button></div>"
        "<div role=tabpanel>Shown.</div><div role=tabpanel hidden=until-found>"
        + "Not shown. " * 9
        + "</div>",
        "Shown.",
        "Collapsed sections or hidden tabs",
    ),
    # laurent22/joplin#10126: the numbers of lines are a list in the code.
    "numbers in code": (
        "<pre><code>a = 1\nb = 2</code><ul class=pre-numbering><li>1</li><li>2</li></ul></pre>",
        "```\na = 1\nb = 2\n```",
        "",
    ),
    # benwbrum/fromthepage#5548: an editor's numbers of lines came between its lines.
    "an editor": (
        "<div style='display:flex'><div class=cm-gutters><div>40</div><div>41</div></div>"
        "<div style='white-space:pre;font-family:monospace' contenteditable role=textbox>"
        "<div class=cm-line>Stone</div><div class=cm-line>  House</div></div></div>",
        "```\nStone\n  House\n```",
        "",
    ),
    "an empty space between two parts": (
        "<h1>One</h1><div style='height:2000px'></div><p>Two</p>",
        "Two",
        "",
    ),
    "a player": (
        "<p>Film.<iframe src='http://player.test/1' width=560 height=315 "
        "allow='autoplay; picture-in-picture'></iframe>",
        "Film.",
        "",
    ),
    "a text in a place for navigation": ("<p>One.<nav><p>Words.</nav>", "Words.", ""),
    "older comments": ("<p>New.<a href=/page-2#c>« Older comments</a>", "New.", "on request"),
    "the next page of an article": ("<p>One.<a href=2.html>Next page</a>", "One.", "several pages"),
    "links to other texts": (
        "<p>One.<a href=/all>View all posts</a> <a href=/a>See all 12 tags</a> <a href=/x>Read more"
        "</a> <a href=/ann>View more from Ann</a> <a href=/n rel=next>Next: Install</a>",
        "One.",
        "",
    ),
    "a choice of sizes": (
        "<p>Shoe<button>36</button><button class=selected>37</button><button>38</button>",
        "Shoe",
        "",
    ),
    "a menu that is closed": (
        "<p>One.<button aria-expanded=false aria-controls=m>Menu</button><ul id=m hidden>"
        + "<li><a href=/a>A section of the site</a>" * 9
        + "</ul>",
        "One.",
        "",
    ),
    "tabs that choose by a box": (
        "<style>.tabbed-block{display:none}</style><p>Soup.<div class=tabbed-content><div "
        "class=tabbed-block>" + "18 ounces of carrots. " * 9 + "</div></div>",
        "Soup.",
        "Collapsed sections or hidden tabs",
    ),
    "a list without marks": ("<ol style='list-style:none'><li>one</ol>", "- one", ""),
    "a question about cookies beneath a text about them": (
        "<main><h1>Cookies</h1><p>We bake cookies. Accept that they are sweet.<button>OK</button>"
        "</main><div style='position:fixed;bottom:0'>We use cookies. <button>Accept</button></div>",
        "We bake cookies. Accept that they are sweet.",
        "",
    ),
    "captions of a film": (
        "<video width=600 height=300 id=film></video><script>"
        "const track = film.addTextTrack('captions', 'x', 'en'); track.mode = 'hidden';"
        "track.addCue(new VTTCue(0, 1, 'The first words.'));"
        "track.addCue(new VTTCue(1, 2, 'The <b>last</b> words.'))</script>",
        "## Transcript\n\nThe first words.\nThe last words.",
        "",
    ),
    "a drawing with labels": (
        "<svg width=200 height=50><text x=0 y=20>Valley</text></svg>",
        "[image: Valley]",
        "",
    ),
}
"""By name: the source, what must be read, and a part of the note of what is missing."""


def test_small_structures_keep_their_meaning(app: App, pages: Pages) -> None:
    tab = app.context.new_page()
    wrong = {}
    for name, (html, words, missing) in SMALL.items():
        tab.goto(pages.put("/small", f"<!doctype html><title>T</title><body>{html}"))
        page = app.send({"type": "ReadPage", "what": "page"})["page"]
        told = page.get("missing", "")
        if words not in page["text"] or missing not in told or bool(missing) is not bool(told):
            wrong[name] = page
    tab.close()
    assert wrong == {}


def test_frames_of_other_sites_are_named_and_those_that_are_not_seen_are_not(
    app: App, pages: Pages
) -> None:
    inner = pages.put("/inner", "<p>Words of another site.", host="other.test")
    tab = app.context.new_page()
    tab.goto(
        pages.put(
            "/outer",
            f"<title>T</title><p>Outer words.<iframe src='{inner}'></iframe>"
            f"<iframe src='{inner}' style='display:none'></iframe>",
        )
    )
    page = app.send({"type": "ReadPage", "what": "page"})["page"]
    assert page["text"] == "Outer words."
    assert page["missing"] == (
        "Only part of this page was read. Frames from other sites can't be read: other.test."
    )
    tab.goto(pages.put("/only", f"<title>T</title><iframe src='{inner}'></iframe>"))
    error = app.send({"type": "ReadPage", "what": "page"})["error"]
    assert error["message"] == "There is no text on this page."
    assert "Frames from other sites" in error["hint"]
    tab.goto(pages.put("/none", f"<title>T</title><p>A.<iframe src='{inner}' width=1></iframe>"))
    assert app.send({"type": "ReadPage", "what": "page"})["page"]["is_whole"]
    tab.close()


def test_the_user_and_the_model_see_that_it_is_a_part(
    app: App, panel: Panel, server: ScriptedServer, pages: Pages
) -> None:
    (thread,) = (saved for saved in PAGES if saved.name == "stackoverflow")
    tab = app.context.new_page()
    tab.goto(pages.put("/saved/stackoverflow.html", thread.html))
    panel.page.get_by_role("button", name="Attach", exact=True).click()
    panel.page.get_by_role("menuitem", name="This page", exact=True).click()
    chip = panel.page.locator("#tray > li")
    expect(chip).to_contain_text("Only a part of it")
    sentence = "Only part of this page was read. More is loaded only on request"
    show = chip.get_by_role("button", name=re.compile("Show page: .*, Only a part of it"))
    expect(show).to_have_attribute("title", re.compile(sentence))
    show.click()
    dialog = panel.page.get_by_role("dialog")
    expect(dialog.locator(".attachment-missing")).to_contain_text(sentence)
    shown = dialog.get_by_label("Text as it is sent")
    expect(shown).to_contain_text(sentence)
    sent = shown.text_content() or ""
    panel.page.keyboard.press("Escape")
    panel.ask("Why?")
    expect(panel.answer).to_contain_text("Why?")
    messages = server.turns[-1].json["input"]
    (part, _) = next(m for m in messages if m.get("role") == "user")["content"]
    told = part["text"].partition(">\n")[2].rpartition("\n</untrusted")[0]
    assert told.strip() == sent.strip()
    title, address, missing, empty, *_ = told.splitlines()
    assert "Stack Overflow" in title
    assert address.endswith("/saved/stackoverflow.html")
    assert missing.startswith(sentence)
    assert empty == ""
    # The note is still there when the conversation is opened again.
    panel.page.reload()
    expect(panel.questions.locator(".chip")).to_contain_text("Only a part of it")
    tab.close()
