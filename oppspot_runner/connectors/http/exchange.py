"""One call of a source, in its turn and with a few tries: an answer to use, or an error."""

from __future__ import annotations

import asyncio
from collections import Counter
from collections.abc import Awaitable, Callable, Mapping
from dataclasses import dataclass, replace

import tenacity
from tenacity import AsyncRetrying, RetryCallState

from oppspot_runner.base.errors import (
    AnswerRefusedError,
    MalformedAnswerError,
    RateLimitExceededError,
    SourceDownError,
)
from oppspot_runner.base.rate import RateLimit
from oppspot_runner.base.web import Parameter
from oppspot_runner.connectors.http.client import GuardedClient, HttpResponse
from oppspot_runner.connectors.http.errors import HttpError, HttpRefusedError
from oppspot_runner.connectors.http.outgoing import Outgoing, user_agent
from oppspot_runner.connectors.http.policy import HttpPolicy
from oppspot_runner.connectors.http.target import Target
from oppspot_runner.connectors.http.verdicts import (
    IN_PLACE_S,
    check_json,
    check_up,
    check_usable,
    is_worth_another_try,
    raise_told,
    spent_for_s,
)
from oppspot_runner.connectors.ports import CallLimiter, HostBreakers

TRIES = 3
TRIES_TO_READ = 2  # what cannot be read will hardly become readable
FIRST_PAUSE_S = 0.5  # at most, of any length below it; the next one may be twice as long
MOST_PAUSE_S = 4.0

Sleep = Callable[[float], Awaitable[None]]


@dataclass(frozen=True)
class Call:
    """What is asked of whom, and what holds for it. `host` is for messages."""

    source: str
    host: str
    outgoing: Outgoing
    rate_key: str
    rate: RateLimit
    most_bytes: int
    wants_json: bool = False

    @property
    def url(self) -> str:
        """What is asked for, with its parameters."""
        return self.outgoing.url

    def with_headers(self, headers: Mapping[str, str]) -> Call:
        """This call with headers that win over its own."""
        outgoing = replace(self.outgoing, headers={**self.outgoing.headers, **headers})
        return replace(self, outgoing=outgoing)


class Exchange:
    """Sends calls through guarded clients, one for each size of answers.

    Keeps to the limit of each source, and leaves hosts alone that do not answer. `contact` is told
    to everybody.
    """

    def __init__(
        self,
        policy: HttpPolicy,
        limiter: CallLimiter,
        breakers: HostBreakers,
        *,
        contact: str | None = None,
        sleep: Sleep = asyncio.sleep,
    ) -> None:
        self._policy = policy
        self._limiter = limiter
        self._breakers = breakers
        self._user_agent = user_agent(contact)
        self._sleep = sleep
        self._clients: dict[int, GuardedClient] = {}

    async def send(self, call: Call, made: Counter[str]) -> HttpResponse:
        """The answer to `call`: content, or 304, 404 or 410. Requests are counted in `made`.

        Raises SourceError, and RateLimitExceededError where its turn is not soon.
        """
        tries = AsyncRetrying(
            stop=_were_enough,
            wait=tenacity.wait_random_exponential(multiplier=FIRST_PAUSE_S, max=MOST_PAUSE_S),
            retry=tenacity.retry_if_exception(is_worth_another_try),
            sleep=self._sleep,
            reraise=True,
        )
        return await tries(self._send, call, made)

    async def aclose(self) -> None:
        """Closes the connections that are kept for further calls."""
        for client in self._clients.values():
            await client.aclose()

    async def _send(self, call: Call, made: Counter[str]) -> HttpResponse:
        await self._turn(call)
        failing = await self._is_failing(call)
        made[call.source] += 1
        try:
            response = await self._answer(call)
        except SourceDownError as error:
            await self._breakers.failed(call.source, call.host, str(error))
            raise
        if failing:
            await self._breakers.mended(call.source, call.host)
        if (pause_s := spent_for_s(response, call.rate.window_s)) is not None:
            await self._limiter.hold(call.rate_key, call.rate, pause_s)
        check_usable(response, call.source, call.host, pause_s)
        if call.wants_json and response.status < 300:
            check_json(response, call.source)
        return response

    async def _answer(self, call: Call) -> HttpResponse:
        """What came. Raises SourceDownError where nothing did, and for an error of the host."""
        outgoing = replace(
            call.outgoing, headers={"user-agent": self._user_agent, **call.outgoing.headers}
        )
        try:
            response = await self._client(call.most_bytes).send(outgoing)
        except HttpError as error:
            raise_told(error, call.source)
        check_up(response, call.source, call.host)
        return response

    async def _turn(self, call: Call) -> None:
        waited_s = 0.0
        while (wait_s := await self._limiter.take(call.rate_key, call.rate)) > 0:
            waited_s += wait_s
            if waited_s > IN_PLACE_S:
                raise RateLimitExceededError(
                    f"{call.source}: the limit of {call.rate.max_calls} calls in"
                    f" {call.rate.window_s:g} s is used up, or the source wants to be left alone",
                    retry_after_s=wait_s,
                )
            await self._sleep(wait_s)

    async def _is_failing(self, call: Call) -> bool:
        """Whether a success has failures to mend. Raises SourceDownError while nobody may call."""
        wait_s = await self._breakers.admit(call.source, call.host)
        if wait_s:
            raise SourceDownError(
                f"{call.source}: {call.host} has failed several times in a row",
                source=call.source,
                hint=f"It is tried again in {wait_s:.0f} s.",
                retry_after_s=wait_s,
            )
        return wait_s is not None

    def _client(self, most_bytes: int) -> GuardedClient:
        if most_bytes not in self._clients:
            limits = replace(self._policy.limits, response_bytes=most_bytes)
            self._clients[most_bytes] = GuardedClient(replace(self._policy, limits=limits))
        return self._clients[most_bytes]


def whole_url(
    source: str, url: str, params: Mapping[str, Parameter] | None = None
) -> tuple[Target, str]:
    """Where a URL leads, and the URL with its parameters. Raises AnswerRefusedError for none."""
    try:
        target = Outgoing("GET", url, params=params or {}).target()
    except HttpRefusedError as error:
        raise AnswerRefusedError(
            f"{source}: {error}", source=source, code=error.code, hint=error.hint
        ) from None
    return target, str(target.url.copy_with(fragment=None))


def _were_enough(state: RetryCallState) -> bool:
    error = state.outcome.exception() if state.outcome else None
    most = TRIES_TO_READ if isinstance(error, MalformedAnswerError) else TRIES
    return state.attempt_number >= most
