"""The receivers' rules as checks: what a server would refuse of a request.

The limits are those of `sidestream.receivers`; everything else is written against the JSON that is
sent, independently of the builders, so that one can test the other.
"""

from __future__ import annotations

import json
from collections.abc import Collection, Iterable, Iterator
from typing import Any

from sidestream.models import model_info
from sidestream.payload.schemas import GEMINI_FIELDS, GEMINI_FORMATS
from sidestream.receivers import CACHE_KEY_LENGTH, Receiver, reasons_at_openai, receiver
from sidestream.types.wire_api import WireApi

# Servers that answer 400 or 422 to a field of a message that they do not know.
_STRICT = ("openai", "azure", "gemini", "mistral", "groq", "cerebras", "anthropic", "bedrock")
_MESSAGE_FIELDS = {"role", "content", "tool_calls", "tool_call_id", "name"}
_CALL_FIELDS = {"id", "type", "function"}
_ITEM_IDS = {"image_generation_call"}
_ITEMS = {"message", "reasoning", "function_call", "function_call_output"}
_CUSTOM = {"custom_tool_call", "custom_tool_call_output"}
_OUTPUTS = {"function_call_output", "custom_tool_call_output", "tool_search_output"}
_FROM_MODEL = {
    *("reasoning", "function_call", "custom_tool_call", "local_shell_call", "web_search_call"),
    *("image_generation_call", "code_interpreter_call", "file_search_call", "tool_search_call"),
}
_SAMPLING = ("temperature", "top_p")


def check_request(
    to: str | Receiver, request: dict[str, Any], *, made_here: Collection[str] | None = None
) -> list[str]:
    """List what the receiver would refuse of a request, each with its place.

    ``to`` is a receiver, or the key of one whose model and wire API follow from the request.
    ``made_here`` are the ids, signatures and encrypted contents that this server has made. If it
    is given, those of other servers are refused.
    """
    chat = "messages" in request
    if isinstance(to, str):
        wire_api = WireApi.CHAT if chat else WireApi.RESPONSES
        to = receiver(to, str(request.get("model", "")), wire_api)
    check = _Check(to, request, made_here)
    return list(check.chat() if chat else check.responses())


