"""Pictures from code, models and the web, which must not harm the panel."""

from __future__ import annotations

import struct
import zlib
from base64 import b64encode

import pytest
from playwright.sync_api import expect

from e2e.app import App, Panel
from e2e.network import Site
from e2e.server import ScriptedServer, answer

PUBLIC = "pictures.example"
NOT_SHOWN = "Figure 2 is not shown: it has 30,000"


@pytest.fixture(scope="module")
def browser_arguments() -> list[str]:
    """A public name that leads to a server of the test."""
    return [f"--host-resolver-rules=MAP {PUBLIC} 127.0.0.1"]


def bomb() -> str:
    """1.1 kB of SVG, ten uses a level (instructure/canvas-lms#2325)."""
    levels = ['<rect id="l0" width="1"/>']
    for level in range(1, 10):
        use = f'<use href="#l{level - 1}"/>'
        levels.append(f'<g id="l{level}">{use * 10}</g>')
    inside = "".join(levels)
    return f'<svg xmlns="http://www.w3.org/2000/svg" width="40" height="20">{inside}</svg>'


def png(width: int, height: int) -> str:
    """A picture of one colour that is 30,000 pixels wide takes some kilobytes."""

    def chunk(kind: bytes, data: bytes) -> bytes:
        return (
            struct.pack(">I", len(data)) + kind + data + struct.pack(">I", zlib.crc32(kind + data))
        )

    head = struct.pack(">IIBBBBB", width, height, 1, 0, 0, 0, 0)
    rows = zlib.compress(bytes((width + 7) // 8 + 1) * 100)
    data = b"\x89PNG\r\n\x1a\n" + chunk(b"IHDR", head) + chunk(b"IDAT", rows) + chunk(b"IEND", b"")
    return b64encode(data).decode()


LOAD = """(url) => new Promise((resolve) => {
  const image = new Image();
  image.onerror = () => resolve(null);
  image.src = url;
})"""
STORE = """async ([figures]) => {
  const request = indexedDB.open("sidestream");
  const database = await new Promise((resolve) => {
    request.onsuccess = () => resolve(request.result);
  });
  const transaction = database.transaction("turns", "readwrite");
  const turns = transaction.objectStore("turns");
  const all = turns.getAll();
  all.onsuccess = () => {
    const turn = all.result.at(-1);
    const block = {kind: "tool", name: "python", text: "{}", status: "completed", open: false};
    turns.put({...turn, blocks: [...turn.blocks, {...block, call_id: "c", shown: {figures}}]});
  };
  await new Promise((resolve) => { transaction.oncomplete = resolve; });
  database.close();
}"""


def test_pictures_of_code_are_harmless(app: App, panel: Panel, server: ScriptedServer) -> None:
    """Also where an older version has stored them as they were."""
    image = f"Image(base64.b64decode('{png(30000, 30000)}'))"
    code = f"import base64\ndisplay(SVG('''{bomb()}'''))\n{image}"
    server.on("", answer(f"```python\n{code}\n```"))
    panel.ask("Draw")
    panel.expect_idle()
    panel.answer.get_by_role("button", name="Run", exact=True).click()
    output = panel.answer.get_by_role("group", name="Output", exact=True)
    figure = output.get_by_role("img", name="Figure 1")
    expect(figure).to_have_js_property("naturalWidth", 40)
    assert "use" not in (figure.get_attribute("src") or "")
    expect(output).to_contain_text(NOT_SHOWN)
    figures = [{"type": "svg", "text": bomb()}, {"type": "png", "base64": png(30000, 30000)}]
    panel.page.evaluate(STORE, [figures])
    panel.page.close()
    app.stop_worker(app.lasting_page)
    again = app.open_panel()
    stored = again.answer.locator(".call")
    expect(stored.get_by_role("img", name="Figure 1")).to_have_js_property("naturalWidth", 40)
    expect(stored).to_contain_text(NOT_SHOWN)


def test_an_image_of_an_answer_is_fetched_on_a_click_and_never_from_this_computer(
    app: App, panel: Panel, server: ScriptedServer
) -> None:
    """coder/coder#27362: any host in an answer would learn who reads it, and when."""
    with Site() as site:
        port = site.host.rpartition(":")[2]
        hosts = ["127.0.0.1", "2130706433", "0x7f.1", "localhost.", "[::ffff:127.0.0.1]", "127.1"]
        private = " ".join(f"![p{n}](http://{host}:{port}/p{n})" for n, host in enumerate(hosts))
        address = f"http://{PUBLIC}:{port}/pixel?{'q' * 300}"
        server.on("", answer(f"{private} ![public]({address})"))
        visit = app.context.new_page()
        visit.goto(f"{site.url}/cookies")
        visit.close()
        site.reset()
        panel.ask("Show")
        panel.expect_idle()
        buttons = panel.answer.locator("button.md-image")
        expect(buttons).to_have_count(len(hosts) + 1)
        expect(buttons.last).to_contain_text(address)
        for _ in hosts:
            buttons.first.click()
        expect(panel.answer.get_by_text("its address is not public")).to_have_count(len(hosts))
        assert site.paths == []
        buttons.last.click()
        # What the server gives is no image.
        expect(panel.answer).to_contain_text("The image could not be loaded")
        (request,) = site.received
        assert request.path.startswith("/pixel")
        assert not {"cookie", "referer"} & request.headers.keys()
        # Neither are cookies sent to a host for which the extension has a permission.
        panel.page.evaluate(LOAD, f"{site.url}/own")
        assert "cookie" not in site.received[-1].headers
