"""What can be wrong with a request: by place, as a whole body, and field by field."""

from __future__ import annotations

from collections.abc import Callable

MAX_BODY = 16 * 1024
MAX_DEPTH = 20

PLACES = [
    "auth/{nothing}/development",
    "auth/{project}/production",
    "auth/{project}/DEVELOPMENT",
    "auth/{project}/dev%00elopment",
    "auth/{project}/%ED%A0%80",
    "auth/{project}/%FF",
    "auth/{project}/development%0A",
    "auth/nonsense/development",
    "auth/%00/development",
    "auth/null/development",
    "auth/{project}'--/development",
    "v1/apps/{nothing}",
    "v1/apps/{project}",
    "v1/apps/nonsense",
    "v1/apps/%00",
    "v1/apps/-1",
]


def plus(member: str) -> Callable[[str], bytes]:
    """The right body with one member more, which nobody reads."""
    return lambda right: f"{right[:-1]}, {member}}}".encode()


def always(body: bytes) -> Callable[[str], bytes]:
    return lambda right: body


def nested(levels: int) -> str:
    """A member that takes a body to that many levels; the object around it is the first."""
    return '"more": ' + "[" * (levels - 1) + "]" * (levels - 1)


def padded(size: int) -> Callable[[str], bytes]:
    return lambda right: plus('"more": "' + "x" * (size - len(right) - len(', "more": ""')) + '"')(right)


BODIES: dict[str, tuple[Callable[[str], bytes], int]] = {
    "empty": (always(b""), 400),
    "blank": (always(b"  \n"), 400),
    "not JSON": (always(b"email=ada"), 400),
    "cut off": (lambda right: right[:-1].encode(), 400),
    "followed by more": (lambda right: right.encode() + b"{}", 400),
    "in single quotes": (lambda right: right.replace('"', "'").encode(), 400),
    "an array": (lambda right: f"[{right}]".encode(), 400),
    "an empty array": (always(b"[]"), 400),
    "an empty object": (always(b"{}"), 400),
    "a number": (always(b"1"), 400),
    "a string": (always(b'"email"'), 400),
    "null": (always(b"null"), 400),
    "true": (always(b"true"), 400),
    "a repetition": (lambda right: f"{right[:-1]}, {right[1:]}".encode(), 400),
    "a repetition further in": (plus('"more": {"a": 1, "a": 1}'), 400),
    "a repetition in disguise": (plus(r'"more": 1, "mor\u0065": 1'), 400),
    "with an escaped NUL": (plus(r'"more": "\u0000"'), 400),
    "with a raw NUL": (plus('"more": "\x00"'), 400),
    "with a NUL between": (plus('\x00"more": 1'), 400),
    "with a NUL in a name": (plus(r'"mo\u0000re": 1'), 400),
    "with an escaped control character": (plus(r'"more": "\u001b[2J"'), 400),
    "with a raw control character": (plus('"more": "\x1b[2J"'), 400),
    "with a raw line break": (plus('"more": "a\r\nb"'), 400),
    "with a C1 control character": (plus('"more": "\x85"'), 400),
    "with a control character further in": (plus(r'"more": [{"a": ["\u007f"]}]'), 400),
    "with a lone surrogate": (plus(r'"more": "\ud800"'), 400),
    "with the surrogates the wrong way round": (plus(r'"more": "\udc00\ud800"'), 400),
    "with a lone surrogate in a name": (plus(r'"\udfff": 1'), 400),
    "with a bad escape": (plus(r'"more": "\x41"'), 400),
    "with invalid UTF-8": (lambda right: right.encode() + b"\xff", 400),
    "with an overlong NUL": (lambda right: right[:-1].encode() + b', "more": "\xc0\x80"}', 400),
    "with a surrogate in UTF-8": (lambda right: right[:-1].encode() + b', "more": "\xed\xa0\x80"}', 400),
    "UTF-16": (lambda right: right.encode("utf-16"), 400),
    "UTF-16 without a mark": (lambda right: right.encode("utf-16-le"), 400),
    "UTF-32": (lambda right: right.encode("utf-32"), 400),
    "with a byte order mark": (lambda right: right.encode("utf-8-sig"), 400),
    "with NaN": (plus('"more": NaN'), 400),
    "with Infinity": (plus('"more": Infinity'), 400),
    "with -Infinity": (plus('"more": [-Infinity]'), 400),
    "with a comment": (plus('/* more */ "more": 1'), 400),
    "with an integer of 5,000 digits": (plus('"more": ' + "9" * 5000), 400),
    "one level too deep": (plus(nested(MAX_DEPTH + 1)), 400),
    "too deep, behind brackets in a string": (plus(f'"text": "{"]" * 900}", {nested(MAX_DEPTH + 1)}'), 400),
    "7,000 levels deep": (plus(nested(7000)), 400),
    "7,000 objects deep, and cut off": (always(b'{"a":' * 3000), 400),
    "20,000 levels deep": (plus(nested(20_000)), 413),
    "one byte too long": (padded(MAX_BODY + 1), 413),
    "17 KiB": (padded(17 * 1024), 413),
    "a megabyte": (padded(1024 * 1024), 413),
    "blanks without end": (lambda right: right.encode() + b" " * MAX_BODY, 413),
}

