# SPDX-License-Identifier: Apache-2.0
"""What can be said about deploy/ without starting it: each file is well formed, complete, and speaks of what exists."""

from __future__ import annotations

import importlib
import io
import json
import re
import shutil
import subprocess
import zipfile
from pathlib import Path

import pytest
import yaml
from prometheus_client import REGISTRY

import shared.metrics  # noqa: F401 (declares the metrics)
from certwright import deployment
from services.installer.adapters.bundle import SourceBundle
from shared.messaging import topology
from shared.settings import PrefixedSettings

ROOT = Path(__file__).resolve().parents[2]
DEPLOY = ROOT / "deploy"
PROMTOOL = shutil.which("promtool") or str(ROOT / "build" / "tools" / "promtool")
COMPOSE = yaml.safe_load((DEPLOY / "compose.yaml").read_text())
DEFINITIONS = json.loads((DEPLOY / "rabbitmq" / "definitions.json").read_text())
DASHBOARD = json.loads((DEPLOY / "grafana" / "certwright.json").read_text())

# From Prometheus itself and from the process collector of its Python client.
FOREIGN = {"up", "process_resident_memory_bytes", "process_cpu_seconds_total"}


def rooms() -> list[str]:
    return sorted(path.parent.name for path in (ROOT / "services").glob("*/service.py"))


def metric_names() -> set[str]:
    suffixes = {"histogram": ("_bucket", "_count", "_sum"), "counter": ("_total",), "info": ("_info",)}
    return {f"{m.name}{suffix}" for m in REGISTRY.collect() for suffix in suffixes.get(m.type, ("",))} | FOREIGN


def metrics_in(expression: str) -> set[str]:
    bare = re.sub(r'"[^"]*"', "", expression)
    return set(re.findall(r"\b(?:certwright_\w+|process_\w+|up)\b", bare))


def queries() -> list[str]:
    rules = yaml.safe_load((DEPLOY / "prometheus" / "rules.yaml").read_text())
    found = [rule["expr"] for group in rules["groups"] for rule in group["rules"]]
    return found + [target["expr"] for panel in DASHBOARD["panels"] for target in panel["targets"]]


def test_every_service_is_deployed():
    assert set(rooms()) <= set(deployment.SERVICES)
    commands = {tuple(service.get("command", ())) for service in COMPOSE["services"].values()}
    users = {user["name"] for user in DEFINITIONS["users"]}
    setup = (DEPLOY / "postgresql" / "setup.sql").read_text()
    for process in deployment.PROCESSES:
        assert ("service", process) in commands
        assert f"certwright_{process}" in users
    for service in deployment.SERVICES:
        assert f"'{service}'" in setup


def known_settings() -> set[str]:
    names = {"AMQP_URI", "DATABASE_URL"}
    for module in ("shared.settings", *(settings_modules())):
        for found in vars(importlib.import_module(module)).values():
            if isinstance(found, type) and issubclass(found, PrefixedSettings):
                prefix = str(found.model_config.get("env_prefix", ""))
                names |= {(prefix + field).upper() for field in found.model_fields}
    return names


def settings_modules() -> list[str]:
    paths = [*ROOT.glob("services/*/settings.py"), *ROOT.glob("shared/*/settings.py"), ROOT / "gateway/settings.py"]
    return [".".join(path.relative_to(ROOT).with_suffix("").parts) for path in paths]


def test_deploy_sets_only_what_something_reads():
    known = known_settings() | {"CERTWRIGHT_VERSION"}  # that one is the tag of the image
    files = [path for path in DEPLOY.rglob("*") if path.is_file() and "secrets" not in path.parts]
    assert files
    for path in files:
        named = set(re.findall(r"\bCERTWRIGHT_[A-Z0-9_]*[A-Z0-9]\b(?!_)", path.read_text()))
        assert named <= known, f"{path.name}: {named - known}"


def test_compose_names_only_what_it_declares():
    for name, service in COMPOSE["services"].items():
        for volume in service.get("volumes", ()):
            source = volume.split(":")[0]
            assert source.startswith("./") or source in COMPOSE["volumes"], f"{name}: {volume}"
            if source.startswith("./") and not source.startswith("./secrets/"):
                assert (DEPLOY / source).exists(), f"{name}: {volume}"
        assert set(service.get("networks", ())) <= set(COMPOSE["networks"])
        assert set(service.get("depends_on", ())) <= set(COMPOSE["services"])
        for port in service.get("ports", ()):
            assert port.startswith("127.0.0.1:"), f"{name} is open to the world: {port}"


def test_the_image_copies_only_what_exists():
    text = (DEPLOY / "Dockerfile").read_text()
    sources = [
        word for line in re.findall(r"^COPY (?!--from)(.*) /app\S*$", text, re.MULTILINE) for word in line.split()
    ]
    assert sources
    for source in sources:
        assert (ROOT / source).exists(), source
        assert f"!{source}\n" in (ROOT / ".dockerignore").read_text(), f"{source} is kept from the builder"