class _Check:
    def __init__(
        self, to: Receiver, request: dict[str, Any], made_here: Collection[str] | None
    ) -> None:
        self.to = to
        self.request = request
        self.model = str(request.get("model", ""))
        self.made_here = made_here

    # --- Chat Completions ----------------------------------------------------------------------

    def chat(self) -> Iterator[str]:
        messages = self.request["messages"]
        roles = [message.get("role") for message in messages]
        yield from self._order([(role, role) for role in roles])
        waiting: list[str] = []
        seen: set[str] = set()
        for place, message in enumerate(messages):
            at = f"messages[{place}]"
            role = message.get("role")
            if role not in ("system", "user", "assistant", "tool"):
                yield f"{at}.role: {role!r} is not known here"
            if role == "tool":
                if message.get("tool_call_id") not in waiting:
                    yield f"{at}: a tool's message must follow a call with its id"
                else:
                    waiting.remove(message["tool_call_id"])
            elif waiting:
                yield f"{at}: calls without an output before it: {waiting}"
                waiting = []
            yield from self._message(at, message)
            for number, call in enumerate(message.get("tool_calls") or ()):
                yield from self._tool_call(f"{at}.tool_calls[{number}]", call, seen)
                waiting.append(str(call.get("id")))
        if waiting:
            yield f"messages: calls without an output at the end: {waiting}"
        called = any(message.get("tool_calls") for message in messages)
        yield from self._tools(called=called)
        yield from self._parameters("reasoning_effort", self.request.get("reasoning_effort"))
        yield from self._chat_parameters()

    def _message(self, at: str, message: dict[str, Any]) -> Iterator[str]:
        role, content = message.get("role"), message.get("content", "absent")
        calls = message.get("tool_calls")
        if self.to.key in _STRICT and (unknown := set(message) - _MESSAGE_FIELDS):
            yield f"{at}: unknown fields {sorted(unknown)}"
        if calls is not None and not calls:
            yield f"{at}.tool_calls: empty array"
        if role == "assistant" and calls and not content:
            wanted = None if self.to.empty_content == "null" else ""
            if content != wanted:
                yield f"{at}.content: {content!r} beside tool calls, not {wanted!r}"
        elif not isinstance(content, (str, list)) or not content:
            if not (role == "tool" and content == "" and self.to.blank_outputs):
                yield f"{at}.content: must be text or parts, not {content!r}"
        elif isinstance(content, str) and not content.strip():
            if role != "tool" or not self.to.blank_outputs:
                yield f"{at}.content: blank"
        elif isinstance(content, list):
            if role != "user":
                yield f"{at}.content: parts are for the user's messages"
            yield from self._parts(at, content)
        if role == "assistant" and str(content).lstrip().startswith("<think>"):
            yield f"{at}.content: reasoning in the text"
        if role == "tool" and self.to.tool_name and not message.get("name"):
            yield f"{at}: function_response.name: Name cannot be empty"
        if role == "assistant" and calls:
            yield from self._reasons(at, message)

    def _reasons(self, at: str, message: dict[str, Any]) -> Iterator[str]:
        if self.to.needs_reasoning:
            told = [message.get(name) for name in ("reasoning_content", "reasoning")]
            if not any([*told, message.get("reasoning_details")]):
                yield f"{at}: reasoning_content is missing in an assistant tool call message"
        signed = [_signature(call) for call in message["tool_calls"]]
        if self.to.thought_signatures and not signed[0]:
            yield f"{at}: Function call is missing a thought_signature"
        if self.made_here is not None:
            dummy = "skip_thought_signature_validator"
            for signature in signed:
                if signature and signature != dummy and signature not in self.made_here:
                    yield f"{at}: Corrupted thought signature"
            for detail in message.get("reasoning_details") or ():
                if detail.get("data") and detail["data"] not in self.made_here:
                    yield f"{at}: Invalid signature in reasoning_details"

    def _tool_call(self, at: str, call: dict[str, Any], seen: set[str]) -> Iterator[str]:
        allowed = _CALL_FIELDS | ({"extra_content"} if self.to.key == "gemini" else set())
        if self.to.key in _STRICT and (unknown := set(call) - allowed):
            yield f"{at}: unknown fields {sorted(unknown)}"
        yield from self._call_id(f"{at}.id", call.get("id"))
        if call.get("id") in seen:
            yield f"{at}.id: {call['id']!r} is there twice"
        seen.add(str(call.get("id")))
        function = call.get("function") or {}
        yield from self._name(f"{at}.function.name", function.get("name"))
        yield from _arguments(f"{at}.function.arguments", function.get("arguments"))

    def _chat_parameters(self) -> Iterator[str]:
        request, to = self.request, self.to
        if "stream_options" in request and not to.stream_options:
            yield "stream_options: extra_forbidden"
        openai = to.key in ("openai", "azure") or reasons_at_openai(self.model)
        if "max_tokens" in request and (to.key == "openai" or reasons_at_openai(self.model)):
            yield "max_tokens: use 'max_completion_tokens' instead"
        if "max_completion_tokens" in request and not openai:
            yield "max_completion_tokens: unsupported"

    # --- the Responses API ---------------------------------------------------------------------

    def responses(self) -> Iterator[str]:
        items = self.request["input"]
        yield from self._order([_role_of(item) for item in items])
        waiting: list[str] = []
        seen: set[str] = set()
        known = _ITEMS | (_CUSTOM if self.to.custom_calls or self._offers_custom() else set())
        for place, item in enumerate(items):
            at = f"input[{place}]"
            kind = item.get("type")
            if not (self.to.provider_items or kind in known or kind == "additional_tools"):
                yield f"{at}.type: {kind!r} is not known here"
            if kind in _OUTPUTS and item.get("call_id"):
                if item["call_id"] not in waiting:
                    yield f"{at}: No tool call found for function call output"
                else:
                    waiting.remove(item["call_id"])
            elif waiting and kind == "message" and item.get("role") != "assistant":
                yield f"{at}: No tool output found for function calls {waiting}"
                waiting = []
            if kind in ("function_call", "custom_tool_call"):
                yield from self._call_id(f"{at}.call_id", item.get("call_id"))
                yield from self._name(f"{at}.name", item.get("name"))
                if item.get("call_id") in seen:
                    yield f"{at}.call_id: {item['call_id']!r} is there twice"
                seen.add(str(item.get("call_id")))
                waiting.append(str(item.get("call_id")))
            if kind == "function_call":
                yield from _arguments(f"{at}.arguments", item.get("arguments"))
            yield from self._item(at, place, item)
        if waiting:
            yield f"input: No tool output found for function calls {waiting}"
        called = any(item.get("type") == "function_call" for item in items)
        yield from self._tools(called=called)
        effort = (self.request.get("reasoning") or {}).get("effort")
        yield from self._parameters("reasoning.effort", effort)
        yield from self._responses_parameters()

    def _offers_custom(self) -> bool:
        return any(tool.get("type") == "custom" for tool in self.request.get("tools") or ())

    def _item(self, at: str, place: int, item: dict[str, Any]) -> Iterator[str]:
        kind = item.get("type")
        if kind == "message":
            roles = {"user", "assistant", "developer" if self.to.first_party else "system"}
            if self.to.first_party and not self.to.defaults_required:
                roles.add("system")
            if item.get("role") not in roles:
                yield f"{at}.role: {item.get('role')!r} is not known here"
            if not item.get("content"):
                yield f"{at}.content: empty"
            yield from self._parts(at, item.get("content") or ())
        if kind in _OUTPUTS and not self.to.blank_outputs and not item.get("output"):
            yield f"{at}.output: empty"
        if kind == "reasoning":
            yield from self._reasoning_item(at, place, item)
        yield from self._item_id(at, place, item)

    def _reasoning_item(self, at: str, place: int, item: dict[str, Any]) -> Iterator[str]:
        if model_info(self.model).supports_reasoning is False:
            yield f"{at}: Reasoning input items can only be provided to a reasoning model"
        if not isinstance(item.get("summary"), list):
            yield f"{at}: missing required field `summary`"
        following = self.request["input"][place + 1 :]
        after: dict[str, Any] = next((i for i in following if i.get("type") != "reasoning"), {})
        if not _is_from_model(after):
            yield f"{at}: provided without its required following item"
        encrypted = item.get("encrypted_content")
        if self.made_here is not None and encrypted and encrypted not in self.made_here:
            yield f"{at}: invalid_encrypted_content"
        if self.to.first_party and not encrypted and not self._is_stored(item):
            yield f"{at}: Item not found. Items are not persisted when `store` is set to false"

    def _is_stored(self, item: dict[str, Any]) -> bool:
        return self.request.get("store") is True and bool(item.get("id"))

    def _item_id(self, at: str, place: int, item: dict[str, Any]) -> Iterator[str]:
        item_id = item.get("id")
        if item_id is None:
            return
        if not item_id:
            yield f"{at}.id: empty"
        if self.made_here is not None and item_id not in self.made_here:
            yield f"{at}.id: Item with id {item_id!r} not found"
        kind = item.get("type")
        if not self.to.first_party or kind in _ITEM_IDS:
            return
        if self.request.get("store") is not True:
            yield f"{at}.id: Items are not persisted when `store` is set to false"
        elif kind in ("message", "function_call", "custom_tool_call", "web_search_call"):
            before = self.request["input"][:place]
            run: list[dict[str, Any]] = []
            for earlier in reversed(before):
                if not _is_from_model(earlier):
                    break
                run.append(earlier)
            if not any(i.get("type") == "reasoning" and i.get("id") for i in run):
                yield f"{at}: provided without its required 'reasoning' item"

    def _responses_parameters(self) -> Iterator[str]:
        request, to = self.request, self.to
        if to.defaults_required:
            for name in ("instructions", "tools", "tool_choice", "parallel_tool_calls", "store"):
                lite = model_info(self.model).uses_responses_lite
                if name not in request and not (lite and name in ("instructions", "tools")):
                    yield f"{name}: is required"
            for name in (*_SAMPLING, "max_output_tokens", "metadata", "background"):
                if name in request:
                    yield f"{name}: Unsupported parameter"
            if request.get("store"):
                yield "store: must be false"
        elif "client_metadata" in request:
            yield "client_metadata: Unknown parameter"
        if "include" in request and not to.includes_encrypted:
            yield "include: not known here"

    # --- both ----------------------------------------------------------------------------------

    def _order(self, roles: Iterable[tuple[str | None, str | None]]) -> Iterator[str]:
        to = self.to
        before: str | None = None
        place = -1
        for place, (role, told) in enumerate(roles):
            if role == "system":
                if before is not None and to.system_first:
                    yield f"[{place}]: System message must be at the beginning"
                continue
            if before is None and role != "user" and to.starts_with_user:
                yield f"[{place}]: the conversation must begin with the user, not {told!r}"
            if role == "user" and before == "tool" and to.bridges_tools:
                yield f"[{place}]: Unexpected role 'user' after role 'tool'"
            if role == "user" and before == "user" and to.merges_users:
                yield f"[{place}]: conversation roles must alternate user/assistant"
            before = role
        if before == "assistant" and to.ends_with_user:
            yield f"[{place}]: the conversation must end with a user message"

    def _call_id(self, at: str, call_id: Any) -> Iterator[str]:
        if not isinstance(call_id, str) or not self.to.call_id_pattern.fullmatch(call_id):
            yield f"{at}: {str(call_id)[:70]!r} does not match {self.to.call_id_pattern.pattern}"

    def _name(self, at: str, name: Any) -> Iterator[str]:
        if not isinstance(name, str) or not self.to.name_pattern.fullmatch(name):
            yield f"{at}: {str(name)[:70]!r} does not match {self.to.name_pattern.pattern}"

    def _parts(self, at: str, parts: Iterable[Any]) -> Iterator[str]:
        for number, part in enumerate(parts):
            here = f"{at}.content[{number}]"
            kind = part.get("type")
            if kind in ("text", "input_text", "output_text") and not part.get("text"):
                yield f"{here}.text: empty"
            if kind == "text" and not part.get("text", "").strip():
                yield f"{here}.text: The text field in the ContentBlock object is blank"
            if kind == "image_url":
                image = part.get("image_url")
                if not isinstance(image, dict) or not image.get("url"):
                    yield f"{here}.image_url: must be an object with a url"
                elif image.get("detail", "auto") not in ("auto", "low", "high"):
                    yield f"{here}.image_url.detail: {image['detail']!r}"
            if kind in ("image_url", "input_image") and self._is_blind():
                yield f"{here}: this model cannot see images"

    def _is_blind(self) -> bool:
        return model_info(self.model).supports_images is False

    def _tools(self, *, called: bool) -> Iterator[str]:
        tools = self.request.get("tools")
        if called and not tools and self.to.tools_for_history:
            yield "tools: must be defined when using toolUse and toolResult content blocks"
        if tools == [] and not self.to.defaults_required:
            yield "tools: empty array"
        if not tools and not self.to.defaults_required:
            for name in ("tool_choice", "parallel_tool_calls"):
                if name in self.request:
                    yield f"{name}: only allowed when tools are specified"
        names: set[str] = set()
        for number, tool in enumerate(tools or ()):
            at = f"tools[{number}]"
            function = tool.get("function") if "messages" in self.request else tool
            if not isinstance(function, dict) or "name" not in function:
                if "messages" in self.request:
                    yield f"{at}: 'type' of tool must be 'function'"
                continue
            yield from self._name(f"{at}.name", function["name"])
            if function["name"] in names:
                yield f"{at}.name: {function['name']!r} is there twice"
            names.add(function["name"])
            if function.get("strict") is False and "messages" in self.request:
                yield f"{at}.function.strict: false is the default, and refused by strict servers"
            if isinstance(schema := function.get("parameters"), dict):
                yield from self._schema(f"{at}.parameters", schema, top=True)

    def _schema(self, at: str, schema: dict[str, Any], *, top: bool = False) -> Iterator[str]:
        if top and schema.get("type") != "object":
            yield f"{at}.type: must be 'object'"
        if self.to.schemas == "gemini":
            yield from _gemini_schema(at, schema)
        elif self.to.schemas == "moonshot":
            if "$ref" in schema:
                yield f"{at}.$ref: not a valid moonshot flavored json schema"
            if "anyOf" in schema and "type" in schema:
                yield f"{at}: when using anyOf, type should be defined in anyOf items"
            names = schema.get("properties") or {}
            if missing := set(schema.get("required") or ()) - set(names):
                yield f"{at}.required: {sorted(missing)} not defined in properties"
        for name, part in _inside(schema):
            yield from self._schema(f"{at}.{name}", part)

    def _parameters(self, field: str, effort: Any) -> Iterator[str]:
        request, to, model = self.request, self.to, model_info(self.model)
        if to.key == "openai" and "/" in self.model:
            yield f"model: {self.model!r} does not exist"
        if effort is not None:
            if model.supports_reasoning is False:
                yield f"{field}: not supported with this model"
            for taken in (to.efforts, tuple("max" if e == "ultra" else e for e in model.efforts)):
                if taken and effort not in taken:
                    yield f"{field}: {effort!r} is not among {list(taken)}"
        for name, highest in (("temperature", 2), ("top_p", 1)):
            value = request.get(name)
            if value is not None and not 0 <= value <= highest:
                yield f"{name}: {value} is out of range"
            if value is not None and model.sampling == "never":
                yield f"{name}: not supported with this model"
        if len(request.get("prompt_cache_key") or "") > CACHE_KEY_LENGTH:
            yield "prompt_cache_key: string too long"
        if "service_tier" in request and not to.service_tier:
            yield "service_tier: unknown"
        if request.get("stream") is not True:
            yield "stream: must be true"


