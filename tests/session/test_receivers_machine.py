"""Whatever a user does, and whatever servers answer: no provider receives what it would refuse.

A conversation goes through answers with text, calls, reasoning, refusals and the provider's tools,
which are stopped, fail or break anywhere; through edits, branches and summaries; and through other
providers and models in the middle. Every request is checked against its receiver's rules.

Longer runs: ``HYPOTHESIS_PROFILE=thorough pytest tests/session/test_receivers_machine.py``.
"""

from __future__ import annotations

import asyncio
import json
import os
import sys
from collections.abc import Coroutine
from typing import Any

from hypothesis import HealthCheck, settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, initialize, invariant, rule

from sidestream.provider import Provider
from sidestream.session.conversation import ConversationSettings
from sidestream.session.tools import ToolLimits
from sidestream.testing import ChatStream, Reply, ResponsesStream, VirtualTimeLoop, check_request
from sidestream.testing.clock import _no_running_loop
from sidestream.transport import HttpRequest
from tests.session.harness import Harness

# Provider settings: the receiver's key, its address, its models and its wire APIs.
_RESPONSES, _CHAT = "responses", "chat"
_BOTH = [_RESPONSES, _CHAT]
PROVIDERS: list[tuple[str, dict[str, Any], list[str], list[str]]] = [
    ("openai", {"base_url": "https://api.openai.com/v1"}, ["gpt-5.2", "gpt-4.1", "o3-mini"], _BOTH),
    ("azure", {"base_url": "https://r.openai.azure.com/openai/v1"}, ["gpt-5.2", "gpt-4o"], _BOTH),
    ("azure", {"base_url": "https://apim.example/openai/v1", "preset": "azure"}, ["mine"], _BOTH),
    (
        "gemini",
        {"base_url": "https://generativelanguage.googleapis.com/v1beta/openai"},
        ["gemini-3-pro-preview", "gemini-2.5-flash"],
        [_CHAT],
    ),
    ("mistral", {"base_url": "https://api.mistral.ai/v1"}, ["mistral-medium-latest"], [_CHAT]),
    ("deepseek", {"base_url": "https://api.deepseek.com"}, ["deepseek-v4-pro"], [_CHAT]),
    ("moonshot", {"base_url": "https://api.moonshot.ai/v1"}, ["kimi-k2.6"], [_CHAT]),
    ("groq", {"base_url": "https://api.groq.com/openai/v1"}, ["openai/gpt-oss-120b"], _BOTH),
    (
        "openrouter",
        {"base_url": "https://openrouter.ai/api/v1", "preset": "openrouter"},
        ["openai/gpt-5.2", "anthropic/claude-sonnet-4.5", "google/gemini-3-pro-preview"],
        _BOTH,
    ),
    ("anthropic", {"base_url": "https://api.anthropic.com/v1"}, ["claude-sonnet-4-6"], [_CHAT]),
    (
        "bedrock",
        {"base_url": "https://bedrock-runtime.eu-west-1.amazonaws.com/openai/v1"},
        ["openai.gpt-oss-120b-1:0"],
        [_CHAT],
    ),
    ("llamacpp", {"base_url": "http://localhost:8080/v1", "preset": "llamacpp"}, ["q"], _BOTH),
    (
        "vllm",
        {"base_url": "http://localhost:8000/v1", "preset": "vllm"},
        ["mistralai/Mistral-Small-4-119B-2603", "Qwen/Qwen3.5-9B"],
        _BOTH,
    ),
    ("ollama", {"base_url": "http://localhost:11434/v1"}, ["gpt-oss:20b", "qwen3"], _BOTH),
    ("lmstudio", {"base_url": "http://localhost:1234/v1"}, ["devstral-small"], _BOTH),
    (
        "unknown",
        {"base_url": "https://gateway.example/v1", "name": "OpenAI"},
        ["gpt-5.2", "m", "kimi-k2.6", "claude-opus-5", "devstral-medium"],
        _BOTH,
    ),
]

