"""Codes of errors that programs and models read. A code never changes its meaning.

The first word of each says whether the same call may succeed when it is repeated later.
"""

from __future__ import annotations

from enum import Enum

AGAIN = True
NEVER = False


class Code(Enum):
    """What went wrong, in one word. `meaning` is for people, `retried` for who repeats calls."""

    RATE_LIMIT_EXCEEDED = (
        AGAIN,
        "there were too many calls or tokens in a while, by the count of the other side or by ours",
    )

    PROVIDER_OVERLOADED = (
        AGAIN,
        "the provider of the model has too much to do; wait, or name another model",
    )
    PROVIDER_UNAVAILABLE = (
        AGAIN,
        "the provider cannot be reached, or has an error of its own; see its status page, your"
        " network, and the setting of its address",
    )
    PROVIDER_TIMEOUT = (
        AGAIN,
        "no whole answer came within `timeout_s`; ask for less (`max_tokens`), or give more time",
    )
    ANSWER_CUT = (
        AGAIN,
        "the answer broke off before its end, often by a proxy with a time limit of its own",
    )
    BAD_ANSWER = (
        AGAIN,
        "what came is no answer, or calls a tool with arguments that are no JSON: the page of a"
        " proxy, a wrong address, or a model that is too small for tools",
    )
    OUTPUT_SCHEMA_INVALID = (
        AGAIN,
        "the answer does not fit the output schema, also after repairs; make the schema simpler, or"
        " say in the instructions what each field means",
    )
    CONTEXT_LENGTH_EXCEEDED = (
        NEVER,
        "the conversation is longer than the model can read; shorten it, or name a model that reads"
        " more",
    )
    QUOTA_EXCEEDED = (
        NEVER,
        "the account has no credit left, or is over its limit of the day; pay or raise the limit,"
        " then retry the task",
    )
    AUTHENTICATION_FAILED = (NEVER, "the key is not accepted, or not for this model")
    REQUEST_REFUSED = (
        NEVER,
        "the provider does not accept what was asked, and says why; or a script of `mock:script` is"
        " over",
    )
    UNKNOWN_MODEL = (NEVER, "no model has that name, here or at the provider")
    API_KEY_MISSING = (NEVER, "there is no key for the provider; set it where the runner runs")
    STORED_KEY_UNREADABLE = (
        NEVER,
        "the key that is stored for the agent cannot be decrypted; give the runner the"
        " OPPSPOT_SECRET_KEY under which it was stored, or store the key anew",
    )
    PROVIDER_NOT_INSTALLED = (NEVER, "install the extra that the message names")

    BUDGET_EXCEEDED = (
        NEVER,
        "with what the call may cost, a budget would be exceeded, so it was not made; raise the"
        " budget, then retry the task",
    )
    PRICE_UNKNOWN = (
        NEVER,
        "a budget denies calls whose price nobody knows; give the model a price, or let the budget"
        " allow them",
    )

    TOO_MANY_MODEL_CALLS = (NEVER, "the conversation was not done after `limits.model_calls`")
    TOO_MANY_TOOL_CALLS = (NEVER, "the conversation has had its `limits.tool_calls`")
    ANSWER_INCOMPLETE = (
        NEVER,
        "the answer had to fit an output schema, and ended at `max_tokens` or by a filter",
    )
    CONVERSATION_TIMEOUT = (AGAIN, "the conversation took longer than its `limits.time_s`")

    TOOL_NOT_FOUND = (NEVER, "no tool of that name is registered, or the agent does not have it")
    TOOL_NOT_PERMITTED = (NEVER, "the security context does not permit that tool")
    TOOL_ARGUMENTS_INVALID = (NEVER, "the arguments do not fit the schema, or are too large")
    TOOL_TIMEOUT = (AGAIN, "the tool took longer than its time limit")
    TOOL_EXECUTION_FAILED = (NEVER, "the code of the tool raised an exception")
    TOOL_END_UNKNOWN = (NEVER, "the call may have been made, and must not be made twice")

    NOT_IN_A_TEST = (
        NEVER,
        "the tool does something that must not be done twice, or starts other agents; a test of an"
        " agent does not call it, its task does",
    )

    TASK_NEEDED = (NEVER, "the tool works for the agent of a task only")
    STREAM_NEEDED = (NEVER, "the tool works for a task of a stream only")
    AGENT_NOT_FOUND = (NEVER, "the organisation has no such agent, or several of that name")
    AGENT_FAILED = (NEVER, "the other agent did not complete, after its own retries")
    AGENTS_TOO_DEEP = (NEVER, "too many agents wait for each other, one in the other")
    SERVICE_NOT_CONFIGURED = (NEVER, "a setting of the service that the tool needs is missing")
    SERVICE_REFUSED = (NEVER, "the service answered that it does not do that")
    SERVICE_UNAVAILABLE = (AGAIN, "the service answered that it cannot do that now")

    DIVISION_BY_ZERO = (NEVER, "the second number is 0")
    CALCULATION_UNDEFINED = (NEVER, "there is no real number that is the result")
    CALCULATION_TOO_LARGE = (NEVER, "the result is not between 1E-400 and 1E+400")

    SOURCE_DOWN = (
        AGAIN,
        "the source cannot be reached, is slow, or has an error of its own; after several such"
        " ends nobody asks its host for a minute",
    )
    ACCESS_DENIED = (NEVER, "the source does not let us: a wrong key, or its robots.txt")
    BAD_CALL = (NEVER, "the source does not understand what was asked: a fault of the agent")
    MALFORMED_ANSWER = (AGAIN, "what the source answered is cut, or not what it should be")
    SOURCE_NOT_CONFIGURED = (NEVER, "a setting that the source needs is missing")

    URL_MALFORMED = (NEVER, "the text is no complete http or https URL, or is too long")
    URL_SCHEME_REFUSED = (NEVER, "the URL is neither http nor https")
    URL_CONTROL_CHARACTERS = (NEVER, "there are spaces or characters in the URL that nobody sees")
    URL_CREDENTIALS = (NEVER, "there is a user or a password in the URL")
    URL_AMBIGUOUS = (NEVER, "the host is spelled in a way that programs read differently")
    PORT_REFUSED = (NEVER, "the port is none of those that the operator lets through")
    DOMAIN_NOT_ALLOWED = (NEVER, "the host is not among the allowed domains")
    ADDRESS_NOT_PUBLIC = (NEVER, "the host has an address that is not on the public internet")
    HEADER_REFUSED = (NEVER, "a header is malformed, too long, or one that only the client sets")
    REQUEST_MALFORMED = (NEVER, "the method or the body of the request cannot be sent")
    REQUEST_TOO_LARGE = (NEVER, "the body of the request is larger than the limit")
    UNVERIFIED_TLS_REFUSED = (NEVER, "certificates must be verified: the operator says so")
    REDIRECT_WITH_BODY = (NEVER, "a redirect asks to send the body to another host")
    TOO_MANY_REDIRECTS = (NEVER, "there were more redirects than the limit")
    RESPONSE_TOO_LARGE = (NEVER, "the answer, unpacked, is larger than the limit")

    HTTP_TIMEOUT = (AGAIN, "the answer was not complete within the time limit")
    NAME_NOT_RESOLVED = (AGAIN, "the host has no address")
    CONNECTION_FAILED = (AGAIN, "no connection could be made, or it broke")
    TLS_FAILED = (NEVER, "the certificate of the host is not valid for it")
    RESPONSE_BROKEN = (AGAIN, "the answer ended early, or is no HTTP")

    def __init__(self, retried: bool, meaning: str) -> None:
        self.retried = retried
        self.meaning = meaning
