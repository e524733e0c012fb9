"""Where the worker enters Python: messages in as JSON, everything else out through the host."""

from __future__ import annotations

import asyncio
import importlib
import json
import logging
import pkgutil
import random
from collections.abc import Callable
from typing import Any

import sidestream
from sidestream.browser.fetch import browser_fetch
from sidestream.browser.host import Host
from sidestream.browser.loop import share_turns
from sidestream.browser.storage import BrowserStore
from sidestream.errors import ErrorKind, SidestreamError, redact
from sidestream.session.chat import Connection
from sidestream.session.chats import Chats
from sidestream.session.connection import SignIns, connect, list_models, try_connection
from sidestream.session.conversation import ConversationSettings
from sidestream.session.page_tools import PageTool, SelectionTool
from sidestream.session.python_tool import PythonTool

_log = logging.getLogger(__name__)


async def start(host: Host) -> Callable[[str], None]:
    """Take up what had not ended and take messages: commands of panels, requests of pages."""
    _log_redacted()
    share_turns(asyncio.get_running_loop())
    entry = _Entry(host)
    try:
        await entry.chats.load()
    except Exception:
        # A database that cannot be read must not keep the user from chatting.
        _log.exception("The stored conversations could not be taken up")
    return entry.receive


def import_all() -> None:
    """Import all that a chat may need, before a snapshot of the memory is made."""
    for module in pkgutil.walk_packages(sidestream.__path__, "sidestream."):
        importlib.import_module(module.name)
    for name in _IMPORTED_LATE:
        importlib.import_module(name)


def wake_up() -> None:
    """Make what must not be the same in each process different again, after a restored snapshot."""
    random.seed()


def see_files() -> None:
    """Let imports find the files that came back after a restored snapshot."""
    importlib.invalidate_caches()


# Modules that the core or the codecs import where they are used, to keep a plain start short.
_IMPORTED_LATE = ("datetime", "email.utils", "encodings.utf_8_sig", "encodings.utf_16_le")


class _Entry:
    def __init__(self, host: Host) -> None:
        self._host = host
        self._fetch = browser_fetch(host)
        self._sign_ins = SignIns(host.save_tokens)
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
        if message["type"] not in ("TestConnection", "ListModels"):
            self.chats.receive(message)
            return
        task = asyncio.ensure_future(self._answer(message))
        self._tasks.add(task)
        task.add_done_callback(self._tasks.discard)

    def _stop_python(self, conversation_id: str) -> None:
        """What still runs there is nobody's any more, and nobody could stop it."""

        async def stop() -> None:
            await self._host.stop_python(conversation_id)

        task = asyncio.ensure_future(stop())
        self._tasks.add(task)
        task.add_done_callback(self._tasks.discard)

    async def _connect(self, own: ConversationSettings) -> Connection:
        answer = json.loads(await self._host.connection(own.profile or ""))
        if error := answer.get("error"):
            kind = ErrorKind(error["kind"])
            raise SidestreamError(kind, error["message"], hint=error.get("hint", ""))
        return connect(answer["connection"], self._fetch, self._sign_ins, own)

    async def _answer(self, message: dict[str, Any]) -> None:
        reply: dict[str, Any]
        try:
            connection = message["connection"]
            if message["type"] == "ListModels":
                models = await list_models(connection, self._fetch, self._sign_ins)
                reply = {"ok": True, "models": models}
            else:
                text = await try_connection(connection, self._fetch, self._sign_ins)
                reply = {"ok": True, "message": text}
        except SidestreamError as error:
            reply = {"ok": False, "error": error.to_dict()}
        except Exception as error:
            _log.exception("A request of the options page failed")
            text = f"Something in Sidestream failed ({type(error).__name__})."
            reply = {"ok": False, "error": {"kind": ErrorKind.INTERNAL.value, "message": text}}
        self._host.reply(message["request"], json.dumps(reply, ensure_ascii=False))


class _RedactingFormatter(logging.Formatter):
    def format(self, record: logging.LogRecord) -> str:
        return redact(super().format(record))


def _log_redacted() -> None:
    handler = logging.StreamHandler()
    handler.setFormatter(_RedactingFormatter("[sidestream] %(name)s: %(message)s"))
    logging.basicConfig(level=logging.WARNING, handlers=[handler])
