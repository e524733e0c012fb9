"""`Endpoint`: a provider, how to reach it, and what all calls of one client share."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, field
from urllib.parse import quote

from sidestream.adjust import Adjustments
from sidestream.auth import Auth
from sidestream.errors import SidestreamError
from sidestream.failed_exchange import FailedExchange
from sidestream.headers import request_headers
from sidestream.http import Retries, Sender
from sidestream.prompt import CallOptions
from sidestream.provider import Provider
from sidestream.server_errors import bad_body_error
from sidestream.transport import Fetch, HttpRequest, HttpResponse
from sidestream.types.wire_api import WireApi

BuildRequest = Callable[[Mapping[str, str]], HttpRequest]
"""Makes a request from the headers of the sign-in."""


@dataclass(slots=True)
class ClientStats:
    """What a client has counted since it was made."""

    calls: int = 0
    retries: int = 0
    skipped_frames: int = 0
    """Frames that were not understood."""


@dataclass(slots=True)
class Endpoint:
    """Sends the requests of a client, and keeps what one call leaves for the next."""

    provider: Provider
    auth: Auth
    fetch: Fetch
    now: Callable[[], float]
    random: Callable[[], float]
    auto_probe: bool
    """Whether to find out which wire API the server speaks."""
    adjustments: Adjustments
    stats: ClientStats = field(default_factory=ClientStats)
    last_failed_exchange: FailedExchange | None = None
    probed: dict[tuple[str, str], WireApi] = field(default_factory=dict)
    """The wire APIs that were found, by base URL and kind of authentication."""

    def sender(
        self,
        build: BuildRequest,
        retries: Retries | None = None,
        on_send: Callable[[HttpRequest], None] = lambda request: None,
    ) -> Sender:
        """Make a sender. Without ``retries`` it has a budget of its own."""
        return Sender(
            fetch=self.fetch,
            auth=self.auth,
            build=build,
            retries=retries or Retries(self.provider.request_max_retries, 0, self.random),
            timeout_ms=self.provider.stream_idle_timeout_ms,
            now=self.now,
            on_failure=self._keep_failure,
            on_send=on_send,
        )

    def build_post(self, url: str, options: CallOptions, body: bytes) -> BuildRequest:
        """Build requests for a new answer."""

        def build(auth_headers: Mapping[str, str]) -> HttpRequest:
            headers = request_headers(
                self.provider, auth_headers, options, request_id=self._request_id()
            )
            return HttpRequest("POST", url, headers, body)

        return build

    def build_get_models(self) -> BuildRequest:
        """Build requests for the list of models."""

        def build(auth_headers: Mapping[str, str]) -> HttpRequest:
            headers = request_headers(
                self.provider,
                auth_headers,
                CallOptions(wire_api=WireApi.CHAT),
                request_id=self._request_id(),
                accept="application/json",
            )
            return HttpRequest("GET", self.provider.url("models"), headers)

        return build

    def build_for_stored(
        self,
        method: str,
        response_id: str,
        options: CallOptions,
        *,
        action: str = "",
        params: Iterable[tuple[str, str]] = (),
        accept: str = "text/event-stream",
    ) -> BuildRequest:
        """Build requests about an answer that the provider keeps."""
        update = {"wire_api": WireApi.RESPONSES, "idempotency_key": None}
        options = options.model_copy(update=update)
        path = f"{WireApi.RESPONSES.path}/{quote(response_id, safe='')}{action}"
        url = self.provider.url(path, params=params)

        def build(auth_headers: Mapping[str, str]) -> HttpRequest:
            headers = request_headers(
                self.provider, auth_headers, options, request_id=self._request_id(), accept=accept
            )
            return HttpRequest(method, url, headers)

        return build

    def bad_body(self, sender: Sender, response: HttpResponse, body: bytes) -> SidestreamError:
        """Make the error for a response of 2xx that holds no answer."""
        url = sender.request.url if sender.request else ""
        return bad_body_error(response.headers, body, url=url, secrets=sender.secrets())

    def _keep_failure(self, failed: FailedExchange) -> None:
        self.last_failed_exchange = failed

    def _request_id(self) -> str:
        """A version 4 UUID from the client's own source of randomness."""
        bits = "".join(f"{int(self.random() * 2**32):08x}" for _ in range(4))
        variant = "89ab"[int(bits[16], 16) % 4]
        return f"{bits[:8]}-{bits[8:12]}-4{bits[13:16]}-{variant}{bits[17:20]}-{bits[20:]}"
