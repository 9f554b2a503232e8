"""The one vocabulary of refusals. It knows no HTTP: each dialect maps these classes to its own status and body.

A dialect's table is looked up along the class hierarchy, so a subclass that a dialect does not name answers like its
parent. Saying nothing is the default; saying more takes a deliberate line in that dialect.
"""


class AuthError(Exception):
    """A refusal that is safe to show: `message` never holds an identifier, a code, a key or a token."""

    message = "The request was refused."

    def __init__(self, message: str | None = None) -> None:
        self.message = message or self.message
        super().__init__(self.message)


class InvalidRequest(AuthError):
    """The request is malformed, lacks a field or carries a value that no system state could make right."""

    message = "The request is malformed."

    def __init__(self, message: str | None = None, *, field: str | None = None) -> None:
        super().__init__(message)
        self.field = field


class BodyTooLarge(InvalidRequest):
    message = "The request body is too large."


class InvalidClient(AuthError):
    """The calling application is unknown, or its credential is wrong, revoked or of another environment."""

    message = "The application key is missing or not valid here."


class UnknownEnvironment(InvalidClient):
    """The address names no environment. Most dialects do not tell that from a wrong key."""


class UnauthorizedClient(AuthError):
    """The caller is known, and what it asks for is switched off or not among what it may do."""

    message = "This operation is not allowed."


class SignUpClosed(UnauthorizedClient):
    message = "Sign-up is closed."


class UnsupportedGrantType(AuthError):
    message = "This grant type is not supported."


class InvalidScope(AuthError):
    message = "The scope is not valid."


class InvalidGrant(AuthError):
    """A code or token that opens nothing. Its subclasses say why; most dialects keep that from the caller."""

    message = "The code is wrong or has expired."


class CodeMismatch(InvalidGrant):
    pass


class CodeExpired(InvalidGrant):
    pass


class ChallengeLocked(InvalidGrant):
    pass


class InvalidRefreshToken(InvalidGrant):
    message = "The refresh token is not valid."


class RefreshTokenReused(InvalidRefreshToken):
    pass


class WrongPassword(InvalidGrant):
    """The password is wrong, or nobody has one by this name: most dialects make no difference."""

    message = "The user name or the password is wrong."


class WeakPassword(InvalidRequest):
    message = "This password is too easy to guess."


class InvalidToken(AuthError):
    message = "The token is missing, expired or not valid here."


class UnknownUser(AuthError):
    message = "There is no such user."


class UserExists(AuthError):
    message = "The user already exists."


class UserDisabled(AuthError):
    message = "The user is disabled."


class RateLimited(AuthError):
    """Too much, too soon. `retry_after` is in whole seconds, at least one."""

    message = "Too many requests. Try again later."

    def __init__(self, retry_after: float) -> None:
        super().__init__()
        self.retry_after = max(1, int(retry_after + 0.999))


class ServiceUnavailable(AuthError):
    """Something we stand on is away. Nothing was decided, so the same request may be sent again."""

    message = "The service is temporarily unavailable."
    retry_after = 2
