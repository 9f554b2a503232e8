from collections.abc import Iterator

import pytest

from apps.delivery.providers import http, smtp
from apps.delivery.providers.smtp_conversation import tls_context
from tests.delivery.certificates import Authority


@pytest.fixture(autouse=True)
def _no_connection_of_another_test() -> Iterator[None]:
    yield
    smtp.hang_up()
    http.hang_up()


@pytest.fixture(scope="module")
def authority(tmp_path_factory: pytest.TempPathFactory) -> Authority:
    return Authority.create(tmp_path_factory.mktemp("ca"))


@pytest.fixture
def _trusting(authority: Authority, monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    """The machine trusts the test's authority, by the variable with which a self-hoster adds a private one."""
    monkeypatch.setenv("SSL_CERT_FILE", str(authority.file))
    tls_context.cache_clear()
    yield
    tls_context.cache_clear()
