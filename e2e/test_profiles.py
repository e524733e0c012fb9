"""Several provider profiles: choose, replace, remove, export, and reset."""

from __future__ import annotations

import base64
import json
import re
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from playwright.sync_api import Route, expect

from e2e.app import API_KEY, App
from e2e.patience import PATIENCE
from e2e.server import MODEL, Gate, ScriptedServer, response_events, sse

OTHER_KEY = "Qm3x9876543210zyxwvutsrqponmlkjihgfedcba"


@pytest.fixture
def other_server() -> Iterator[ScriptedServer]:
    """A second provider, with a key of its own."""
    with ScriptedServer() as server:
        server.api_key = OTHER_KEY
        yield server


def settings_of(name: str, base_url: str) -> dict[str, Any]:
    """Settings of a custom provider."""
    return {
        "preset": "custom",
        "name": name,
        "base_url": base_url,
        "wire_api": "responses",
        "model": MODEL,
    }


def test_each_profile_answers_with_its_own_key(
    fresh_app: App, server: ScriptedServer, other_server: ScriptedServer
) -> None:
    server.api_key = API_KEY
    panel = fresh_app.open_panel()
    choice = panel.page.get_by_role("combobox", name="Provider profile", exact=True)
    options = fresh_app.open_options()
    options.fill(base_url=server.base_url, api_key=API_KEY)
    options.name.fill("First")
    options.save.click()
    expect(options.status).to_contain_text("Saved")
    expect(choice).to_be_hidden()

    options.page.get_by_role("button", name="Add profile").click()
    expect(options.base_url).to_have_value("https://api.openai.com/v1")
    options.fill(base_url=other_server.base_url)
    # The first profile's key is not the new one's.
    options.test_connection.click()
    expect(options.alert).to_contain_text("key", ignore_case=True)
    assert all("authorization" not in request.headers for request in other_server.requests)
    tried = len(other_server.turns)
    options.api_key.fill(OTHER_KEY)
    options.name.fill("Second")
    options.save.click()
    expect(options.status).to_contain_text("select it in the list")

    panel.page.bring_to_front()
    panel.ask("One")
    expect(panel.answer).to_have_text("You said: One")
    expect(choice.locator("option")).to_have_text([f"First · {MODEL}", f"Second · {MODEL}"])
    choice.select_option(label=f"Second · {MODEL}")
    expect(options.radio("Second")).to_be_checked()
    panel.ask("Two")
    expect(panel.answer).to_have_text("You said: Two")
    options.page.bring_to_front()
    options.radio("First").check()
    expect(options.status).to_contain_text("First now answers")
    panel.page.bring_to_front()
    panel.ask("Three")
    expect(panel.answer).to_have_text("You said: Three")
    assert [turn.user_text for turn in server.turns] == ["One", "Three"]
    assert [turn.user_text for turn in other_server.turns[tried:]] == ["Two"]
    assert {turn.headers["authorization"] for turn in server.turns} == {f"Bearer {API_KEY}"}

    # What is typed is not lost by looking at another profile.
    options.page.bring_to_front()
    options.model.fill("something-new")
    options.edit("First").click()
    question = options.page.get_by_role("dialog", name="Discard the changes?")
    question.get_by_role("button", name="Cancel").click()
    expect(options.model).to_have_value("something-new")
    options.edit("First").click()
    question.get_by_role("button", name="Discard changes").click()
    expect(options.base_url).to_have_value(server.base_url)
    expect(options.model).to_have_value(MODEL)

    options.page.get_by_role("button", name="Remove key").click()
    expect(options.status).to_contain_text("Removed")
    assert fresh_app.send({"type": "LoadSettings"})["has_key"] is False
    options.page.get_by_role("button", name="Remove profile").click()
    options.page.get_by_role("dialog").get_by_role("button", name="Remove", exact=True).click()
    expect(options.status).to_contain_text("Removed First")
    expect(options.radio("Second")).to_be_checked()
    panel.page.bring_to_front()
    expect(choice).to_be_hidden()
    panel.ask("Four")
    expect(panel.answer).to_have_text("You said: Four")
    assert len(other_server.turns) == tried + 2


