"""The list of models, and the trial behind "Test connection"."""

from __future__ import annotations

import json
from typing import Any

import pytest

from sidestream.errors import ErrorKind, SidestreamError
from sidestream.session.connection_check import list_models, try_connection
from sidestream.session.known_models import KnownModels
from sidestream.testing import ChatStream, FakeFetch, Refuse, Reply, ResponsesStream, run
from sidestream.transport import HttpRequest
from tests.session.connections import KEY, data, models


def test_list_models() -> None:
    assert run(list_models(data(), FakeFetch(models("b", "a")))) == ["b", "a"]


def test_an_empty_list_is_reported() -> None:
    with pytest.raises(SidestreamError, match="empty"):
        run(list_models(data(), FakeFetch(models())))


@pytest.mark.parametrize(
    "no_list",
    [
        Reply({"detail": "Not Found"}, status=404),
        Reply({"error": "no"}, status=400),
        Reply(status=405),
        Reply("<html>hello</html>"),
        Reply({"ok": True}),
    ],
)
def test_without_a_list_the_name_has_to_be_typed(no_list: Reply) -> None:
    with pytest.raises(SidestreamError) as caught:
        run(list_models(data(), FakeFetch(no_list)))
    assert caught.value.message == "This server has no list of models."
    assert "Type the model's name" in caught.value.hint
    assert caught.value.kind is ErrorKind.NOT_FOUND


def test_a_list_that_cannot_be_given_is_not_needed() -> None:
    with pytest.raises(SidestreamError, match="could not give its list") as caught:
        run(list_models(data(), FakeFetch(Reply({"error": "boom"}, status=500))))
    assert "Type the model's name" in caught.value.hint


def test_a_closed_list_is_not_a_refused_key() -> None:
    with pytest.raises(SidestreamError, match="does not list its models for this key"):
        run(list_models(data(KEY), FakeFetch(Reply(status=403))))
    with pytest.raises(SidestreamError, match="refused the API key") as caught:
        run(list_models(data(KEY), FakeFetch(Reply(status=401))))
    assert "type the model's name" in caught.value.hint


# --- the trial ----------------------------------------------------------------------------------


class Server:
    """Answers the list of models and prompts, each in its own way."""

    def __init__(self, models: Any = None, **answers: Any) -> None:
        self.answers = {"models": models, **answers}
        self.fetch = FakeFetch(then=self._answer)

    def _answer(self, request: HttpRequest) -> Reply | Refuse:
        path = request.url.partition("?")[0]
        for end, name in (("/models", "models"), ("/responses", "responses"), ("s", "chat")):
            if path.endswith(end):
                answer = self.answers.get(name)
                return (
                    Reply({"error": {"message": "Not Found"}}, status=404)
                    if not answer
                    else (answer(request) if callable(answer) else answer)
                )
        raise AssertionError(path)

    def asked(self) -> list[str]:
        return [request.url.rpartition("/v1/")[2] for request in self.fetch.requests]

    def prompt(self) -> dict[str, Any]:
        bodies = [request.body for request in self.fetch.requests if request.body]
        parsed: dict[str, Any] = json.loads(bodies[-1])
        return parsed


def answer(text: str = "OK", delay_s: float = 0.8) -> Reply:
    return Reply(ResponsesStream().created().text(text).completed(), delay_s=delay_s)


def chat_answer(text: str = "OK") -> Reply:
    return Reply(ChatStream().text(text).finish().done())


def refusal(message: str, status: int, **more: Any) -> Reply:
    return Reply({"error": {"message": message, **more}}, status=status)


@pytest.mark.parametrize(
    ("model", "listed", "said"),
    [
        ("m-1", ["m-0", "m-1"], "Connected to Mine. Model m-1 answered in 0.8 s."),
        ("llama", ["llama:latest"], "Connected to Mine. Model llama answered in 0.8 s."),
        ("gem", ["models/gem"], "Connected to Mine. Model gem answered in 0.8 s."),
        (
            "m-2",
            ["m-1"],
            "Connected to Mine. Model m-2 answered in 0.8 s, "
            "although it is not in the server's list of models.",
        ),
        ("my model", [], "Connected to Mine. Model my model answered in 0.8 s."),
    ],
)
def test_a_model_that_answers(model: str, listed: list[str], said: str) -> None:
    server = Server(models(*listed), responses=answer())
    assert run(try_connection(data(model=model), server.fetch)) == said
    assert server.asked() == ["models", "responses"]
    assert server.prompt()["model"] == model


