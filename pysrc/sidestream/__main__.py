"""``python -m sidestream "prompt"``: try a provider from a shell."""

from __future__ import annotations

import argparse
import asyncio
import os
import sys
from collections.abc import Sequence
from contextlib import aclosing
from typing import TextIO

from sidestream import (
    ApiKeyAuth,
    CallOptions,
    Client,
    ErrorKind,
    Fetch,
    Prompt,
    Provider,
    SidestreamError,
    WireApi,
)
from sidestream.types.events import (
    Completed,
    Notice,
    OutputItemDone,
    OutputTextDelta,
    Reconnecting,
    RefusalDelta,
    ResponseEvent,
    StreamIdle,
)

OPENAI_URL = "https://api.openai.com/v1"

EXIT_FAILED = 1
EXIT_USAGE = 2
EXIT_REFUSED = 3
EXIT_UNREACHABLE = 4
EXIT_PARTIAL = 5
EXIT_INTERRUPTED = 130

_EXIT_CODES = {
    ErrorKind.CONFIGURATION: EXIT_USAGE,
    ErrorKind.UNSUPPORTED: EXIT_USAGE,
    ErrorKind.AUTHENTICATION: EXIT_REFUSED,
    ErrorKind.SIGN_IN_REQUIRED: EXIT_REFUSED,
    ErrorKind.PERMISSION: EXIT_REFUSED,
    ErrorKind.NETWORK: EXIT_UNREACHABLE,
    ErrorKind.TIMEOUT: EXIT_UNREACHABLE,
    ErrorKind.STREAM_CLOSED: EXIT_PARTIAL,
    ErrorKind.INCOMPLETE: EXIT_PARTIAL,
}

_EPILOG = """\
environment:
  OPENAI_API_KEY   the key; without it none is sent
  OPENAI_BASE_URL  the default of --base-url

exit codes:
  0    answered
  1    the provider refused or failed
  2    wrong usage or settings; nothing was sent
  3    the key was refused, or may not do this
  4    the server cannot be reached, or said nothing for too long
  5    the answer is incomplete; what came was printed
  130  interrupted
"""


def main(argv: Sequence[str] | None = None, *, fetch: Fetch | None = None) -> int:
    """Run the command and return its exit code. ``fetch`` stands in for httpx."""
    arguments = _parser().parse_args(argv)
    text = sys.stdin.read() if arguments.prompt == "-" else arguments.prompt
    if not text.strip():
        return _complain("The prompt is empty.", EXIT_USAGE)
    if fetch is None:
        try:
            from sidestream.native import httpx_fetch
        except ImportError:
            return _complain(
                "httpx is missing. Install it with: pip install 'sidestream[native]'", EXIT_USAGE
            )
        fetch = httpx_fetch
    try:
        return asyncio.run(_run(arguments, text, fetch))
    except KeyboardInterrupt:
        return _complain("Interrupted.", EXIT_INTERRUPTED)
    except BrokenPipeError:
        # The reader of the output has closed it. Python would report that again at exit.
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        return EXIT_FAILED


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(
        prog="python -m sidestream",
        description="Ask a model, and print its answer as it comes.",
        epilog=_EPILOG,
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    parser.add_argument("prompt", help='what to ask; "-" reads it from standard input')
    parser.add_argument("--base-url", default=os.environ.get("OPENAI_BASE_URL") or OPENAI_URL)
    parser.add_argument("--model", default="gpt-5.2")
    parser.add_argument("--wire-api", choices=[api.value for api in WireApi], default="responses")
    parser.add_argument("--instructions", help="what the model should know before the prompt")
    parser.add_argument("--json", action="store_true", help="print every event as a line of JSON")
    return parser


async def _run(arguments: argparse.Namespace, text: str, fetch: Fetch) -> int:
    url = arguments.base_url
    client = Client(
        provider=Provider(
            name="OpenAI" if url == OPENAI_URL else "Custom",
            base_url=url,
            wire_api=WireApi(arguments.wire_api),
        ),
        auth=ApiKeyAuth(os.environ.get("OPENAI_API_KEY", "")),
        fetch=fetch,
        defaults=CallOptions(model=arguments.model),
    )
    prompt = Prompt.from_text(text, instructions=arguments.instructions)
    printer = _Printer(sys.stdout, sys.stderr, as_json=arguments.json)
    try:
        async with aclosing(client.stream(prompt)) as events:
            async for event in events:
                printer.print(event)
    except SidestreamError as error:
        lines = [error.message]
        if error.server_message and error.server_message not in error.message:
            lines.append(f"The server says: {error.server_message}")
        lines += [error.hint] if error.hint else []
        return _complain("\n".join(lines), _EXIT_CODES.get(error.kind, EXIT_FAILED))
    return 0


class _Printer:
    """Prints events: text as it comes, or all of them as JSON lines."""

    def __init__(self, out: TextIO, err: TextIO, *, as_json: bool) -> None:
        self._out = out
        self._err = err
        self._as_json = as_json
        self._in_line = False
        self._unfinished = False

    def print(self, event: ResponseEvent) -> None:
        if self._as_json:
            self._write(event.to_json() + "\n")
        elif isinstance(event, (OutputTextDelta, RefusalDelta)):
            self._unfinished = True
            self._write(event.delta)
        elif isinstance(event, OutputItemDone):
            self._unfinished = False
        elif isinstance(event, StreamIdle):
            self._note(f"[no word from the server for {event.idle_ms // 1000} s]")
        elif isinstance(event, Reconnecting):
            again = ", the unfinished part comes again" if self._unfinished else ""
            self._unfinished = False
            self._note(
                f"[reconnecting {event.attempt}/{event.max_attempts} in "
                f"{event.delay_ms / 1000:.1f} s{again}: {event.reason}]"
            )
        elif isinstance(event, Notice):
            self._note(f"[{event.message}]")
        elif isinstance(event, Completed):
            self._end_line()

    def _write(self, text: str) -> None:
        self._out.write(text)
        self._out.flush()
        self._in_line = not text.endswith("\n") if text else self._in_line

    def _end_line(self) -> None:
        if self._in_line:
            self._write("\n")

    def _note(self, text: str) -> None:
        self._end_line()
        self._err.write(text + "\n")
        self._err.flush()


def _complain(message: str, code: int) -> int:
    sys.stderr.write(f"sidestream: {message}\n")
    return code


if __name__ == "__main__":
    sys.exit(main())
