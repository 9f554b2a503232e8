"""Numbers in words."""

UNITS = ((86_400, "day"), (3600, "hour"), (60, "minute"), (1, "second"))


def in_words(seconds: int) -> str:
    """In the greatest unit that comes out even: 5400 is "90 minutes". dashboard.js says the same while one types."""
    size, name = next(((size, name) for size, name in UNITS if seconds and seconds % size == 0), UNITS[-1])
    count = seconds // size
    return f"{count} {name}" if count == 1 else f"{count} {name}s"
