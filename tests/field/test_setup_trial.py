"""Public reports about "Test connection" and lists of models, with the inputs rebuilt."""

from __future__ import annotations

import json
from collections.abc import Callable
from typing import Any

import pytest

from sidestream.errors import ErrorKind, SidestreamError
from sidestream.session.connection_check import list_models, try_connection
from sidestream.testing import ChatStream, FakeFetch, Reply, ResponsesStream, run
from sidestream.transport import HttpRequest

KEY = "k-test-0123456789abcdef"
Answer = Callable[[HttpRequest], Reply] | Reply

CHAT = Reply(ChatStream().text("OK").finish().usage().done())
RESPONSES = Reply(ResponsesStream().created().text("OK").completed())
LIST = Reply({"object": "list", "data": [{"id": "m"}]})
NOTHING = Reply({"error": {"message": "Not Found"}}, status=404)


class Server:
    """A server with some endpoints. Others answer 404."""

    def __init__(
        self, *, models: Answer = NOTHING, chat: Answer = NOTHING, responses: Answer = NOTHING
    ) -> None:
        self._answers = {"models": models, "completions": chat, "responses": responses}
        self.fetch = FakeFetch(then=self._answer)

    def _answer(self, request: HttpRequest) -> Reply:
        answer = self._answers[request.url.partition("?")[0].rpartition("/")[2]]
        return answer(request) if callable(answer) else answer

    def prompts(self) -> list[dict[str, Any]]:
        return [json.loads(request.body) for request in self.fetch.requests if request.body]


def attempt(server: Server, **settings: Any) -> str | SidestreamError:
    """Return what "Test connection" reports, or its error."""

    async def main() -> str | SidestreamError:
        try:
            return await try_connection(data(**settings), server.fetch)
        except SidestreamError as error:
            return error

    return run(main())


def data(**settings: Any) -> dict[str, Any]:
    usual = {"name": "X", "base_url": "https://api.example.test/v1", "wire_api": "chat"}
    return {"settings": {**usual, "model": "m", **settings}, "api_key": KEY}


def failed(server: Server, **settings: Any) -> SidestreamError:
    outcome = attempt(server, **settings)
    assert isinstance(outcome, SidestreamError), outcome
    return outcome


def connected(server: Server, **settings: Any) -> str:
    outcome = attempt(server, **settings)
    assert isinstance(outcome, str), outcome
    assert outcome.startswith("Connected to X.")
    return outcome


def by_key(accepted: str, answer: Reply, code: str | None = None) -> Callable[[HttpRequest], Reply]:
    """An endpoint that requires a key."""
    refused = {"error": {"message": "No auth credentials found", "code": code or 401}}

    def serve(request: HttpRequest) -> Reply:
        given = request.headers.get("Authorization")
        return answer if given == f"Bearer {accepted}" else Reply(refused, status=401)

    return serve


@pytest.mark.parametrize("wire_api", ["chat", "responses"])
def test_a_public_list_accepts_any_key(wire_api: str) -> None:
    """tinyhumansai/openhuman#2366, accomplish-ai/coworker#208, charmbracelet/crush#997."""
    wrong = Server(
        models=LIST, chat=by_key("another", CHAT), responses=by_key("another", RESPONSES)
    )
    error = failed(wrong, wire_api=wire_api)
    assert error.kind is ErrorKind.AUTHENTICATION
    right = Server(models=LIST, chat=by_key(KEY, CHAT), responses=by_key(KEY, RESPONSES))
    connected(right, wire_api=wire_api)


@pytest.mark.parametrize("status", [400, 401, 403, 404, 405, 429, 500, 501, 503])
def test_a_refused_list_does_not_fail_the_test(status: int) -> None:
    """ValueCell-ai/ClawX#769 (400, 405, 501), decolua/9router#315, FerroxLabs/wayland#339."""
    server = Server(models=Reply({"error": "not here"}, status=status), chat=CHAT)
    connected(server)


