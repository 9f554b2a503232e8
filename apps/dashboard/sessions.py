"""Django's sessions in the database, with a closer look at what a cookie may say."""

import re

from django.contrib.sessions.backends import db

KEY = re.compile(r"[a-z0-9]{32}")


class SessionStore(db.SessionStore):
    def _validate_session_key(self, key: str) -> bool:
        """Only what Django itself hands out. A quoted cookie can hold a NUL, which PostgreSQL would answer with an
        error."""
        return bool(key and KEY.fullmatch(key))
