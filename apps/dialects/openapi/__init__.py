"""What the dialects say on the wire, written down: for tools, for the reference pages, and for the tests.

The committed documents in `documents/` are what runs; everything else here is only imported to write them, because
drf-spectacular is no dependency of production.
"""
