"""Connections that are kept and used again, each to an address that was checked."""

from __future__ import annotations

import logging
import ssl
from collections.abc import AsyncIterator, Iterator
from contextlib import aclosing, contextmanager
from functools import cache

import httpcore2
import httpx2

from oppspot_runner.base.codes import Code
from oppspot_runner.connectors.http.dialing import GuardedBackend
from oppspot_runner.connectors.http.errors import (
    HttpFailedError,
    HttpRefusedError,
    HttpUnreachedError,
)

MOST_CONNECTIONS = 100
MOST_IDLE = 20
IDLE_S = 30.0

# On the level of debugging the library writes the headers of answers, and with them cookies.
logging.getLogger("httpcore2").setLevel(logging.INFO)


@cache
def certificates(verify: bool) -> ssl.SSLContext:
    """What this machine trusts, or a context that trusts everybody; read once."""
    return httpx2.create_ssl_context(verify=verify, trust_env=False)


class GuardedTransport(httpx2.AsyncBaseTransport):
    """Sends one request and answers with the head of its response; follows nothing.

    Of an answer it takes `most_bytes` as they come, still packed: packing may hide any number of
    bytes that unpack to nothing. Also fit for an `httpx2.AsyncClient` of a library of others: what
    that dials is checked too.
    """

    def __init__(self, backend: GuardedBackend, tls: ssl.SSLContext, most_bytes: int) -> None:
        self._most_bytes = most_bytes
        self._pool = httpcore2.AsyncConnectionPool(
            ssl_context=tls,
            max_connections=MOST_CONNECTIONS,
            max_keepalive_connections=MOST_IDLE,
            keepalive_expiry=IDLE_S,
            network_backend=backend,
        )

    async def handle_async_request(self, request: httpx2.Request) -> httpx2.Response:
        """Raises HttpRefusedError for an address that is not public, HttpFailedError otherwise."""
        assert isinstance(request.stream, httpx2.AsyncByteStream)
        sent = httpcore2.Request(
            method=request.method,
            url=httpcore2.URL(
                scheme=request.url.raw_scheme,
                host=request.url.raw_host,
                port=request.url.port,
                target=request.url.raw_path,
            ),
            headers=request.headers.raw,
            content=request.stream,
            extensions=request.extensions,
        )
        host = request.url.host
        with told_as_ours(host):
            answer = await self._pool.handle_async_request(sent)
        body = _Body(answer, host, self._most_bytes)
        return httpx2.Response(answer.status, headers=answer.headers, stream=body, request=request)

    async def aclose(self) -> None:
        await self._pool.aclose()


class _Body(httpx2.AsyncByteStream):
    """The rest of an answer, as it arrives."""

    def __init__(self, answer: httpcore2.Response, host: str, most_bytes: int) -> None:
        self._answer = answer
        self._host = host
        self._most_bytes = most_bytes

    async def __aiter__(self) -> AsyncIterator[bytes]:
        received = 0
        with told_as_ours(self._host):
            async with aclosing(self._answer.aiter_stream()) as pieces:
                async for piece in pieces:
                    received += len(piece)
                    if received > self._most_bytes:
                        raise too_large(self._host, self._most_bytes)
                    yield piece

    async def aclose(self) -> None:
        await self._answer.aclose()


@contextmanager
def told_as_ours(host: str) -> Iterator[None]:
    """Turns what the libraries raise into HttpFailedError, which names the host alone."""
    try:
        yield
    except httpcore2.ConnectTimeout as error:
        raise HttpUnreachedError(Code.HTTP_TIMEOUT, f"{host} did not answer in time") from error
    except httpcore2.TimeoutException as error:
        raise HttpFailedError(Code.HTTP_TIMEOUT, f"{host} did not answer in time") from error
    except httpcore2.ConnectError as error:
        if fault := _tls_fault(error):
            raise HttpUnreachedError(
                Code.TLS_FAILED, f"{host} could not prove who it is: {fault}"
            ) from error
        raise HttpUnreachedError(
            Code.CONNECTION_FAILED, f"{host} cannot be connected to"
        ) from error
    except httpcore2.NetworkError as error:
        raise HttpFailedError(Code.CONNECTION_FAILED, f"{host} broke the connection") from error
    except (httpcore2.ProtocolError, httpx2.DecodingError) as error:
        raise HttpFailedError(
            Code.RESPONSE_BROKEN, f"the answer of {host} is not complete or no HTTP"
        ) from error


def too_large(host: str, most_bytes: int) -> HttpRefusedError:
    """The error for an answer of `host` that is larger than `most_bytes`."""
    return HttpRefusedError(
        Code.RESPONSE_TOO_LARGE, f"the answer of {host} is larger than {most_bytes} bytes"
    )


def _tls_fault(error: BaseException | None) -> str | None:
    """What was wrong with the certificate or the handshake, if that is behind `error`."""
    while error is not None and not isinstance(error, ssl.SSLError):
        error = error.__cause__ or error.__context__
    if isinstance(error, ssl.SSLCertVerificationError):
        return error.verify_message
    return None if error is None else error.reason or "no TLS"
