"""The documented examples of every dialect, replayed from files that hold them as the vendor wrote them.

A dialect's folder under `examples/` has `<step>.request.txt` and `<step>.response.txt`, copied verbatim, and
`substitutions.toml`: the order of the steps, and with a reason each what the replay changes (`substitutions`,
`headers`), which fields are compared by form because their values are made here (`forms`), which may be there in
addition (`extras`), the status of an answer that is documented without one (`statuses`), and the first line of a
request that is documented without (`lines`). A substitution may be for one file (`in`), a header for some `steps`. Into
what is put, `{base_url}`, `{app_url}`, `{app_key}`, `{client_id}`, `{client_secret}`, `{email}`, `{code}` as a number,
`{otp}` as a string, `{basic}` with the address and it, and `{<step>.<field>}` of an earlier answer are filled in. A
contract that holds under a policy of its own names it under `environment`; `signs_up` has a code sent beforehand.

A request is written as HTTP, with or without a version and headers, or as a call of JavaScript's fetch().
"""

from __future__ import annotations

import base64
import json
import re
import tomllib
from dataclasses import dataclass, field
from email import message_from_string
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

import pytest

from tests.dialects.satellite_app import another
from tests.world import World, build, client

pytestmark = pytest.mark.usefixtures("database")
EXAMPLES = Path(__file__).parent / "examples"
DIALECTS = sorted(folder.name for folder in EXAMPLES.iterdir())
ADDRESS = "ada@example.com"
FETCH = re.compile(
    r"const response = await fetch\('(?P<url>[^']+)', \{\s*method: '(?P<method>[A-Z]+)',"
    r"\s*headers: (?P<headers>\{[^}]*\}),\s*body: JSON\.stringify\((?P<body>\{.*\})\),\s*\}\);"
    r"\s*const data = await response\.json\(\);\s*",
    re.DOTALL,
)


@dataclass(frozen=True)
class Request:
    method: str
    url: str
    headers: dict[str, str]
    body: Any


@dataclass
class Replay:
    """One dialect's examples, and what has been learned on the way through them."""

    folder: Path
    world: World
    facts: dict[str, str] = field(default_factory=dict)
    used: set[str] = field(default_factory=set)

    def __post_init__(self) -> None:
        self.rules: dict[str, Any] = read_rules(self.folder.name)
        environment = self.world.environment
        self.facts |= {"base_url": environment.issuer, "app_url": environment.passage_issuer}
        self.facts |= {"app_key": self.world.app_key, "email": ADDRESS, **another(self.world).credentials}

    def text(self, name: str) -> str:
        """An example as it goes over the wire."""
        text = (self.folder / name).read_bytes().decode()
        for rule in self.rules["substitutions"]:
            if rule["find"] in text and rule.get("in", name) == name:
                self.used.add(rule["find"])
                text = text.replace(rule["find"], self.fill(rule["put"]))
        return text

    def fill(self, put: str) -> str:
        return re.sub(r"\{([\w.]+)\}", lambda name: self.facts[name[1]], put)

    def step(self, name: str) -> None:
        line = self.fill(self.rules["lines"].get(name, {}).get("put", ""))
        answer = self.send(line + self.text(f"{name}.request.txt"), self.headers(name))
        status, documented = self.parse_response(name)
        assert answer.status_code == status
        assert answer.headers["Content-Type"] == "application/json"
        self.compare(documented, answer.json())
        self.facts |= {f"{name}.{key}": value for key, value in answer.json().items() if isinstance(value, str)}

    def headers(self, step: str) -> dict[str, str]:
        rules = self.rules["headers"].items()
        return {name: self.fill(rule["put"]) for name, rule in rules if step in rule.get("steps", [step])}

    def send(self, text: str, headers: dict[str, str]) -> Any:
        request = parse_fetch(text) if "fetch(" in text else parse_http(text)
        headers = headers | request.headers
        content_type = headers.pop("Content-Type", "")
        url = urlsplit(request.url)._replace(scheme="", netloc="").geturl()
        return client().generic(request.method, url, request.body, content_type, headers=headers)

    def parse_response(self, step: str) -> tuple[int, dict[str, Any]]:
        text = self.text(f"{step}.response.txt")
        if step in self.rules["statuses"]:
            return self.rules["statuses"][step]["put"], json.loads(text)
        head, _, body = text.partition("\n\n")
        return int(head.split()[1]), json.loads(body)

    def compare(self, documented: dict[str, Any], answered: dict[str, Any]) -> None:
        """Documented fields exactly and in their order; values too, except those that are compared by form."""
        extras = [name for name in answered if name not in documented]
        assert [name for name in answered if name not in extras] == list(documented)
        assert set(extras) <= self.rules["extras"].keys()
        for name, value in documented.items():
            assert type(answered[name]) is type(value), name
            if isinstance(value, dict):
                self.compare(value, answered[name])
            elif name in self.rules["forms"]:
                assert re.fullmatch(self.rules["forms"][name]["pattern"], str(answered[name])), name
            else:
                assert answered[name] == value, name

    def read_mail(self) -> None:
        """The code also as a JSON number, which has no leading zeros."""
        mails = self.world.mailbox(ADDRESS)
        if mails and "code" in mails[0]:
            otp = mails[0]["code"]
            basic = base64.b64encode(f"{ADDRESS}:{otp}".encode()).decode()
            self.facts |= {"otp": otp, "code": str(int(otp)), "basic": basic}


def read_rules(dialect: str) -> dict[str, Any]:
    rules = tomllib.loads((EXAMPLES / dialect / "substitutions.toml").read_text())
    return {"substitutions": [], "headers": {}, "forms": {}, "extras": {}, "statuses": {}, "lines": {}, **rules}


def parse_http(text: str) -> Request:
    line, _, rest = text.partition("\n")
    method, url, *version = line.split()
    if not version:
        return Request(method, url, {}, rest)
    assert version == ["HTTP/1.1"]
    message = message_from_string(rest)
    return Request(method, url, dict(message.items()), message.get_payload())


def parse_fetch(text: str) -> Request:
    call = FETCH.fullmatch(text)
    assert call
    return Request(call["method"], call["url"], json.loads(call["headers"]), call["body"])


def replayed(dialect: str) -> Replay:
    """All steps of a dialect, one after the other."""
    replay = Replay(EXAMPLES / dialect, build(**read_rules(dialect).get("environment", {})))
    if replay.rules.get("signs_up"):
        replay.world.sign_up(ADDRESS)
    for step in replay.rules["steps"]:
        replay.read_mail()
        replay.step(step)
    return replay


@pytest.mark.parametrize("dialect", DIALECTS)
def test_every_documented_example_is_answered_as_documented(dialect: str) -> None:
    replay = replayed(dialect)
    unused = {rule["find"] for rule in replay.rules["substitutions"]} - replay.used
    assert not unused, "a substitution that changes nothing hides a file that was not copied verbatim"


@pytest.mark.parametrize("dialect", DIALECTS)
def test_no_example_is_left_out(dialect: str) -> None:
    copied = {path.name for path in (EXAMPLES / dialect).glob("*.txt")}
    steps = read_rules(dialect)["steps"]
    assert copied == {f"{step}.{side}.txt" for step in steps for side in ("request", "response")}


@pytest.mark.parametrize("dialect", DIALECTS)
def test_every_change_to_an_example_has_its_reason(dialect: str) -> None:
    rules = read_rules(dialect)
    changes = rules["substitutions"] + [
        rule for part in ("headers", "forms", "extras", "statuses", "lines") for rule in rules[part].values()
    ]
    assert all(change["why"] for change in changes)
