"""Latchkey behind the vendor's names, for the vendor's own clients, and at its own for standard ones."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import Any

import pytest
from django.test import override_settings

from tests.delivery.certificates import Authority
from tests.dialects.passage_app import App, app
from tests.dialects.satellite_app import Satellite, satellite
from tests.sdk.vendor import PUBLIC_URL, Vendor
from tests.stack.running import Web, database_url, free_port, private_folder

NewApp = Callable[..., App]
NewClient = Callable[..., Satellite]


@pytest.fixture(scope="session")
def authority(tmp_path_factory: pytest.TempPathFactory) -> Authority:
    return Authority.create(tmp_path_factory.mktemp("ca"))


@pytest.fixture(scope="session")
def vendor(django_db_setup: None, authority: Authority) -> Iterator[Vendor]:
    with private_folder() as folder:
        web = Web(folder, DATABASE_URL=database_url(), PUBLIC_URL=PUBLIC_URL, TRUSTED_PROXIES="127.0.0.1")
        vendor = Vendor(web, authority.server_context("*.passage.id"))
        try:
            web.wait_until_ready()
            vendor.start()
            yield vendor
            vendor.stop()
        finally:
            web.stop()


@pytest.fixture
def new_app(vendor: Vendor, database: None) -> NewApp:
    """Makes apps that are called by the vendor's name: their issuer is that of the contract."""
    vendor.asked.clear()

    def made(**policy: Any) -> App:
        with override_settings(PUBLIC_URL=PUBLIC_URL):
            return app(**policy)

    return made


@pytest.fixture(scope="session")
def loopback(django_db_setup: None) -> Iterator[str]:
    """The URL of a Latchkey that is known by the very address it listens at: plain http, as in development."""
    port = free_port()
    url = f"http://127.0.0.1:{port}"
    with private_folder() as folder:
        web = Web(folder, DATABASE_URL=database_url(), PUBLIC_URL=url, PORT=str(port))
        try:
            web.wait_until_ready()
            yield url
        finally:
            web.stop()


@pytest.fixture
def new_client(loopback: str, database: None) -> NewClient:
    """Makes OAuth clients in worlds of their own, whose issuers are at that URL."""

    def made(**options: Any) -> Satellite:
        with override_settings(PUBLIC_URL=loopback):
            return satellite(**options)

    return made


@pytest.fixture
def passage(new_app: NewApp) -> App:
    return new_app()