_PLACE = st.integers(0, len(PROVIDERS) - 1)
CALL_NAMES = st.sampled_from(
    ["add", "add", "functions.add", "look<|channel|>up", "21st magic", "n" * 90, ""]
)
CALL_IDS = st.sampled_from(["", "call_0", "functions.add:0", "abcdefghi", "x" * 70, "y" * 1324])
ARGUMENTS = st.sampled_from(['{"first": 1, "second": 2}', '{"first": 1', "", "[]"])
PIECES = st.lists(
    st.one_of(
        st.tuples(st.just("text"), st.sampled_from(["Well.", " ", "<think>Hm.</think>So."])),
        st.tuples(st.just("reasoning"), st.sampled_from(["summary", "encrypted", "raw", "empty"])),
        st.tuples(st.just("call"), CALL_NAMES, CALL_IDS, ARGUMENTS),
        st.tuples(st.just("refusal")),
        st.tuples(st.just("search")),
        st.tuples(st.just("code")),
        st.tuples(st.just("picture")),
    ),
    max_size=4,
)
ENDS = st.sampled_from(["completed", "completed", "limit", "failed", "broken", "stalls", "refused"])
_AGAIN = st.sampled_from(["Regenerate", "Continue"])
ANSWERS = st.lists(st.tuples(PIECES, ENDS), min_size=1, max_size=3)


class _Own(ResponsesStream):
    """A stream whose ids no other answer has."""

    def __init__(self, number: int) -> None:
        super().__init__(response_id=f"resp_{number}")
        self._number = number

    def _next(self, prefix: str, item_id: str | None) -> tuple[int, str]:
        place, _ = super()._next(prefix, item_id)
        return place, f"{prefix}_{self._number}x{place}"

    def item(self, prefix: str, **fields: Any) -> None:
        place, item_id = self._next(prefix, None)
        self._added(place, {"id": item_id, **fields})
        self._done(place, {"id": item_id, "status": "completed", **fields})


