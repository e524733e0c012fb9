"""Every example in docs/examples runs as a script, against a server that follows a script."""

from __future__ import annotations

import asyncio
import base64
import json
import runpy
import sys
import threading
from collections.abc import Iterator
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any

import pytest

import sidestream.native
from sidestream.testing import (
    ChatStream,
    FakeFetch,
    Refuse,
    Reply,
    ResponsesStream,
    ScriptedReply,
    StoredResponses,
    run,
)

EXAMPLES = Path(__file__).parents[2] / "docs" / "examples"
KEY = "sk-the-key-of-the-tests"


def answer(*deltas: str, **usage: Any) -> Reply:
    return Reply(ResponsesStream().created().text(*deltas).completed(**usage))


def searched_and_ran() -> ResponsesStream:
    action = {"type": "search", "query": "longest day bern"}
    outputs = [{"type": "logs", "logs": "958"}]
    items = (
        ("web_search_call", "ws_1", "searching", {"action": action}),
        (
            "code_interpreter_call",
            "ci_1",
            "interpreting",
            {"code": "print(15 * 60 + 58)", "outputs": outputs},
        ),
    )
    stream = ResponsesStream().created()
    for index, (kind, item_id, status, fields) in enumerate(items):
        item = {"type": kind, "id": item_id, "status": "in_progress"}
        stream.send("response.output_item.added", output_index=index, item=item)
        stream.send(f"response.{kind}.{status}", output_index=index, item_id=item_id)
        done = {**item, "status": "completed", **fields}
        stream.send("response.output_item.done", output_index=index, item=done)
    return stream.text("15 h 58 min.").completed()


def jwt(**payload: Any) -> str:
    middle = base64.urlsafe_b64encode(json.dumps(payload).encode()).decode().rstrip("=")
    return f"e30.{middle}.c2ln"


def auth_json() -> str:
    claim = {"chatgpt_account_id": "account-1", "chatgpt_plan_type": "plus"}
    tokens = {
        "access_token": jwt(exp=4_000_000_000),
        "id_token": jwt(**{"https://api.openai.com/auth": claim}),
        "refresh_token": "refresh",
    }
    return json.dumps({"tokens": tokens})


@dataclass
class Case:
    replies: list[ScriptedReply]
    url: str
    out: list[str]
    """What is printed, in this order, among other things."""
    sent: dict[str, Any] = field(default_factory=dict)
    """Fields of the last request."""
    headers: dict[str, str] = field(default_factory=dict)
    argv: list[str] = field(default_factory=list)


OPENAI = "https://api.openai.com/v1/responses"
LIMITS = {
    "x-ratelimit-limit-requests": "100",
    "x-ratelimit-remaining-requests": "0",
    "x-ratelimit-reset-requests": "20s",
    "x-codex-primary-used-percent": "42",
    "x-codex-primary-window-minutes": "300",
    "x-codex-primary-reset-at": "4000000000",
}
CALL = {"city": "Oslo"}