def test_settings_are_taken_along_without_secrets_and_everything_is_forgotten(
    fresh_app: App, server: ScriptedServer, tmp_path: Path
) -> None:
    server.api_key = API_KEY
    fresh_app.configure(server.base_url, http_headers={"X-Team": "blue", "X-Token": OTHER_KEY})
    profile = {"settings": settings_of("Second", "http://localhost:9/v1")}
    fresh_app.send({"type": "SaveProfile", "profile": profile, "api_key": OTHER_KEY})
    panel = fresh_app.open_panel()
    panel.ask("Remember me")
    expect(panel.answer).to_have_text("You said: Remember me")

    options = fresh_app.open_options()
    with options.page.expect_download() as download:
        options.page.get_by_role("button", name="Export settings").click()
    exported = tmp_path / download.value.suggested_filename
    download.value.save_as(exported)
    expect(options.status).to_contain_text("X-Token")
    text = exported.read_text()
    assert "Scripted" in text
    assert "X-Team" in text
    for secret in (API_KEY, OTHER_KEY):
        assert secret not in text

    options.page.get_by_role("button", name="Reset everything").click()
    options.page.get_by_role("dialog").get_by_role("button", name="Delete everything").click()
    expect(options.status).to_contain_text("Everything is deleted")
    panel.page.bring_to_front()
    expect(panel.questions).to_have_count(0)
    expect(panel.page.get_by_role("button", name="Open settings").first).to_be_visible()
    stored = json.loads(fresh_app.stored(panel.page))
    assert stored["areas"]["local"] == stored["areas"]["session"] == {}
    assert "Remember me" not in json.dumps(stored["databases"])

    options.page.bring_to_front()
    options.page.get_by_role("button", name="Import settings").click()
    dialog = options.page.get_by_role("dialog", name="Import settings")
    dialog.get_by_label("Or paste its content").fill('{"tokens": {}}')
    dialog.get_by_role("button", name="Import", exact=True).click()
    expect(dialog.get_by_text("This is a Codex auth.json")).to_be_visible()
    dialog.get_by_label("File", exact=True).set_input_files(exported)
    dialog.get_by_role("button", name="Import", exact=True).click()
    expect(options.status).to_contain_text("2 of 2 profiles added")
    expect(options.radio("Scripted")).to_be_checked()
    options.api_key.fill(API_KEY)
    options.save.click()
    expect(options.status).to_contain_text("Saved")
    panel.page.bring_to_front()
    panel.ask("Here again")
    expect(panel.answer).to_have_text("You said: Here again")
    assert server.turns[-1].headers["x-team"] == "blue"
    assert "Remember me" not in server.turns[-1].body.decode()


def test_a_reset_while_an_answer_arrives_keeps_nothing_of_it(
    fresh_app: App, server: ScriptedServer
) -> None:
    gate = Gate("Half of it")
    server.on("", gate)
    fresh_app.configure(server.base_url)
    panel = fresh_app.open_panel()
    panel.ask("Remember me")
    expect(panel.answer).to_contain_text("Half of it")
    turn = server.wait_for_turn()
    assert fresh_app.send({"type": "ResetEverything"})["profiles"] == []
    assert turn.client_closed.wait(PATIENCE)
    expect(panel.questions).to_have_count(0)
    expect(panel.status).to_be_empty()
    assert "Remember me" not in fresh_app.stored(panel.page)
    assert len(server.turns) == 1


def jwt(claims: dict[str, Any]) -> str:
    """An unsigned token with `claims`."""
    body = base64.urlsafe_b64encode(json.dumps(claims).encode()).decode().rstrip("=")
    return f"e30.{body}.signature"