class Receivers(RuleBasedStateMachine):
    def __init__(self) -> None:
        super().__init__()
        self.loop = VirtualTimeLoop(1e12)
        self.plan: list[tuple[list[tuple[str, ...]], str]] = []
        self.refused: list[str] = []
        self.given: dict[str, set[str]] = {}
        self.answered = 0
        self.sent = 0
        self.harness = Harness(then=self._answer)
        self.harness.adder.delay_s = 0.0
        self.harness.settings |= {"base_url": "https://api.openai.com/v1", "model": "gpt-5.2"}
        self._do(self.harness.begin())

    def teardown(self) -> None:
        with _no_running_loop():
            for task in asyncio.all_tasks(self.loop):
                task.cancel()
            self.loop.run_until_complete(asyncio.sleep(0))
            self.loop.close()

    def _do(self, what: Coroutine[Any, Any, None]) -> None:
        with _no_running_loop():
            self.loop.run_until_complete(what)

    # --- the servers ---------------------------------------------------------------------------

    def _answer(self, request: HttpRequest) -> Reply:
        url = request.url
        provider = Provider(
            name="x", base_url=url, preset=self.harness.settings.get("preset", "custom")
        )
        body = json.loads(request.body or b"null")
        known = self.given.setdefault(provider.origin, set())
        self.answered += 1
        problems = check_request(provider.maker, body, made_here=known)
        self.refused += [f"{provider.maker}, {body['model']}: {each}" for each in problems]
        pieces, end = self.plan.pop(0) if self.plan else ([("text", "Well.")], "completed")
        if end == "refused":
            error = {"message": "Something else is wrong here.", "type": "server_error"}
            return Reply({"error": error}, status=503)
        stream = self._chat(pieces, end, known) if "messages" in body else None
        return Reply(stream or self._responses(pieces, end, known))

    def _responses(
        self, pieces: list[tuple[str, ...]], end: str, known: set[str]
    ) -> ResponsesStream:
        number = self.answered
        stream = _Own(number).created()
        for place, piece in enumerate(pieces):
            kind, *details = piece
            secret = f"ENC-{number}-{place}"
            known.add(secret)
            match kind:
                case "text":
                    words = details[0].replace("<think>Hm.</think>", "")
                    stream.text(words, done=place < len(pieces) - 1 or end == "completed")
                case "reasoning" if details[0] == "raw":
                    content = [{"type": "reasoning_text", "text": "Hm."}]
                    stream.item("rs", type="reasoning", summary=[], content=content)
                case "reasoning":
                    encrypted = secret if details[0] == "encrypted" else None
                    deltas = ["Hm."] if details[0] != "empty" else []
                    stream.reasoning(*deltas, encrypted_content=encrypted)
                case "call":
                    stream.function_call(details[0], details[2], call_id=details[1] or None)
                case "refusal":
                    refusal = [{"type": "refusal", "refusal": "No."}]
                    stream.item("msg", type="message", role="assistant", content=refusal)
                case "search":
                    stream.item("ws", type="web_search_call", action={"type": "search"})
                case "code":
                    stream.item("ci", type="code_interpreter_call", code="1", container_id="c")
                case "picture":
                    stream.item("ig", type="image_generation_call", result="AA==")
        known |= {f"{p}_{number}x{n}" for p in _PREFIXES for n in range(len(pieces))}
        match end:
            case "completed":
                stream.completed()
            case "limit":
                stream.incomplete()
            case "failed":
                stream.failed("server_error", "It broke.")
            case "stalls":
                stream.stall()
            case _:
                stream.fail()
        return stream

    def _chat(self, pieces: list[tuple[str, ...]], end: str, known: set[str]) -> ChatStream:
        stream = ChatStream(id=f"chatcmpl-{self.answered}")
        calls = 0
        for place, piece in enumerate(pieces):
            kind, *details = piece
            secret = f"ENC-{self.answered}-{place}"
            match kind:
                case "text":
                    # Reasoning in the text is at the beginning of an answer.
                    later = any(kind in ("call", "refusal") for kind, *_ in pieces[:place])
                    stream.text(details[0] if not later else "Well.")
                case "refusal":
                    stream.delta({"refusal": "No."})
                case "reasoning":
                    field = "reasoning" if details[0] == "summary" else "reasoning_content"
                    stream.reasoning("Hm.", field=field)
                    if details[0] == "encrypted":
                        known.add(secret)
                        detail = {"type": "reasoning.encrypted", "data": secret, "index": place}
                        stream.delta({"reasoning_details": [detail]})
                case "call":
                    name, call_id, arguments = details
                    known.add(secret)
                    call: dict[str, Any] = {"index": calls, "id": call_id, "type": "function"}
                    call["function"] = {"name": name, "arguments": arguments}
                    if self.answered % 2:
                        signature = {"google": {"thought_signature": secret}}
                        call["extra_content"] = signature
                    stream.delta({"tool_calls": [call]})
                    calls += 1
        match end:
            case "completed":
                stream.finish("tool_calls" if calls else "stop").done()
            case "limit":
                stream.finish("length").done()
            case "failed":
                stream.error("server_error", "It broke.")
            case "stalls":
                stream.stall()
            case _:
                stream.fail()
        return stream

    # --- what a user does ----------------------------------------------------------------------

    @property
    def _turns(self) -> list[str]:
        return [turn.id for turn in self.harness.chat.conversation.path]

    def _command(self, command: str, *, stop: bool = False, **fields: Any) -> None:
        async def act() -> None:
            await self.harness.do(command, panel=1, **fields)
            if stop:
                await asyncio.sleep(2)
                await self.harness.do("Stop", panel=1)
            # Idle servers take minutes of virtual time, and frequent checks would cost real time.
            pause = 0.05
            while not self.harness.busy or self.harness.busy[-1]:
                await asyncio.sleep(pause)
                pause = min(pause * 2, 60)

        self._do(act())

    def _next_id(self) -> str:
        self.sent += 1
        return f"t{self.sent}"

    def _some_turn(self, which: int) -> str | None:
        turns = self._turns
        return turns[which % len(turns)] if turns else None

    @rule(answers=ANSWERS, text=st.sampled_from(["Add 1 and 2", "Hello?", "x" * 2000]))
    def sends(self, answers: Any, text: str) -> None:
        self.plan = list(answers)
        self._command("Send", id=self._next_id(), text=text)

    @rule(answers=ANSWERS)
    def shows_an_image(self, answers: Any) -> None:
        self.plan = list(answers)
        turn_id = self._next_id()
        self.harness.store.attachments["c", f"a-{turn_id}"] = "data:image/png;base64,AA=="
        image = {"id": f"a-{turn_id}", "kind": "image", "title": "I", "size": 30}
        self._command("Send", id=turn_id, text="What is it?", attachments=[image])

    @rule(answers=ANSWERS)
    def sends_and_stops(self, answers: Any) -> None:
        self.plan = [(pieces, "stalls") for pieces, _ in answers]
        self._command("Send", id=self._next_id(), text="Tell me", stop=True)

    @rule(which=st.integers(0, 9), answers=ANSWERS)
    def edits(self, which: int, answers: Any) -> None:
        self.plan = list(answers)
        if turn := self._some_turn(which):
            self._command("Send", id=self._next_id(), text="Rather this", replaces=turn)

    @rule(
        which=st.integers(0, 9), answers=ANSWERS, what=st.sampled_from(["Regenerate", "Continue"])
    )
    def asks_again(self, which: int, answers: Any, what: str) -> None:
        self.plan = list(answers)
        if turn := self._some_turn(which):
            self._command(what, id=self._next_id(), turn=turn)

    @rule(which=st.integers(0, 9), answers=ANSWERS)
    def retries(self, which: int, answers: Any) -> None:
        self.plan = list(answers)
        if turn := self._some_turn(which):
            self._command("Retry", id=turn)

    @rule(which=st.integers(0, 99))
    def shows_a_branch(self, which: int) -> None:
        turns = self.harness.chat.conversation.turns
        if turns:
            self._command("ShowBranch", turn=turns[which % len(turns)].id)

    @rule(answers=ANSWERS)
    def has_it_summarised(self, answers: Any) -> None:
        self.plan = list(answers)
        self._command("Compact")

    @rule(
        permission=st.sampled_from(["always", "never", None]),
        effort=st.sampled_from([None, "none", "minimal", "high", "xhigh", "max", "ultra"]),
    )
    def changes_the_settings(self, permission: str | None, effort: str | None) -> None:
        tools = {"add": permission} if permission else {}
        own = ConversationSettings(tools=tools, effort=effort, limits=ToolLimits(calls=2))
        self._command("Configure", settings=own.model_dump(exclude_none=True))

    @initialize(which=_PLACE, model=st.integers(0, 9), wire=st.integers(0, 1))
    def begins_with_a_provider(self, which: int, model: int, wire: int) -> None:
        self.changes_the_provider(which, model, wire)

    @rule(which=_PLACE, model=st.integers(0, 9), wire=st.integers(0, 1))
    def changes_the_provider(self, which: int, model: int, wire: int) -> None:
        _, address, models, apis = PROVIDERS[which]
        plain = {"name": "Test", "preset": "custom"}
        self.harness.settings |= {**plain, **address, "wire_api": apis[wire % len(apis)]}
        self.harness.settings["model"] = models[model % len(models)]
        self._command("NewProvider")

    # --- what must hold ------------------------------------------------------------------------

    @invariant()
    def nobody_refuses_anything(self) -> None:
        assert self.refused == []


_PREFIXES = ("msg", "rs", "fc", "ws", "ci", "ig")

_LONG = os.environ.get("HYPOTHESIS_PROFILE") == "thorough"
_SLOW = sys.platform == "emscripten"

TestReceivers = Receivers.TestCase
TestReceivers.settings = settings(
    settings.get_profile("thorough" if _LONG else "default"),
    max_examples=2_500 if _LONG else (5 if _SLOW else 30),
    stateful_step_count=25 if _LONG else 15,
    suppress_health_check=list(HealthCheck),
)