def test_a_list_that_hangs_is_not_waited_for() -> None:
    server = Server(Reply({"data": []}, delay_s=3600), responses=answer())
    said = run(try_connection(data(), server.fetch), limit_s=60)
    assert said == "Connected to Mine. Model m-1 answered in 0.8 s."


def test_a_missing_answer_is_reported_within_two_minutes() -> None:
    server = Server(models("m-1"), responses=answer(delay_s=3600))
    with pytest.raises(SidestreamError, match="has not answered") as caught:
        run(try_connection(data(), server.fetch), limit_s=130)
    assert caught.value.kind is ErrorKind.TIMEOUT


def test_the_list_of_a_public_server_proves_nothing() -> None:
    wrong = refusal("Incorrect API key provided.", 401, code="invalid_api_key")
    server = Server(models("m-1"), responses=wrong, chat=wrong)
    with pytest.raises(SidestreamError, match="refused the API key") as caught:
        run(try_connection(data(KEY), server.fetch))
    assert caught.value.kind is ErrorKind.AUTHENTICATION
    assert server.asked() == ["models", "responses"]
    assert KEY not in str(caught.value.to_dict())


@pytest.mark.parametrize("status", [404, 405, 501])
@pytest.mark.parametrize(("chosen", "other"), [("responses", "chat"), ("chat", "responses")])
def test_the_wrong_wire_api_is_named(status: int, chosen: str, other: str) -> None:
    answers: dict[str, Any] = {
        chosen: refusal("nothing here", status),
        other: chat_answer() if other == "chat" else answer(),
    }
    server = Server(models("m-1"), **answers)
    with pytest.raises(SidestreamError) as caught:
        run(try_connection(data(wire_api=chosen), server.fetch))
    names = {"responses": "Responses", "chat": "Chat Completions"}
    expected = f"Wire API: this server has no {names[chosen]} API; choose {names[other]}."
    assert caught.value.message == expected
    assert caught.value.kind is ErrorKind.CONFIGURATION
    assert len(server.asked()) == 3


@pytest.mark.parametrize(
    ("base_url", "right"),
    [
        ("https://a.test:8443", "https://a.test:8443/v1"),
        ("https://a.test:8443/", "https://a.test:8443/v1"),
        ("https://a.test:8443/api", "https://a.test:8443/api/v1"),
        ("https://a.test:8443/api/v1/", "https://a.test:8443/api"),
    ],
)
def test_a_base_url_that_is_nearly_right_is_put_right(base_url: str, right: str) -> None:
    def serve(request: HttpRequest) -> Reply:
        if request.url == f"{right}/responses":
            return answer()
        return Reply("<!doctype html><title>Gateway</title>")

    with pytest.raises(SidestreamError) as caught:
        run(try_connection(data(base_url=base_url), FakeFetch(then=serve)))
    assert caught.value.message == f"Base URL: the API of this server is at {right}."
    assert caught.value.kind is ErrorKind.CONFIGURATION


def test_a_key_that_may_use_one_wire_api_only() -> None:
    words = "Missing scopes: api.responses.write."
    server = Server(models("m-1"), responses=refusal(words, 403), chat=chat_answer())
    with pytest.raises(SidestreamError) as caught:
        run(try_connection(data(KEY), server.fetch))
    expected = "Wire API: this key may not use the Responses API; choose Chat Completions."
    assert caught.value.message == expected


def test_a_redirect_is_not_looked_for_elsewhere() -> None:
    moved = Reply(status=308, headers={"location": "https://b.test/v1/responses"})
    server = Server(moved, responses=moved, chat=chat_answer())
    with pytest.raises(SidestreamError, match=r"redirects to https://b\.test/v1/responses"):
        run(try_connection(data(KEY), server.fetch))
    assert server.asked() == ["models", "responses"]
    assert run(try_connection(data(KEY, wire_api="chat"), server.fetch)).startswith("Connected")