@pytest.mark.parametrize(
    "body",
    [
        {"object": "list", "data": []},
        {"object": "list", "data": None},
        {"data": ["m", "n"]},
        ["m", "n"],
        [{"id": "m", "permission": {"id": "p"}}],
        {"data": [{"name": "m"}, None, 5]},
        "<!doctype html><title>Console</title>",
        b"",
        None,
    ],
)
def test_no_shape_of_a_list_makes_the_trial_fail(body: Any) -> None:
    """Portkey-AI/gateway#1371 (empty), songquanpeng/one-api#128 (bare array)."""
    connected(Server(models=Reply(body), chat=CHAT))


@pytest.mark.parametrize("wire_api", ["chat", "responses"])
def test_the_limit_is_one_that_reasoning_models_take(wire_api: str) -> None:
    """renjfk/SimplyTrack#75: OpenAI wants at least 16 ("Expected a value >= 16, but got 10")."""

    def serve(request: HttpRequest) -> Reply:
        sent = json.loads(request.body or b"{}")
        limits = [value for name, value in sent.items() if "max_" in name and "tokens" in name]
        if any(limit < 16 for limit in limits):
            message = "Invalid 'max_output_tokens': integer below minimum value."
            return Reply({"error": {"message": message}}, status=400)
        return CHAT if wire_api == "chat" else RESPONSES

    connected(Server(models=LIST, chat=serve, responses=serve), wire_api=wire_api, model="gpt-5.4")


def test_reasoning_that_uses_the_limit_up_is_an_answer() -> None:
    """nextlevelbuilder/goclaw#245, steipete/CodexBar#2867 (Azure, 400)."""
    message = (
        "Could not finish the message because max_tokens or model output limit was reached. "
        "Please try again with higher max_tokens."
    )
    refused = {"error": {"message": message, "type": "invalid_request_error", "code": None}}
    connected(Server(models=LIST, chat=Reply(refused, status=400)))
    thinking = ChatStream().delta({"role": "assistant", "content": ""}).finish("length")
    connected(Server(models=LIST, chat=Reply(thinking.usage(completion_tokens=64).done())))


def test_a_gateway_that_calls_reasoning_alone_an_empty_completion() -> None:
    """DayuanJiang/next-ai-draw-io#883: the model test fails, and the same model works."""
    words = "litellm.BadGatewayError: upstream returned a successful but empty completion"
    refused = Reply({"error": {"message": words, "code": "502"}}, status=502)
    connected(Server(models=LIST, chat=refused))


def test_a_limit_that_the_model_refuses_is_no_broken_connection() -> None:
    """agentscope-ai/AgentTeams#334: "Unsupported parameter: 'max_tokens'"."""
    message = (
        "Unsupported parameter: 'max_tokens' is not supported with this model. "
        "Use 'max_completion_tokens' instead."
    )
    error = {"message": message, "type": "invalid_request_error", "param": "max_tokens"}

    def serve(request: HttpRequest) -> Reply:
        refused = "max_tokens" in json.loads(request.body or b"{}")
        return Reply({"error": error}, status=400) if refused else CHAT

    for model in ("gpt-5.4", "my-deployment"):
        connected(Server(models=LIST, chat=serve), model=model)


def test_a_missing_endpoint_that_answers_200() -> None:
    """lmstudio-ai/lmstudio-bug-tracker#618 and #1323, pssah4/vault-operator#73."""
    missing = Reply({"error": "Unexpected endpoint or method. (POST /v1/responses)"})
    error = failed(Server(models=LIST, chat=CHAT, responses=missing), wire_api="responses")
    assert error.message == "Wire API: this server has no Responses API; choose Chat Completions."

    def without_v1(request: HttpRequest) -> Reply:
        if "/v1/" in request.url:
            return CHAT
        return Reply({"error": "Unexpected endpoint or method. (POST /chat/completions)"})

    lmstudio = Server(models=missing, chat=without_v1, responses=missing)
    error = failed(lmstudio, base_url="http://localhost:1234")
    assert error.message == "Base URL: the API of this server is at http://localhost:1234/v1."


def test_a_base_url_without_the_version_gets_a_web_page() -> None:
    """openclaw/openclaw#84697, insmtx/Leros#421, JohnnyZ93/oai-compatible-copilot#43."""
    page = Reply("<!doctype html><html><title>New API</title></html>")

    def serve(request: HttpRequest) -> Reply:
        return CHAT if "/v1/" in request.url else page

    error = failed(
        Server(models=page, chat=serve, responses=page), base_url="https://gateway.example.test"
    )
    assert "https://gateway.example.test/v1" in error.message
    assert error.kind is ErrorKind.CONFIGURATION