def _signature(call: dict[str, Any]) -> str | None:
    """A call's thought signature, which Vertex keeps in a field of its own."""
    by_name = call.get("extra_content") or {}
    signed = [value.get("thought_signature") for value in by_name.values()]
    return next((signature for signature in signed if signature), None)


def _role_of(item: dict[str, Any]) -> tuple[str | None, str | None]:
    kind = item.get("type")
    if kind in _OUTPUTS:
        return "tool", kind
    if kind == "message":
        role = item.get("role")
        return "system" if role == "developer" else role, role
    if kind == "additional_tools":
        return "system", kind
    return ("assistant" if kind in ("function_call", "custom_tool_call") else "model"), kind


def _is_from_model(item: dict[str, Any]) -> bool:
    if item.get("type") == "message":
        return item.get("role") == "assistant"
    return item.get("type") in _FROM_MODEL


def _arguments(at: str, arguments: Any) -> Iterator[str]:
    try:
        if isinstance(json.loads(arguments), dict):
            return
    except (TypeError, ValueError, RecursionError):
        pass
    yield f"{at}: must be the JSON of an object"


def _gemini_schema(at: str, schema: dict[str, Any]) -> Iterator[str]:
    for name in set(schema) - GEMINI_FIELDS:
        yield f"{at}: Unknown name {name!r}: Cannot find field."
    if not isinstance(schema.get("type", ""), str):
        yield f"{at}.type: must be one word"
    if schema.get("format") is not None and schema["format"] not in GEMINI_FORMATS:
        yield f"{at}.format: only 'enum' and 'date-time' are supported for STRING type"
    if schema.get("type") == "array" and "items" not in schema:
        yield f"{at}.items: missing field"
    if not all(isinstance(value, str) for value in schema.get("enum") or ()):
        yield f"{at}.enum: only text"
    if missing := set(schema.get("required") or ()) - set(schema.get("properties") or ()):
        yield f"{at}.required: property {sorted(missing)} is not defined"


def _inside(schema: dict[str, Any]) -> Iterator[tuple[str, dict[str, Any]]]:
    for name, part in (schema.get("properties") or {}).items():
        if isinstance(part, dict):
            yield f"properties.{name}", part
    for name in ("items", "additionalProperties"):
        if isinstance(schema.get(name), dict):
            yield name, schema[name]
    for number, part in enumerate(schema.get("anyOf") or ()):
        if isinstance(part, dict):
            yield f"anyOf[{number}]", part