@pytest.mark.parametrize("service", deployment.SERVICES)
def test_a_service_may_use_its_own_queues_and_nobody_elses(service):
    (rights,) = [each for each in DEFINITIONS["permissions"] if each["user"] == f"certwright_{service}"]
    own = [
        topology.EVENTS_EXCHANGE,
        topology.RPC_EXCHANGE,
        topology.rpc_queue(service).name,
        topology.reply_queue("3f0e").name,
        topology.event_queue(service, "on_something", ()).name,
    ]
    foreign = [
        name
        for other in deployment.SERVICES
        if other != service
        for name in (topology.rpc_queue(other).name, topology.event_queue(other, "on_something", ()).name)
    ]
    for right in ("configure", "write", "read"):
        assert [name for name in own if not re.search(rights[right], name)] == []
        assert [name for name in foreign if re.search(rights[right], name)] == []


@pytest.mark.parametrize("service", deployment.SERVICES)
def test_a_service_may_publish_its_own_events_only(service):
    (rights,) = [
        each
        for each in DEFINITIONS["topic_permissions"]
        if each["user"] == f"certwright_{service}" and each["exchange"] == topology.EVENTS_EXCHANGE
    ]
    allowed = [other for other in deployment.SERVICES if re.search(rights["write"], f"{other}.Something")]
    assert allowed == [service]


def test_dashboard_and_alerts_use_metrics_that_exist():
    names = metric_names()
    for query in queries():
        used = metrics_in(query)
        assert used, query
        assert used <= names, f"{used - names} in {query}"


def test_panels_do_not_overlap():
    taken = set()
    for panel in DASHBOARD["panels"]:
        at = panel["gridPos"]
        cells = {(x, y) for x in range(at["x"], at["x"] + at["w"]) for y in range(at["y"], at["y"] + at["h"])}
        assert not cells & taken, panel["title"]
        assert at["x"] + at["w"] <= 24
        taken |= cells


def test_prometheus_accepts_rules_and_their_tests():
    for arguments in (
        ["check", "config", "prometheus.yaml"],
        ["check", "rules", "rules.yaml"],
        ["test", "rules", "rules_test.yaml"],
    ):
        done = subprocess.run(
            [PROMTOOL, *arguments], cwd=DEPLOY / "prometheus", capture_output=True, text=True, check=False
        )
        assert done.returncode == 0, done.stdout + done.stderr


def agents_unit() -> str:
    """As it is shipped: its places are filled in."""
    shipped = zipfile.ZipFile(io.BytesIO(SourceBundle().build("0" * 32, "http://127.0.0.1")))
    return shipped.read("certwright-agent.service").decode()


def test_systemd_accepts_the_units(tmp_path):
    found = {path.name: path.read_text() for path in sorted((DEPLOY / "systemd").iterdir())}
    found["certwright-agent.service"] = agents_unit()
    units = []
    for name, text in found.items():
        # The programs are not installed here; everything else is verified as it stands.
        unit = tmp_path / name
        unit.write_text(re.sub(r"^(Exec\w+=)\S+", r"\1/bin/true", text, flags=re.MULTILINE))
        units.append(str(unit))
    done = subprocess.run(
        ["systemd-analyze", "verify", "--man=no", *units], capture_output=True, text=True, check=False, timeout=60
    )
    complaints = [line for line in done.stderr.splitlines() if str(tmp_path) in line or "certwright" in line]
    assert complaints == []


@pytest.mark.parametrize("unit", ["certwright.service", "certwright@.service"])
def test_the_units_leave_little_to_attack(unit):
    done = subprocess.run(
        ["systemd-analyze", "security", "--offline=true", "--threshold=20", str(DEPLOY / "systemd" / unit)],
        capture_output=True, text=True, check=False, timeout=60,
    )  # fmt: skip
    assert done.returncode == 0, done.stdout + done.stderr


def test_the_agents_unit_leaves_only_what_a_web_servers_keeper_needs(tmp_path):
    unit = tmp_path / "certwright-agent.service"
    unit.write_text(agents_unit())
    done = subprocess.run(
        ["systemd-analyze", "security", "--offline=true", "--threshold=36", str(unit)],
        capture_output=True, text=True, check=False, timeout=60,
    )  # fmt: skip
    assert done.returncode == 0, done.stdout + done.stderr


def test_secrets_are_written_once_and_closed_to_others(tmp_path):
    folder = tmp_path / "secrets"
    paths = deployment.write(folder, broker="broker:5672", database="db:5432")
    assert folder.stat().st_mode & 0o077 == 0
    assert {path.name for path in paths} >= {f"{name}.env" for name in deployment.PROCESSES}
    with pytest.raises(FileExistsError):
        deployment.write(folder, broker="broker:5672", database="db:5432")
    assert len({user["password_hash"] for user in json.loads((folder / "definitions.json").read_text())["users"]}) == 9
