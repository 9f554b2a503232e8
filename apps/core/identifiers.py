"""The one place where what a person typed becomes the canonical form that is stored, compared and sent to."""

from email_validator import EmailNotValidError, validate_email

from apps.core.errors import InvalidRequest

MAX_EMAIL_LENGTH = 254  # RFC 5321 section 4.5.3.1.3, less the angle brackets.


def canonical_email(value: object) -> str:
    """Lower-case, Unicode-normalised address. Raises InvalidRequest for anything but one plain address.

    No question is asked of the DNS: an answer would depend on the network, and would take a request's time.
    """
    if not isinstance(value, str) or len(value) > MAX_EMAIL_LENGTH:
        raise InvalidRequest("The email address is not valid.", field="email")
    try:
        # Names such as *.test are for customers' own tests; they reach nobody, and do no harm.
        checked = validate_email(value.strip(" "), check_deliverability=False, test_environment=True, strict=True)
    except EmailNotValidError:
        raise InvalidRequest("The email address is not valid.", field="email") from None
    return checked.normalized.lower()


def masked_email(email: str) -> str:
    """For people to recognise and for no one to use: `a…@example.com`."""
    local, _, domain = email.rpartition("@")
    return f"{local[:1]}…@{domain}"