CASES = {
    "stream": Case(
        [answer("Hello, ", "bonjour, hola.", input_tokens=12, output_tokens=7)],
        OPENAI,
        ["Hello, bonjour, hola.", "Token usage: total=19 input=12 output=7"],
        {"model": "gpt-5.2", "stream": True},
        {"Authorization": f"Bearer {KEY}", "Accept": "text/event-stream"},
    ),
    "complete": Case(
        [Reply(ResponsesStream().created().text("Blue light").incomplete())],
        OPENAI,
        ["Blue light", "[incomplete] The answer reached the limit"],
        {
            "instructions": "Answer in one sentence.",
            "max_output_tokens": 200,
            "reasoning": {"effort": "low"},
            "text": {"verbosity": "low"},
        },
    ),
    "conversation": Case(
        [
            Reply(
                ResponsesStream()
                .created()
                .reasoning("Easy.", encrypted_content="c2VjcmV0")
                .text("Paris.")
                .completed()
            ),
            answer("Two million."),
        ],
        OPENAI,
        ["> What is the capital", "Paris.", "> And how many", "Two million."],
        {"prompt_cache_key": "0199a213-81c0-7800-8aa1-bbab2a035a53"},
        {"session_id": "0199a213-81c0-7800-8aa1-bbab2a035a53"},
    ),
    "tools": Case(
        [
            Reply(
                ResponsesStream()
                .created()
                .function_call("get_weather", '{"city":', '"Oslo"}', call_id="call_o")
                .function_call("get_weather", '{"town":"Lisbon"}', call_id="call_l")
                .completed()
            ),
            answer("Lisbon."),
        ],
        OPENAI,
        ['get_weather({"city":"Oslo"}) -> 3 degrees, snow', "-> error: ", "Lisbon."],
    ),
    "provider_tools": Case(
        [Reply(searched_and_ran())],
        OPENAI,
        [
            "[web_search_call: searching]",
            "searched for: longest day bern",
            "[code_interpreter_call: interpreting]",
            "ran: print(15 * 60 + 58)",
            "958",
            "15 h 58 min.",
        ],
        {
            "tools": [
                {"type": "web_search"},
                {"type": "code_interpreter", "container": {"type": "auto"}},
            ],
            "include": [
                "reasoning.encrypted_content",
                "web_search_call.action.sources",
                "code_interpreter_call.outputs",
            ],
        },
    ),
    "structured_output": Case(
        [answer('{"title":"Pancakes","minutes":', '20,"ingredients":["milk","flour"]}')],
        OPENAI,
        ["Pancakes, 20 minutes: milk, flour"],
    ),
    "chat_completions": Case(
        [Reply(ChatStream().reasoning("17 x 23").text("39", "1").finish().usage().done())],
        "http://localhost:11434/v1/chat/completions",
        ["(17 x 23)391", "5 tokens written"],
        {
            "model": "gpt-oss:20b",
            "temperature": 0.2,
            "messages": [{"role": "user", "content": "What is 17 x 23?"}],
            "stream_options": {"include_usage": True},
        },
    ),
    "azure": Case(
        [answer("Hi.")],
        "https://my-resource.openai.azure.com/openai/responses?api-version=2025-04-01-preview",
        ["Hi."],
        {"model": "my-gpt-5-deployment", "store": True},
        {"api-key": KEY},
    ),
    "chatgpt_sign_in": Case(
        [answer("Hi.")],
        "https://chatgpt.com/backend-api/codex/responses",
        ["plus plan: Hi."],
        {"store": False},
        {"ChatGPT-Account-ID": "account-1"},
    ),
    "retries": Case(
        [
            Refuse(),
            Reply(ResponsesStream().created().text("Once ", done=False).pause(31).fail()),
            Reply({"error": {"message": "boom"}}, status=500, headers={"Retry-After": "7"}),
            answer("Once upon a time."),
        ],
        OPENAI,
        [
            "taken back: ''",
            "reconnecting 1/3",
            "silent for 30 s, giving up after 300 s",
            "taken back: 'Once '",
            "reconnecting 1/2",
            "reconnecting 2/3 in 7.0 s",
            'finished: {"id":"msg_1"',
            "Once upon a time.",
            "completed",
        ],
    ),
    "errors": Case(
        [Reply({"error": {"message": f"Incorrect API key provided: {KEY}"}}, status=401)],
        OPENAI,
        [
            "refused the API key",
            "Check that the API key",
            "Set another OPENAI_API_KEY",
            "'status': 401",
        ],
    ),
    "rate_limits": Case(
        [
            Reply(ResponsesStream().created().text("A").completed(), headers=LIMITS),
            answer("B"),
        ],
        OPENAI,
        ["api requests: 100 % used", "codex primary: 42 % used"],
    ),
    "usage": Case(
        [
            answer("A", input_tokens=1_000, output_tokens=200),
            answer("B", input_tokens=140_000, output_tokens=1_000),
        ],
        OPENAI,
        [
            "Token usage: total=142,200 input=141,000 output=1,200",
            "48 % of the window is free",
            "2 calls in the last five minutes",
            "no need to compact",
        ],
    ),
    "list_models": Case(
        [
            Reply(
                {
                    "data": [
                        {
                            "id": "anthropic/claude-sonnet-4.5",
                            "context_length": 1_000_000,
                            "architecture": {"input_modalities": ["text", "image"]},
                        },
                        {"id": "some/model"},
                    ]
                }
            )
        ],
        "https://openrouter.ai/api/v1/models",
        ["anthropic/claude-sonnet-4.5", "1000000 tokens  images", "some/model", "window unknown"],
    ),
    "images": Case(
        [answer("A red dot.")], OPENAI, ["A red dot."], argv=[str(EXAMPLES / "stream.py")]
    ),
    "reasoning": Case(
        [Reply(ResponsesStream().created().reasoning("Mer", "senne.").text("Yes.").completed())],
        OPENAI,
        ["Thought: Mersenne.", "Answer: Yes."],
        {"reasoning": {"effort": "high", "summary": "auto"}},
    ),
}
OTHERWISE = {"custom_fetch", "resume", "test_kit"}