GOOD_BODIES: dict[str, Callable[[str], bytes]] = {
    "of twenty levels": plus(nested(MAX_DEPTH)),
    "of 16 KiB": padded(MAX_BODY),
    "with brackets in a string": plus('"more": "' + "[]" * 100 + '"'),
    "with a surrogate pair": plus(r'"more": "\ud83d\ude00"'),
    "with a field nobody knows": plus('"more": 1'),
    "with white space": lambda right: f"\n\t {right} \r\n".encode(),
}

OF_THE_WRONG_TYPE = [None, True, False, [], ["ada@example.com"], {}, {"email": "ada@example.com"}, 1.5, -1, 10**400]

EMAILS = [
    "",
    " ",
    "ada",
    "@example.com",
    "ada@",
    "ada@example",
    "ada@localhost",
    "ada@example.com.",
    "ada@.example.com",
    "ada@exa_mple.com",
    "ada@-example.com",
    "ada@[127.0.0.1]",
    "ada@127.0.0.1",
    ".ada@example.com",
    "ada.@example.com",
    "a..da@example.com",
    "ada@@example.com",
    "a@da@example.com",
    "ada @example.com",
    "ada@exam ple.com",
    # More than one, with names, comments or quotes: a mail server or a header could read something else into it.
    "ada@example.com,eve@example.com",
    "ada@example.com;eve@example.com",
    "ada@example.com eve@example.com",
    "Ada <ada@example.com>",
    "<ada@example.com>",
    "mailto:ada@example.com",
    "ada(comment)@example.com",
    "ada@(comment)example.com",
    '"ada"@example.com',
    '"ada eve"@example.com',
    "group:ada@example.com;",
    "ada\\@example.com",
    "@relay.example:ada@example.com",
    # Header injection.
    "ada@example.com\r\nBcc: eve@example.com",
    "ada@example.com\nBcc: eve@example.com",
    "ada@example.com\r",
    "ada@example.com\n",
    "\nada@example.com",
    "ada\r\n @example.com",
    "ada@example.com\t",
    "ada@example.com\x00",
    "ada@example.com\x85Bcc: eve@example.com",
    "ada@example.com\u2028Bcc: eve@example.com",
    "ada@example.com%0ABcc:eve@example.com",
    "=?utf-8?q?ada?=@example.com",
    "=?utf-8?q?ada=40example.com=2Ceve?=@example.com",
    "=?utf-8?b?YWRhDQpCY2M6ZXZl?=@example.com",
    "ada@=?utf-8?q?example.com?=",
    # Invisible or look-alike.
    "ada\u200b@example.com",
    "ada\u202e@example.com",
    "ada\u00ad@example.com",
    "\ufeffada@example.com",
    "ada\uff20example.com",
    "ada@example\u3002com\u3002",
    "\u0301ada@example.com",
    # Too long: for a local part, a label, an address, and beyond all measure.
    "a" * 65 + "@example.com",
    "ada@" + "a" * 64 + ".com",
    "ada@" + "a." * 124 + "com",
    "a" * 64 + "@" + ("b" * 60 + ".") * 3 + "example",
    "é" * 65 + "@example.com",
    "a" * 10_000,
    "@" * 254,
]

PHONES = [
    "",
    " ",
    "+",
    "0",
    "+0",
    "112",
    "+91",
    "+919",
    "+91987654321109876543",
    "+999123456789",
    "+0919876543211",
    "++919876543211",
    "+91+9876543211",
    "(+919876543211)",
    " +919876543211",
    "+91 9876543211;ext=5",
    "+919876543211x5",
    "+91987654321O",
    "1-800-FLOWERS",
    "tel:+919876543211",
    "+919876543211,+14155550123",
    "+919876543211 +14155550123",
    "+91987654\n3211",
    "+919876543211\r\n",
    "+919876543211\x00",
    "\uff0b919876543211",
    "+\u0669\u0661\u0669\u0668\u0667\u0666\u0665\u0664\u0663\u0662\u0661\u0661",
    "+91\u200b9876543211",
    "\u202d+919876543211",
    "+91" + " " * 40 + "9876543211",
    "9" * 10_000,
]
CODES = [
    "",
    " ",
    "abcdef",
    "0x1f40",
    "12345678901",
    10**10,
    10**11,
    -123456,
    1e5,
    123456.0,
    "1e5",
    "-1",
    "+1",
    "½",
    "²",
    "Ⅷ",
]
TEN_DIGITS = {
    "full-width": "０１２３４５６７８９",
    "Arabic": "٠١٢٣٤٥٦٧٨٩",
    "Devanagari": "०१२३४५६७८९",
    "bold": "𝟎𝟏𝟐𝟑𝟒𝟓𝟔𝟕𝟖𝟗",
}
SPOILT_CODES = [
    *TEN_DIGITS.values(),
    " {code}",
    "{code} ",
    "{code}\u00a0",
    "{code}.0",
    "+{code}",
    "-{code}",
    "00000{code}",
    "{code}{code}",
    "{code}e0",
    "{code},{code}",
    "{code}_0",
]


def digits(others: str) -> dict[int, str]:
    """A translation of ASCII digits into others."""
    return {ord(str(number)): digit for number, digit in enumerate(others)}


TOKENS = [
    "",
    "junk",
    "a" * 79,
    "A" * 79,
    "=" * 79,
    "é" * 79,
    "\u0661" * 79,
    "a" * 4096,
    "../" * 26 + "a",
    "' OR 1=1 --",
]
