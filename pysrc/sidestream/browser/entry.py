"""The worker's entry to Python. Messages arrive as JSON; the rest goes through the host."""

from __future__ import annotations

import asyncio
import gc
import importlib
import json
import logging
import pkgutil
import random
import time
from collections.abc import Callable
from contextlib import suppress
from typing import Any

import sidestream
from sidestream.browser.fetch import browser_fetch
from sidestream.browser.host import Host
from sidestream.browser.loop import share_turns
from sidestream.browser.storage import BrowserStore
from sidestream.errors import ErrorKind, SidestreamError
from sidestream.redaction import redact
from sidestream.session.chats import Chats
from sidestream.session.connection import Connection, connect, describe_model
from sidestream.session.connection_check import list_models, try_connection
from sidestream.session.conversation import ConversationSettings
from sidestream.session.error_log import error_details
from sidestream.session.known_models import MODELS, KnownModels
from sidestream.session.page_tools import PageTool, SelectionTool
from sidestream.session.python_tool import PythonTool
from sidestream.session.sign_ins import SignIns

_log = logging.getLogger(__name__)


async def start(host: Host) -> Callable[[str], None]:
    """Resume unfinished turns. Returns what receives commands of panels and requests of pages."""
    formatter = _log_redacted()
    share_turns(asyncio.get_running_loop())
    entry = _Entry(host, formatter.secrets)
    await entry.recall_models()
    try:
        await entry.chats.load()
    except Exception:
        # The user can still chat when the database cannot be read.
        _log.exception("The stored conversations could not be taken up")
    return entry.receive


def import_all() -> None:
    """Import everything that a chat may need, before the snapshot of the memory is made."""
    for module in pkgutil.walk_packages(sidestream.__path__, "sidestream."):
        importlib.import_module(module.name)
    for name in _IMPORTED_LATE:
        importlib.import_module(name)
    # Pydantic's search for plugins opens the archive of the standard library. Its file is gone
    # after a restored start, and closing it would fail then.
    importlib.invalidate_caches()
    gc.collect()


def wake_up() -> None:
    """Reseed what must differ between processes, after a restored start."""
    random.seed()


def see_files() -> None:
    """Let imports find the files that are there again after a restored start."""
    importlib.invalidate_caches()


# The core and the codecs import these modules where they are used, to keep a plain start short.
_IMPORTED_LATE = (
    "datetime",
    "difflib",
    "email.utils",
    "encodings.utf_8_sig",
    "encodings.utf_16_le",
)


class _Entry:
    def __init__(self, host: Host, secrets: set[str]) -> None:
        self._host = host
        self._secrets = secrets
        """The keys in use, which the log must not show."""
        self._fetch = browser_fetch(host)
        self._sign_ins = SignIns(host.save_tokens)
        self._models = KnownModels()
        self._tasks: set[asyncio.Task[None]] = set()
        self.chats = Chats(
            store=BrowserStore(host),
            post=host.post,
            connect=self._connect,
            busy=host.busy,
            alarm=host.alarm,
            online=host.online,
            tools=[
                PythonTool(host.run_python, host.stop_python),
                PageTool(host.read_page),
                SelectionTool(host.read_selection),
            ],
            abandoned=self._stop_python,
        )

    def receive(self, text: str) -> None:
        message: dict[str, Any] = json.loads(text)
        if message["type"] not in _REQUESTS:
            self.chats.receive(message)
            return
        task = asyncio.ensure_future(self._answer(message))
        self._tasks.add(task)
        task.add_done_callback(self._tasks.discard)

    def _stop_python(self, conversation_id: str) -> None:
        """End code that still runs for a conversation, since no panel can stop it any more."""

        async def stop() -> None:
            await self._host.stop_python(conversation_id)

        task = asyncio.ensure_future(stop())
        self._tasks.add(task)
        task.add_done_callback(self._tasks.discard)

    def _learn_secrets(self, connection: dict[str, Any]) -> None:
        if key := connection.get("api_key"):
            self._secrets.add(key)
        with suppress(ValueError):
            tokens = json.loads(connection.get("auth_json") or "{}").get("tokens") or {}
            self._secrets |= {token for token in tokens.values() if isinstance(token, str)}

    async def _connect(self, own: ConversationSettings) -> Connection:
        answer = json.loads(await self._host.connection(own.profile or ""))
        if error := answer.get("error"):
            kind = ErrorKind(error["kind"])
            raise SidestreamError(kind, error["message"], hint=error.get("hint", ""))
        self._learn_secrets(answer["connection"])
        return connect(
            answer["connection"],
            self._fetch,
            self._sign_ins,
            own,
            models=self._models,
            adjustments=self.chats.adjustments,
        )

    async def _answer(self, message: dict[str, Any]) -> None:
        reply: dict[str, Any]
        try:
            reply = {"ok": True, **await self._reply(message)}
        except SidestreamError as error:
            reply = {"ok": False, "error": error.to_dict()}
        except Exception as error:
            _log.exception("A request of a page failed")
            text = f"Something in Sidestream failed ({type(error).__name__})."
            reply = {"ok": False, "error": {"kind": ErrorKind.INTERNAL.value, "message": text}}
        self._host.reply(message["request"], json.dumps(reply, ensure_ascii=False))

    async def _reply(self, message: dict[str, Any]) -> dict[str, Any]:
        match message["type"]:
            case "DescribeModel":
                return {"described": describe_model(message["settings"], self._models)}
            case "LoadLog":
                return {"text": self.chats.log.text()}
            case "ClearLog":
                self.chats.log.clear()
                return {}
        known = self._models.to_json()
        self._learn_secrets(message["connection"])
        trial = message["connection"], self._fetch, self._sign_ins
        try:
            if message["type"] == "ListModels":
                names = await list_models(*trial, models=self._models, report=self._note)
                return {"models": names}
            text = await try_connection(
                *trial,
                models=self._models,
                adjustments=self.chats.adjustments,
                report=self._note,
            )
            return {"message": text}
        finally:
            if (text := self._models.to_json()) != known:
                await self._host.remember(MODELS, text)

    def _note(self, connection: Connection, error: SidestreamError) -> None:
        client = connection.client
        details = error_details(
            error.to_dict(),
            provider=client.provider.name,
            origin=connection.origin,
            model=connection.model,
            wire_api=client.provider.wire_api.value,
            exchange=client.last_failed_exchange,
        )
        self.chats.log.add(
            time.time(), str(error), kind=error.kind.value, turn="trial", details=details
        )

    async def recall_models(self) -> None:
        """Restore what the providers' lists reported of their models."""
        self._models.restore(await self._host.recall(MODELS))


_REQUESTS = {"TestConnection", "ListModels", "DescribeModel", "LoadLog", "ClearLog"}
"""Requests of pages, which are answered with a `Reply`."""


class _RedactingFormatter(logging.Formatter):
    """Removes secrets from the log and from tracebacks, which may quote a server."""

    def __init__(self, form: str) -> None:
        super().__init__(form)
        self.secrets: set[str] = set()

    def format(self, record: logging.LogRecord) -> str:
        return redact(super().format(record), sorted(self.secrets))


def _log_redacted() -> _RedactingFormatter:
    handler = logging.StreamHandler()
    formatter = _RedactingFormatter("[sidestream] %(name)s: %(message)s")
    handler.setFormatter(formatter)
    logging.basicConfig(level=logging.WARNING, handlers=[handler])
    return formatter