def test_no_example_is_left_out() -> None:
    assert {path.stem for path in EXAMPLES.glob("*.py")} == set(CASES) | OTHERWISE


@pytest.fixture(autouse=True)
def _keys(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    for name in ("OPENAI_API_KEY", "AZURE_OPENAI_API_KEY", "OPENROUTER_API_KEY"):
        monkeypatch.setenv(name, KEY)
    monkeypatch.setenv("HOME", str(tmp_path))
    monkeypatch.setenv("USERPROFILE", str(tmp_path))
    (tmp_path / ".codex").mkdir()
    (tmp_path / ".codex" / "auth.json").write_text(auth_json())


@pytest.mark.parametrize("name", sorted(CASES))
def test_example(
    name: str, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    case = CASES[name]
    fetch = FakeFetch(*case.replies)
    monkeypatch.setattr(sidestream.native, "httpx_fetch", fetch)
    monkeypatch.setattr(asyncio, "run", run)
    monkeypatch.setattr(sys, "argv", [name, *case.argv])

    runpy.run_path(str(EXAMPLES / f"{name}.py"), run_name="__main__")

    printed = capsys.readouterr().out
    rest = printed
    for part in case.out:
        assert part in rest, printed
        rest = rest.partition(part)[2]
    assert KEY not in printed
    assert len(fetch.requests) == len(case.replies)
    assert fetch.all_closed
    assert fetch.requests[-1].url == case.url
    assert fetch.requests[-1].headers.items() >= case.headers.items()
    if case.sent:
        sent = fetch.json()
        assert {key: sent.get(key) for key in case.sent} == case.sent


def test_the_conversation_goes_back_whole(monkeypatch: pytest.MonkeyPatch) -> None:
    sent = sent_by("conversation", monkeypatch)["input"]
    assert [item["type"] for item in sent] == ["message", "reasoning", "message", "message"]
    assert sent[1]["encrypted_content"] == "c2VjcmV0"


def test_the_outputs_of_both_calls_go_back(monkeypatch: pytest.MonkeyPatch) -> None:
    sent = sent_by("tools", monkeypatch)
    outputs = {i["call_id"]: i["output"] for i in sent["input"] if "output" in i}
    assert outputs["call_o"] == "3 degrees, snow"
    assert outputs["call_l"].startswith("error: ")
    assert sent["tools"][0]["strict"] is True


def test_the_schema_and_its_name_are_sent(monkeypatch: pytest.MonkeyPatch) -> None:
    sent = sent_by("structured_output", monkeypatch)["text"]["format"]
    assert (sent["type"], sent["name"], sent["strict"]) == ("json_schema", "recipe", True)
    assert sent["schema"]["additionalProperties"] is False


def test_the_image_is_sent_as_a_data_url(monkeypatch: pytest.MonkeyPatch) -> None:
    image = sent_by("images", monkeypatch)["input"][0]["content"][1]
    assert image["image_url"].startswith("data:image/png;base64,")


def test_a_full_limit_is_waited_for(monkeypatch: pytest.MonkeyPatch) -> None:
    fetch = fetch_of("rate_limits", monkeypatch)
    assert fetch.times[1] - fetch.times[0] == pytest.approx(20, abs=1)


def fetch_of(name: str, monkeypatch: pytest.MonkeyPatch) -> FakeFetch:
    fetch = FakeFetch(*CASES[name].replies)
    monkeypatch.setattr(sidestream.native, "httpx_fetch", fetch)
    monkeypatch.setattr(asyncio, "run", run)
    monkeypatch.setattr(sys, "argv", [name, *CASES[name].argv])
    runpy.run_path(str(EXAMPLES / f"{name}.py"), run_name="__main__")
    return fetch


def sent_by(name: str, monkeypatch: pytest.MonkeyPatch) -> Any:
    return fetch_of(name, monkeypatch).json()


# --- the test kit, and a transport of one's own --------------------------------------------------


def test_an_answer_is_resumed_by_another_run(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    story = ResponsesStream().created().text("Once ", "upon ", "a time.").completed()
    cut = story.body.index(b'"a time."')
    server = StoredResponses(story, cuts=[cut, *[40] * 5])
    monkeypatch.setattr(sidestream.native, "httpx_fetch", server)
    monkeypatch.setattr(asyncio, "run", run)
    for _ in range(2):
        runpy.run_path(str(EXAMPLES / "resume.py"), run_name="__main__")
    first, second = capsys.readouterr().out.splitlines()
    assert first == "'Once upon ', and then: The connection broke: connection reset."
    assert second == "Once upon a time."
    assert server.asked == 1


def test_the_tests_of_the_test_kit_example_pass() -> None:
    tests = [
        value
        for name, value in runpy.run_path(str(EXAMPLES / "test_kit.py")).items()
        if name.startswith("test_")
    ]
    assert len(tests) == 3
    for test in tests:
        test()


class Server(ThreadingHTTPServer):
    """Answers with each reply in turn: status and body."""

    replies: list[tuple[int, bytes]]
    received: list[tuple[str, dict[str, str], Any]]


class Handler(BaseHTTPRequestHandler):
    server: Server

    def do_POST(self) -> None:
        body = self.rfile.read(int(self.headers["Content-Length"]))
        self.server.received.append((self.path, dict(self.headers), json.loads(body)))
        status, reply = self.server.replies.pop(0)
        self.send_response(status)
        self.send_header("Content-Type", "text/event-stream")
        self.end_headers()
        for start in range(0, len(reply), 100):
            self.wfile.write(reply[start : start + 100])
            self.wfile.flush()

    def log_message(self, *args: object) -> None:
        pass


@pytest.fixture
def server() -> Iterator[Server]:
    server = Server(("127.0.0.1", 0), Handler)
    server.replies, server.received = [], []
    thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.01})
    thread.start()
    try:
        yield server
    finally:
        server.shutdown()
        server.server_close()
        thread.join()


def run_custom_fetch(server: Server, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("OPENAI_BASE_URL", f"http://127.0.0.1:{server.server_port}/v1")
    runpy.run_path(str(EXAMPLES / "custom_fetch.py"), run_name="__main__")


def test_a_fetch_over_urllib(
    server: Server, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    stream = ResponsesStream().created().text("Grüße ", "aus urllib.").completed()
    server.replies = [(200, stream.body)]
    run_custom_fetch(server, monkeypatch)
    assert capsys.readouterr().out == "Grüße aus urllib.\n"
    path, headers, body = server.received[0]
    assert path == "/v1/responses"
    assert headers["Authorization"] == f"Bearer {KEY}"
    assert body["model"] == "gpt-5.2"


def test_a_fetch_over_urllib_hands_over_every_status(
    server: Server, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    server.replies = [(403, b'{"error": {"message": "not from here"}}' + b" " * 200_000)]
    run_custom_fetch(server, monkeypatch)
    assert "not from here" in capsys.readouterr().out
