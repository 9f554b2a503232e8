"""The one place where what a person typed becomes the canonical form that is stored, compared and sent to."""

import re
from dataclasses import dataclass
from enum import StrEnum

import phonenumbers
from email_validator import EmailNotValidError, validate_email

from apps.core.errors import InvalidRequest

MAX_EMAIL_LENGTH = 254  # RFC 5321 section 4.5.3.1.3, less the angle brackets.
MAX_PHONE_LENGTH = 40  # With the blanks, brackets and dashes that people write.
# What a phone number may be written with. The library would also read letters (1-800-FLOWERS) and other digits.
PHONE = re.compile(r"\+?[0-9 ().\-/]+")

USERNAME = re.compile(r"[A-Za-z][A-Za-z0-9_]{3,19}")  # contracts/zeromagic.md

COUNTRY_CODE = re.compile(r"\+?[0-9]{1,3}")
NO_REGION = {"ZZ", "001"}  # Unknown, and numbers that belong to no country.


class Channel(StrEnum):
    """How a code travels. An email address takes mail, a phone number takes text messages."""

    EMAIL = "email"
    SMS = "sms"


class Kind(StrEnum):
    EMAIL = "email"
    PHONE = "phone"
    USERNAME = "username"


@dataclass(frozen=True, slots=True)
class Contact:
    """A canonical identifier that a message can be sent to."""

    kind: Kind
    value: str

    @property
    def channel(self) -> Channel:
        return Channel.EMAIL if self.kind is Kind.EMAIL else Channel.SMS


def email_contact(value: object) -> Contact:
    return Contact(Kind.EMAIL, canonical_email(value))


def phone_contact(value: object, region: str = "") -> Contact:
    return Contact(Kind.PHONE, canonical_phone(value, region))


def region_of(country_code: object) -> str:
    """A region (ISO 3166) where numbers start with this country code, such as "+91". Raises InvalidRequest."""
    if isinstance(country_code, str) and COUNTRY_CODE.fullmatch(country_code):
        region = phonenumbers.region_code_for_country_code(int(country_code))
        if region not in NO_REGION:
            return region
    raise InvalidRequest("The country code is not valid.", field="country_code")


def any_contact(value: object) -> Contact:
    """An email address or an E.164 number. Raises InvalidRequest for what is neither."""
    is_email = isinstance(value, str) and "@" in value
    return email_contact(value) if is_email else phone_contact(value)


def canonical_email(value: object) -> str:
    """Lower-case, Unicode-normalised address. Raises InvalidRequest for anything but one plain address.

    No question is asked of the DNS: an answer would depend on the network, and would take a request's time.
    """
    # "=?…?=" is an encoded word (RFC 2047): in the header of a message it becomes what it encodes, other people's
    # addresses for example.
    if not isinstance(value, str) or len(value) > MAX_EMAIL_LENGTH or "=?" in value:
        raise InvalidRequest("The email address is not valid.", field="email")
    try:
        # Names such as *.test are for customers' own tests; they reach nobody, and do no harm.
        checked = validate_email(value.strip(" "), check_deliverability=False, test_environment=True, strict=True)
    except EmailNotValidError:
        raise InvalidRequest("The email address is not valid.", field="email") from None
    return checked.normalized.lower()


def canonical_phone(value: object, region: str = "") -> str:
    """E.164, such as +14155550123. A national number needs a `region` (ISO 3166); it is never looked for among people.

    Raises InvalidRequest for what no network could route. Whether somebody has the number is not asked: the library's
    lists of ranges in use are older than some people's numbers.
    """
    if not isinstance(value, str) or len(value) > MAX_PHONE_LENGTH or not PHONE.fullmatch(value):
        raise InvalidRequest("The phone number is not valid.", field="phone")
    if not region and not value.startswith("+"):
        raise InvalidRequest("The phone number needs its country code, such as +1.", field="phone")
    try:
        number = phonenumbers.parse(value, region or None)
    except phonenumbers.NumberParseException:
        raise InvalidRequest("The phone number is not valid.", field="phone") from None
    # A number that is possible only within its own town is not one that the world could route to.
    if phonenumbers.is_possible_number_with_reason(number) != phonenumbers.ValidationResult.IS_POSSIBLE:
        raise InvalidRequest("The phone number is not valid.", field="phone")
    return phonenumbers.format_number(number, phonenumbers.PhoneNumberFormat.E164)


def canonical_username(value: object) -> str:
    """Lower-case, so that two people cannot have names that differ in nothing else. Raises InvalidRequest."""
    if not isinstance(value, str) or not USERNAME.fullmatch(value):
        message = "A user name has 4 to 20 letters, digits and underscores, and starts with a letter."
        raise InvalidRequest(message, field="username")
    return value.lower()


def phone_country(phone: str) -> str:
    """The country of a canonical number (ISO 3166), as far as its prefix tells; "ZZ" when it tells none."""
    number = phonenumbers.parse(phone)
    return phonenumbers.region_code_for_number(number) or "ZZ"


def masked(value: str) -> str:
    """For people to recognise and for no one to use: `a…@example.com`, `+1…23`."""
    local, at, domain = value.rpartition("@")
    return f"{local[:1]}…@{domain}" if at else f"{value[:2]}…{value[-2:]}"
