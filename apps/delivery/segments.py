"""How many segments a text message takes, which is what providers bill (3GPP TS 23.038 and 23.040)."""

BASIC = set(
    "@£$¥èéùìòÇ\nØø\rÅåΔ_ΦΓΛΩΠΨΣΘΞÆæßÉ !\"#¤%&'()*+,-./0123456789:;<=>?¡ABCDEFGHIJKLMNOPQRSTUVWXYZÄÖÑÜ§¿"
    "abcdefghijklmnopqrstuvwxyzäöñüà"
)
EXTENDED = set("^{}\\[~]|€")  # Each takes two septets, because an escape goes before it.
# Alone a message has 140 bytes; as a part of several it gives six of them to the header that joins them.
GSM_ALONE, GSM_PART = 160, 153
UCS2_ALONE, UCS2_PART = 70, 67


def count(text: str) -> int:
    """At least one. One character outside the GSM alphabet makes the whole message UCS-2."""
    if set(text) <= BASIC | EXTENDED:
        return _parts([2 if char in EXTENDED else 1 for char in text], GSM_ALONE, GSM_PART)
    return _parts([len(char.encode("utf-16-be")) // 2 for char in text], UCS2_ALONE, UCS2_PART)


def _parts(widths: list[int], alone: int, part: int) -> int:
    """No part ends in the middle of a character: what does not fit goes to the next one."""
    if sum(widths) <= alone:
        return 1
    parts, room = 1, part
    for width in widths:
        if width > room:
            parts, room = parts + 1, part
        room -= width
    return parts
