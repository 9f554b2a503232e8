"""What a scope is (RFC 6749 section 3.3), whoever has it."""

import re

# Printable ASCII without blank, quotation mark and backslash. The length is that of the columns of keys and clients.
SCOPE_TOKEN = re.compile(r"[\x21\x23-\x5b\x5d-\x7e]{1,40}")
# All of them stand in one column of a session and in every access token.
MAX_SCOPE_LENGTH = 500
