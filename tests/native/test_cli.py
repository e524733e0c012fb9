"""``python -m sidestream``."""

from __future__ import annotations

import io
import json
import os
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

from sidestream.__main__ import main
from sidestream.testing import ChatStream, FakeFetch, Refuse, Reply, ResponsesStream

ROOT = Path(__file__).parents[2]


def hello() -> Reply:
    return Reply(ResponsesStream().created().reasoning("Hm").text("Hel", "lo").completed())


@pytest.fixture(autouse=True)
def _environment(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("OPENAI_API_KEY", "sk-test-1234567890")
    monkeypatch.delenv("OPENAI_BASE_URL", raising=False)


def test_prints_the_text(capsys: pytest.CaptureFixture[str]) -> None:
    fetch = FakeFetch(hello())
    assert main(["Hi", "--instructions", "Be short.", "--model", "m"], fetch=fetch) == 0
    assert capsys.readouterr() == ("Hello\n", "")
    request = fetch.requests[0]
    assert request.url == "https://api.openai.com/v1/responses"
    assert request.headers["Authorization"] == "Bearer sk-test-1234567890"
    assert (fetch.json()["model"], fetch.json()["instructions"]) == ("m", "Be short.")


def test_prints_the_events(capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["Hi", "--json"], fetch=FakeFetch(hello())) == 0
    types = [json.loads(line)["type"] for line in capsys.readouterr().out.splitlines()]
    assert types[0] == "Created"
    assert types[-1] == "Completed"
    assert types.count("OutputTextDelta") == 2


def test_another_provider_and_wire_api(
    capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("OPENAI_BASE_URL", "http://localhost:1/v1")
    monkeypatch.delenv("OPENAI_API_KEY")
    fetch = FakeFetch(then=Reply(ChatStream().text("Hello\n").finish().done()))
    assert main(["Hi", "--wire-api", "chat"], fetch=fetch) == 0
    assert main(["Hi", "--wire-api", "chat", "--base-url", "http://b.test"], fetch=fetch) == 0
    urls = [request.url for request in fetch.requests]
    assert urls == ["http://localhost:1/v1/chat/completions", "http://b.test/chat/completions"]
    assert "Authorization" not in fetch.requests[0].headers
    assert capsys.readouterr().out == "Hello\n" * 2


def test_reads_the_prompt_from_standard_input(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("sys.stdin", io.StringIO("From there\n"))
    fetch = FakeFetch(hello())
    assert main(["-"], fetch=fetch) == 0
    assert "From there" in json.dumps(fetch.json())


@pytest.mark.parametrize(
    ("reply", "arguments", "code", "words"),
    [
        (Reply({"error": {"message": "No."}}, status=400), [], 1, "The server says: No."),
        (Reply(), ["--base-url", "ftp://x"], 2, "https://"),
        (Reply(status=401), [], 3, "refused the API key"),
        (Reply(status=403), [], 3, "does not allow"),
        (Reply(ResponsesStream().text("Hel", "lo", done=False).incomplete()), [], 5, "limit"),
        (Reply(ResponsesStream().text("Hello")), [], 5, "stream closed"),
        (Reply("<html>"), [], 1, "web page"),
    ],
)
def test_exit_codes(
    reply: Reply,
    arguments: list[str],
    code: int,
    words: str,
    capsys: pytest.CaptureFixture[str],
) -> None:
    assert main(["Hi", *arguments], fetch=FakeFetch(reply)) == code
    out, err = capsys.readouterr()
    assert err.startswith("sidestream: ")
    assert words in err
    assert out == ("Hello\n" if code == 5 else "")


def test_wrong_usage(capsys: pytest.CaptureFixture[str]) -> None:
    assert main([" "], fetch=FakeFetch()) == 2
    assert "empty" in capsys.readouterr().err
    for arguments in ([], ["Hi", "--wire-api", "soap"]):
        with pytest.raises(SystemExit) as caught:
            main(arguments, fetch=FakeFetch())
        assert caught.value.code == 2


def test_says_what_is_missing(
    capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setitem(sys.modules, "sidestream.native", None)
    assert main(["Hi"]) == 2
    assert "pip install 'sidestream[native]'" in capsys.readouterr().err


def test_httpx_is_the_default(monkeypatch: pytest.MonkeyPatch) -> None:
    fetch = FakeFetch(hello())
    monkeypatch.setattr("sidestream.native.httpx_fetch", fetch)
    assert main(["Hi"]) == 0
    assert len(fetch.requests) == 1


def test_notices_go_to_standard_error(
    capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    from sidestream.testing import run

    monkeypatch.setattr("asyncio.run", run)
    script = [
        Refuse("no route"),
        Reply(ResponsesStream().text("Hel", done=False).pause(40).comment()),
        hello(),
    ]
    assert main(["Hi"], fetch=FakeFetch(*script)) == 0
    out, err = capsys.readouterr()
    assert out == "Hel\nHello\n"
    first, silence, second = err.splitlines()
    assert first.startswith("[reconnecting 1/4 in 1.")
    assert "no route" in first
    assert silence == "[no word from the server for 30 s]"
    assert "the unfinished part comes again" in second


def test_interrupted(capsys: pytest.CaptureFixture[str]) -> None:
    def interrupt(request: Any) -> Reply:
        raise KeyboardInterrupt

    assert main(["Hi"], fetch=FakeFetch(interrupt)) == 130
    assert "Interrupted" in capsys.readouterr().err


def command(*arguments: str, **options: Any) -> subprocess.CompletedProcess[str]:
    environment = {**os.environ, "PYTHONPATH": str(ROOT / "pysrc")}
    return subprocess.run(
        [sys.executable, "-m", "sidestream", *arguments],
        env=environment,
        capture_output=True,
        text=True,
        check=False,
        timeout=60,
        **options,
    )


def test_as_a_command() -> None:
    helped = command("--help")
    assert helped.returncode == 0
    assert "exit codes:" in helped.stdout
    wrong = command("-", "--base-url", "nonsense", input="Hi")
    assert wrong.returncode == 2
    assert "base URL" in wrong.stderr


def test_a_reader_that_has_seen_enough() -> None:
    script = """
import sys
from sidestream.__main__ import main
from sidestream.testing import FakeFetch, Reply, ResponsesStream
stream = ResponsesStream().text(*["word "] * 100_000).completed()
sys.exit(main(["Hi"], fetch=FakeFetch(Reply(stream))))
"""
    process = subprocess.Popen(
        [sys.executable, "-c", script],
        env={**os.environ, "PYTHONPATH": str(ROOT / "pysrc")},
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
    )
    assert process.stdout is not None
    assert process.stderr is not None
    process.stdout.read(10)
    process.stdout.close()
    assert process.stderr.read() == b""
    process.stderr.close()
    assert process.wait(60) == 1
