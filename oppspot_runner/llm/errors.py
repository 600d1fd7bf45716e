"""How a call to a model can fail.

    CodedError (base/tool_errors.py)    code                      retried
    `-- ModelError
        |-- ModelRateLimitError             RATE_LIMIT_EXCEEDED       yes
        |     (and a RateLimitExceededError)
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
        |-- StoredKeyUnreadableError        STORED_KEY_UNREADABLE     no
        `-- ProviderNotInstalledError       PROVIDER_NOT_INSTALLED    no

Codes are of base/codes.py, which says what each means and what to do.
"""

from __future__ import annotations

from typing import Any, ClassVar

from oppspot_runner.base.codes import Code
from oppspot_runner.base.errors import RateLimitExceededError
from oppspot_runner.base.tool_errors import CodedError
from oppspot_runner.llm.messages import Reply, Usage


class ModelError(CodedError):
    """A call to a model failed. `usage` is what it is known to have used nevertheless.

    Which one it was says the class, whose `kind` is its code.
    """

    kind: ClassVar[Code]

    def __init__(
        self,
        message: str,
        *,
        hint: str | None = None,
        retry_after_s: float | None = None,
        usage: Usage | None = None,
    ) -> None:
        super().__init__(self.kind, message, hint=hint, retry_after_s=retry_after_s)
        self.usage = usage


class ModelRateLimitError(ModelError, RateLimitExceededError):
    """The provider counts too many calls or tokens in a while."""

    kind = Code.RATE_LIMIT_EXCEEDED


class ProviderOverloadedError(ModelError):
    """The provider has too much to do."""

    kind = Code.PROVIDER_OVERLOADED


class ProviderUnavailableError(ModelError):
    """The provider cannot be reached, or has an error of its own."""

    kind = Code.PROVIDER_UNAVAILABLE


class ProviderTimeoutError(ModelError):
    """No whole answer came within `timeout_s`."""

    kind = Code.PROVIDER_TIMEOUT


class AnswerCutError(ModelError):
    """The answer broke off before its end."""

    kind = Code.ANSWER_CUT


class BadAnswerError(ModelError):
    """The provider answered something that is no answer, or calls of tools that cannot be read."""

    kind = Code.BAD_ANSWER


class OutputSchemaError(ModelError):
    """The answer does not fit the schema that was asked for; `answer` is its text.

    `reply` is the whole of it, which was paid, where a model gave it.
    """

    kind = Code.OUTPUT_SCHEMA_INVALID

    def __init__(
        self, message: str, *, answer: str = "", reply: Reply | None = None, **known: Any
    ) -> None:
        super().__init__(message, **known)
        self.answer = answer
        self.reply = reply


class ContextLengthExceededError(ModelError):
    """The conversation is longer than the model can read."""

    kind = Code.CONTEXT_LENGTH_EXCEEDED


class QuotaExceededError(ModelError):
    """The account has no credit left, or reached a limit that waiting does not lift soon."""

    kind = Code.QUOTA_EXCEEDED


class AuthenticationFailedError(ModelError):
    """The provider does not accept the key, or not for this model."""

    kind = Code.AUTHENTICATION_FAILED


class RequestRefusedError(ModelError):
    """The provider does not accept what was asked."""

    kind = Code.REQUEST_REFUSED


class UnknownModelError(ModelError):
    """Nobody knows a model of that name: we, or the provider."""

    kind = Code.UNKNOWN_MODEL


class ApiKeyMissingError(ModelError):
    """There is no key for the provider."""

    kind = Code.API_KEY_MISSING


class StoredKeyUnreadableError(ModelError):
    """The key that is stored for the agent cannot be decrypted here."""

    kind = Code.STORED_KEY_UNREADABLE


class ProviderNotInstalledError(ModelError):
    """The package of the provider is not installed."""

    kind = Code.PROVIDER_NOT_INSTALLED