class ChatGpt:
    """ChatGPT's backend and sign-in server, in the place of the real ones.

    A refresh token works once, and only the newest access token is taken.
    """

    def __init__(self, app: App) -> None:
        self.number = 1
        self.turns: list[str] = []
        app.context.route("https://auth.openai.com/**", self._renew)
        app.context.route("https://chatgpt.com/**", self._answer)

    @property
    def access_token(self) -> str:
        """The one that is good now."""
        return jwt({"exp": int(time.time()) + 3600, "number": self.number})

    def auth_json(self) -> str:
        """What `codex login` would write."""
        identity = {"chatgpt_plan_type": "plus", "chatgpt_account_id": "acc-1"}
        tokens = {
            "id_token": jwt({"email": "me@example.org", "https://api.openai.com/auth": identity}),
            "access_token": self.access_token,
            "refresh_token": f"refresh-{self.number}",
        }
        return json.dumps({"OPENAI_API_KEY": None, "tokens": tokens})

    def revoke(self) -> None:
        """Only a new access token is good from now on; the refresh token stays."""
        self.number += 1

    def _renew(self, route: Route) -> None:
        given = json.loads(route.request.post_data or "{}")["refresh_token"]
        if given != f"refresh-{self.number - 1}":
            route.fulfill(status=401, json={"error": {"code": "refresh_token_reused"}})
            return
        tokens = {"access_token": self.access_token, "refresh_token": f"refresh-{self.number}"}
        route.fulfill(json=tokens)

    def _answer(self, route: Route) -> None:
        given = route.request.headers["authorization"].removeprefix("Bearer ").split(".")[1]
        number = json.loads(base64.urlsafe_b64decode(given + "=="))["number"]
        if number != self.number:
            route.fulfill(status=401, json={"error": {"message": "token expired"}})
            return
        self.turns.append(route.request.headers["chatgpt-account-id"])
        events = response_events(f"Answer {len(self.turns)}")
        route.fulfill(content_type="text/event-stream", body=b"".join(map(sse, events)))


def test_a_codex_sign_in_is_renewed_and_never_lost(fresh_app: App) -> None:
    chatgpt = ChatGpt(fresh_app)
    options = fresh_app.open_options()
    # The prompt's "Allow" cannot be pressed here.
    options.page.evaluate("chrome.permissions.request = async () => true")
    options.page.get_by_role("button", name="Import Codex sign-in").last.click()
    dialog = options.page.get_by_role("dialog", name="Import Codex sign-in")
    dialog.get_by_label("Or paste its content").fill("{}")
    dialog.get_by_role("button", name="Import", exact=True).click()
    expect(dialog.get_by_text("neither a ChatGPT sign-in nor an API key")).to_be_visible()
    dialog.get_by_label("Or paste its content").fill(chatgpt.auth_json())
    dialog.get_by_role("button", name="Import", exact=True).click()
    expect(options.status).to_contain_text("ChatGPT is ready")
    expect(options.page.get_by_text("Signed in as me@example.org (plus)")).to_be_visible()
    assert "refresh-1" not in options.page.content()

    panel = fresh_app.open_panel()
    panel.ask("One")
    expect(panel.answer).to_have_text("Answer 1")
    # The access token ends early, so that the turn renews it after a 401.
    chatgpt.revoke()
    panel.ask("Two")
    expect(panel.answer).to_have_text("Answer 2")
    # The worker forgets everything; the refresh token that was used does not work again.
    fresh_app.stop_worker(panel.page)
    chatgpt.revoke()
    panel.ask("Three")
    expect(panel.answer).to_have_text("Answer 3")
    assert chatgpt.turns == ["acc-1"] * 3
    stored = fresh_app.stored(panel.page)
    for number in range(1, 4):
        assert f"refresh-{number}" not in stored

    # The sign-in has ended: the message explains it, and a new sign-in replaces it.
    chatgpt.number += 2
    panel.ask("Four")
    panel.expect_alert("Another program renewed", "auth.json")
    fresh_app.send({"type": "ImportAuthJson", "text": chatgpt.auth_json()})
    assert len(fresh_app.send({"type": "LoadSettings"})["profiles"]) == 1
    panel.retry.click()
    expect(panel.answer).to_have_text(re.compile("Answer 4"))
