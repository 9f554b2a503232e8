"""Django looks for models here; each lives in the module that is named for it."""

from apps.tokens.api_keys import ApiKey
from apps.tokens.oauth_clients import OAuthClient
from apps.tokens.sessions import Session
from apps.tokens.signing_keys import SigningKey

__all__ = ["ApiKey", "OAuthClient", "Session", "SigningKey"]