def test_a_page_for_every_address_is_no_api() -> None:
    """NousResearch/hermes-agent#83128: any 200 was green, the page of a gateway's console too."""
    page = Reply("<!doctype html><title>Console</title>")
    error = failed(Server(models=page, chat=page, responses=page))
    assert error.kind is ErrorKind.BAD_RESPONSE


def test_a_base_url_that_has_a_version_already_is_not_given_another() -> None:
    """OpenCoworkAI/open-codesign#179 and #182: /v1 was proposed behind /api/paas/v4."""
    base_url = "https://glm.example.test/api/paas/v4"
    connected(Server(models=Reply("<html>404</html>", status=404), chat=CHAT), base_url=base_url)
    nothing = Server()
    assert failed(nothing, base_url=base_url).kind is ErrorKind.NOT_FOUND
    assert not any("/v4/v1" in request.url for request in nothing.fetch.requests)


def test_a_test_without_the_version_is_not_green() -> None:
    """andrewyng/openworker#431, aerele/jarvis#678: "Connected", and every message fails."""

    def serve(request: HttpRequest) -> Reply:
        return CHAT if "/v1/" in request.url else NOTHING

    error = failed(Server(models=LIST, chat=serve), base_url="http://127.0.0.1:1234")
    assert error.message == "Base URL: the API of this server is at http://127.0.0.1:1234/v1."


def test_a_base_url_with_a_version_too_many() -> None:
    """smallmain/vscode-unify-chat-provider#62: some providers have no /v1 at all."""

    def serve(request: HttpRequest) -> Reply:
        return NOTHING if "/v1/" in request.url else CHAT

    error = failed(Server(chat=serve), base_url="https://plan.example.test/coding/v1")
    assert (
        error.message == "Base URL: the API of this server is at https://plan.example.test/coding."
    )


@pytest.mark.parametrize(
    "name", ["Meta Llama 3.1 8B Instruct", "my-Claude opus 4.6", "kilo-auto/free", "a//b/c"]
)
def test_names_of_models_are_sent_as_they_are(name: str) -> None:
    """NousResearch/hermes-agent#113499 (blanks); slashes: jlegewie/beaver-zotero#177,
    musistudio/claude-code-router#1624, ianarawjo/ChainForge#186.
    """
    server = Server(models=Reply({"data": [{"id": name}]}), chat=CHAT)
    assert connected(server, model=f" {name} ").startswith(f"Connected to X. Model {name} answered")
    assert [prompt["model"] for prompt in server.prompts()] == [name]


def test_a_model_that_is_not_in_the_list_can_answer() -> None:
    """lmstudio-ai/lmstudio-bug-tracker#619: with one model loaded any name is answered."""
    assert "not in the server's list" in connected(Server(models=LIST, chat=CHAT), model="any")


def test_a_deployment_is_not_looked_for_among_azures_base_models() -> None:
    """agentic-os-org/ANOLISA#243: a model is refused because the list does not name it."""
    azure = "https://res.openai.azure.com/openai/v1"
    server = Server(models=Reply({"data": [{"id": "gpt-4o"}]}), chat=CHAT)
    assert "not in the server's list" not in connected(server, base_url=azure, model="team-chat")
    words = "The API deployment for this resource does not exist."
    gone = Reply({"error": {"code": "DeploymentNotFound", "message": words}}, status=404)
    error = failed(Server(models=LIST, chat=gone, responses=gone), base_url=azure, model="gpt-4o")
    assert "name of your deployment" in error.hint


@pytest.mark.parametrize(
    "answer",
    [
        NOTHING,
        Reply({"error": "Method Not Allowed"}, status=405),
        Reply({"error": "no models endpoint"}, status=400),
        Reply("<html>hi</html>"),
    ],
)
def test_without_a_list_the_name_is_asked_for(answer: Reply) -> None:
    """diegosouzapw/OmniRoute#4555: "Invalid API key" where only the list is missing."""
    with pytest.raises(SidestreamError) as caught:
        run(list_models(data(), FakeFetch(answer)))
    assert caught.value.message == "This server has no list of models."
    assert "Type the model's name" in caught.value.hint
