"""Every error that Mainspring raises on purpose, as one small tree sorted by what the caller should do.

    MainspringError
    ├── RequestError              somebody asked for something that cannot be done; answered with a 4xx
    │   ├── InvalidInput          the request is malformed or refers to what does not fit
    │   ├── Unauthenticated       no identity, or one that is not valid any more
    │   ├── Forbidden             a known identity that may not do this
    │   ├── NotFound              not there, or in a workspace that the caller may not see
    │   ├── Conflict              the state of the thing does not allow it now
    │   ├── PreconditionRequired  an update must name the version that it was based on
    │   ├── PreconditionFailed    it was based on a version that is not the current one
    │   ├── TooLarge              over a size bound
    │   ├── UnsupportedType       a body of a type that is not read there
    │   └── TooManyRequests       slow down; `retry_after` seconds
    ├── Unavailable               a service behind us failed; trying again may help
    ├── NodeError                 a node could not do its work; decides about retries and the error port
    │   ├── UnknownNodeType       a definition names a type that is not installed
    │   ├── PlatformUnavailable   what an attempt needs before it begins is away; it is put off, however often
    │   └── ExpressionError       a template could not be parsed or evaluated
    └── ExecutionLost             an execution or its workflow version is not stored any more

The module is at the bottom of the dependency order: it imports the standard library only.
"""

from __future__ import annotations

from typing import Any, ClassVar


class MainspringError(Exception):
    """Base of the tree. `code` is stable and for programs, the message is one sentence for people."""

    default_code: ClassVar[str] = "error"

    def __init__(self, message: str, *, code: str | None = None, details: Any = None) -> None:
        super().__init__(message)
        self.message = message
        self.code = code or self.default_code
        self.details = details
        self.headers: dict[str, str] = {}
        """What an HTTP answer of it says besides."""

    def as_dict(self) -> dict[str, Any]:
        """The shape in which every error is stored and shown: `{code, message, details}`."""
        return {"code": self.code, "message": self.message, "details": self.details}


class RequestError(MainspringError):
    """The request cannot be carried out as it is."""

    default_code = "bad_request"


class InvalidInput(RequestError):
    """Malformed input; `details` lists `{path, code, message}` for each problem."""

    default_code = "invalid_input"

    @classmethod
    def at(cls, path: str, message: str) -> InvalidInput:
        """One field is wrong; the message says what it should be, or is not."""
        return cls(f"{path}: {message}", details=[{"path": path, "code": "invalid", "message": message}])


class Unauthenticated(RequestError):
    """No valid identity."""

    default_code = "unauthenticated"


class Forbidden(RequestError):
    """The identity is known and may not do this."""

    default_code = "forbidden"


class NotFound(RequestError):
    """Not there, or not for the caller to know of."""

    default_code = "not_found"


class Conflict(RequestError):
    """The thing's present state does not allow the request."""

    default_code = "conflict"


class PreconditionRequired(RequestError):
    """An update came without the version that it was based on."""

    default_code = "precondition_required"


class PreconditionFailed(RequestError):
    """An update was based on a version that is not the current one any more."""

    default_code = "version_conflict"


class TooLarge(RequestError):
    """A body, a definition or a number of things is over its bound."""

    default_code = "too_large"


class UnsupportedType(RequestError):
    """The body is of a type that is not read there."""

    default_code = "unsupported_media_type"


class TooManyRequests(RequestError):
    """The caller should wait `retry_after` seconds."""

    default_code = "too_many_requests"

    def __init__(self, message: str, *, retry_after: int, code: str | None = None) -> None:
        super().__init__(message, code=code)
        self.retry_after = retry_after


class Unavailable(MainspringError):
    """A service that we depend on failed; the same request may work later."""

    default_code = "unavailable"


class NodeError(MainspringError):
    """A node failed.

    `retryable` says whether another attempt could end differently; `retry_after` is how many seconds
    the other side asked us to wait before it. `nothing_happened` says that the attempt is known to have had no
    effect, as the other side has refused it or was never reached: one that may be made once may be made again then.
    """

    default_code = "node_failed"

    def __init__(
        self,
        message: str,
        *,
        code: str | None = None,
        details: Any = None,
        retryable: bool = False,
        retry_after: float | None = None,
        nothing_happened: bool | None = None,
    ) -> None:
        super().__init__(message, code=code, details=details)
        self.retryable = retryable
        self.retry_after = retry_after
        self.nothing_happened = self.code == "config" if nothing_happened is None else nothing_happened


class PlatformUnavailable(NodeError):
    """What a node needs of the platform before it can begin, such as its secrets, cannot be had at the moment."""

    default_code = "unavailable"

    def __init__(self, message: str) -> None:
        super().__init__(message, retryable=True, nothing_happened=True)


class ExpressionError(NodeError):
    """A template that does not parse, or that cannot be evaluated over the present data."""

    default_code = "expression"

    def __init__(self, message: str, *, code: str | None = None, details: Any = None) -> None:
        super().__init__(message, code=code, details=details, nothing_happened=True)


class UnknownNodeType(NodeError):
    """No installed node type has that name."""

    default_code = "unknown_type"


class ExecutionLost(MainspringError):
    """The record of an execution, or the workflow version that it pins, is gone."""

    default_code = "execution_lost"
