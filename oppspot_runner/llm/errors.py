"""How a call to a model can fail.

    CallError (base/errors.py)          code                      retried
    |-- RateLimitExceededError            RATE_LIMIT_EXCEEDED       yes
    |   `-- ModelRateLimitError             RATE_LIMIT_EXCEEDED       yes
    `-- ModelError
        |-- ModelRateLimitError             RATE_LIMIT_EXCEEDED       yes
        |-- ProviderOverloadedError         PROVIDER_OVERLOADED       yes
        |-- ProviderUnavailableError        PROVIDER_UNAVAILABLE      yes
        |-- ProviderTimeoutError            PROVIDER_TIMEOUT          yes
        |-- AnswerCutError                  ANSWER_CUT                yes
        |-- BadAnswerError                  BAD_ANSWER                yes
        |-- OutputSchemaError               OUTPUT_SCHEMA_INVALID     yes
        |-- ContextLengthExceededError      CONTEXT_LENGTH_EXCEEDED   no
        |-- QuotaExceededError              QUOTA_EXCEEDED            no
        |-- AuthenticationFailedError       AUTHENTICATION_FAILED     no
        |-- RequestRefusedError             REQUEST_REFUSED           no
        |-- UnknownModelError               UNKNOWN_MODEL             no
        |-- ApiKeyMissingError              API_KEY_MISSING           no
        `-- ProviderNotInstalledError       PROVIDER_NOT_INSTALLED    no

docs/reference/errors.md says what each means and what to do.
"""

from __future__ import annotations

from typing import Any

from oppspot_runner.base.errors import CallError, RateLimitExceededError
from oppspot_runner.llm.messages import Usage


class ModelError(CallError):
    """A call to a model failed. `usage` is what it is known to have used nevertheless."""

    code = "MODEL_ERROR"

    def __init__(
        self,
        message: str,
        *,
        hint: str | None = None,
        retry_after_s: float | None = None,
        usage: Usage | None = None,
    ) -> None:
        super().__init__(message, hint=hint, retry_after_s=retry_after_s)
        self.usage = usage


class ModelRateLimitError(ModelError, RateLimitExceededError):
    """The provider counts too many calls or tokens in a while."""

    code = "RATE_LIMIT_EXCEEDED"
    retried = True


class ProviderOverloadedError(ModelError):
    """The provider has too much to do."""

    code = "PROVIDER_OVERLOADED"
    retried = True


class ProviderUnavailableError(ModelError):
    """The provider cannot be reached, or has an error of its own."""

    code = "PROVIDER_UNAVAILABLE"
    retried = True


class ProviderTimeoutError(ModelError):
    """No whole answer came within `timeout_s`."""

    code = "PROVIDER_TIMEOUT"
    retried = True


class AnswerCutError(ModelError):
    """The answer broke off before its end."""

    code = "ANSWER_CUT"
    retried = True


class BadAnswerError(ModelError):
    """The provider answered something that is no answer, or calls of tools that cannot be read."""

    code = "BAD_ANSWER"
    retried = True


class OutputSchemaError(ModelError):
    """The answer does not fit the schema that was asked for; `answer` is its text."""

    code = "OUTPUT_SCHEMA_INVALID"
    retried = True

    def __init__(self, message: str, *, answer: str = "", **known: Any) -> None:
        super().__init__(message, **known)
        self.answer = answer


class ContextLengthExceededError(ModelError):
    """The conversation is longer than the model can read."""

    code = "CONTEXT_LENGTH_EXCEEDED"


class QuotaExceededError(ModelError):
    """The account has no credit left, or reached a limit that waiting does not lift soon."""

    code = "QUOTA_EXCEEDED"


class AuthenticationFailedError(ModelError):
    """The provider does not accept the key, or not for this model."""

    code = "AUTHENTICATION_FAILED"


class RequestRefusedError(ModelError):
    """The provider does not accept what was asked."""

    code = "REQUEST_REFUSED"


class UnknownModelError(ModelError):
    """Nobody knows a model of that name: we, or the provider."""

    code = "UNKNOWN_MODEL"


class ApiKeyMissingError(ModelError):
    """There is no key for the provider."""

    code = "API_KEY_MISSING"


class ProviderNotInstalledError(ModelError):
    """The package of the provider is not installed."""

    code = "PROVIDER_NOT_INSTALLED"