def test_a_wrong_key_at_the_other_wire_api_is_reported_as_well() -> None:
    server = Server(None, chat=refusal("Incorrect API key provided.", 401))
    with pytest.raises(SidestreamError, match="no Responses API") as caught:
        run(try_connection(data(KEY), server.fetch))
    assert "refused the API key" in caught.value.hint


def test_nothing_at_the_address_is_reported() -> None:
    server = Server()
    with pytest.raises(SidestreamError) as caught:
        run(try_connection(data(), server.fetch))
    assert caught.value.kind is ErrorKind.NOT_FOUND
    # The list, both wire APIs, and the first one without /v1.
    assert len(server.asked()) == 4


def test_a_model_that_is_unknown_is_not_looked_for_at_the_other_wire_api() -> None:
    gone = refusal("The model `m-9` does not exist", 404, code="model_not_found")
    server = Server(models("m-1", "x", "m-10"), responses=gone, chat=chat_answer())
    with pytest.raises(SidestreamError) as caught:
        run(try_connection(data(model="m-9"), server.fetch))
    assert caught.value.kind is ErrorKind.MODEL_NOT_FOUND
    assert caught.value.hint == "Did you mean m-1 or m-10?"
    assert server.asked() == ["models", "responses"]


def test_an_unknown_model_without_a_similar_name_shows_a_part_of_the_list() -> None:
    gone = refusal("The model does not exist", 404, code="model_not_found")
    server = Server(models("a", "b", "c", "d", "e"), responses=gone)
    with pytest.raises(SidestreamError) as caught:
        run(try_connection(data(model="quite-another"), server.fetch))
    assert caught.value.hint == "The server lists a, b, c and 2 more: pick one from the list."


def test_a_trial_is_sent_as_a_message_would_be() -> None:
    server = Server(models("m-1"), responses=answer())
    chosen = {"instructions": "Be brief.", "temperature": 0, "top_p": 0.5, "background": True}
    run(try_connection(data(**chosen), server.fetch))
    prompt = server.prompt()
    assert (prompt["instructions"], prompt["temperature"], prompt["top_p"]) == ("Be brief.", 0, 0.5)
    assert "background" not in prompt
    assert prompt["max_output_tokens"] == 64
    run(try_connection(data(max_output_tokens=20), server.fetch))
    assert server.prompt()["max_output_tokens"] == 20


@pytest.mark.parametrize(
    "cut",
    [
        Reply(ResponsesStream().created().text("O").incomplete()),
        Reply(ResponsesStream().created().reasoning("Hm").incomplete()),
        refusal(
            "Could not finish the message because max_tokens or model output limit was reached. "
            "Please try again with higher max_tokens.",
            400,
        ),
    ],
)
def test_an_answer_that_is_cut_short_is_an_answer(cut: Reply) -> None:
    server = Server(models("m-1"), responses=cut)
    assert run(try_connection(data(), server.fetch)).startswith("Connected to Mine. Model m-1")


@pytest.mark.parametrize(
    ("answers", "kind", "requests"),
    [
        (Reply(status=401), ErrorKind.AUTHENTICATION, 2),
        (Reply(status=500), ErrorKind.SERVER_ERROR, 2),
        (refusal("slow down", 429), ErrorKind.RATE_LIMITED, 2),
        (Refuse(), ErrorKind.NETWORK, 1),
    ],
)
def test_failures_are_reported_at_once(answers: Any, kind: ErrorKind, requests: int) -> None:
    fetch = FakeFetch(then=answers)
    with pytest.raises(SidestreamError) as caught:
        run(try_connection(data(KEY), fetch))
    assert caught.value.kind is kind
    assert len(fetch.requests) == requests
    assert KEY not in str(caught.value.to_dict())


# --- learning from the list ----------------------------------------------------------------------


def test_a_trial_learns_from_the_list_too() -> None:
    known = KnownModels()
    listing = Reply({"data": [{"id": "m-1", "context_length": 8192}]})
    server = Server(listing, responses=answer())
    run(try_connection(data(), server.fetch, models=known))
    assert known.info("https://a.test:8443", "m-1").context_window == 8192
