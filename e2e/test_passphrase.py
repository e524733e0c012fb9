"""A passphrase for the keys: it is set in the options and entered in the panel."""

from __future__ import annotations

from playwright.sync_api import expect

from e2e.app import API_KEY, App
from e2e.server import ScriptedServer

PASSPHRASE = "correct horse battery"


def test_a_passphrase_locks_the_key_until_it_is_given(
    fresh_app: App, server: ScriptedServer
) -> None:
    server.api_key = API_KEY
    options = fresh_app.open_options()
    options.fill(base_url=server.base_url, api_key=API_KEY)
    options.page.get_by_text("Advanced", exact=True).click()
    passphrase = options.page.get_by_label("Passphrase (optional)", exact=True)
    passphrase.fill("short")
    options.save.click()
    expect(options.page.get_by_text("at least 8 characters")).to_be_visible()
    expect(passphrase).to_be_focused()
    passphrase.fill(PASSPHRASE)
    options.save.click()
    expect(options.status).to_contain_text("Saved")
    expect(passphrase).to_have_value("")
    expect(options.page.get_by_role("button", name="Remove passphrase")).to_be_visible()

    panel = fresh_app.open_panel()
    panel.ask("Hello")
    expect(panel.answer).to_have_text("You said: Hello")

    # As after a restart of the browser, which empties the session's storage.
    panel.page.evaluate("chrome.storage.session.clear()")
    panel.page.reload()
    field = panel.page.get_by_label("Passphrase", exact=True)
    expect(field).to_be_focused()
    panel.message.fill("Still here")
    expect(panel.send).to_be_disabled()
    panel.message.press("Enter")
    expect(field).to_be_focused()
    field.fill("something else")
    field.press("Enter")
    expect(panel.alert).to_contain_text("This passphrase is wrong.")
    expect(panel.message).to_have_value("Still here")
    field.fill(PASSPHRASE)
    panel.page.get_by_role("button", name="Unlock").click()
    expect(field).to_be_hidden()
    panel.message.press("Enter")
    expect(panel.answer).to_have_text("You said: Still here")
    assert PASSPHRASE not in fresh_app.stored(panel.page)

    options.page.bring_to_front()
    options.page.get_by_role("button", name="Remove passphrase").click()
    expect(options.status).to_contain_text("Removed")
    panel.page.bring_to_front()
    panel.page.evaluate("chrome.storage.session.clear()")
    panel.page.reload()
    panel.ask("Once more")
    expect(panel.answer).to_have_text("You said: Once more")
