# SPDX-License-Identifier: Apache-2.0
"""Settings are read strictly; crash points do nothing unless they are asked for."""

import subprocess
import sys

import pytest
from pydantic import ValidationError
from pydantic_settings import SettingsConfigDict

from shared.eventstore.database import Database
from shared.settings import PrefixedSettings, Settings, unknown_names


class OrdersSettings(PrefixedSettings):
    model_config = SettingsConfigDict(env_prefix="CERTWRIGHT_ORDERS_")

    page_size: int = 50


@pytest.fixture(autouse=True)
def clean(monkeypatch, tmp_path):
    monkeypatch.chdir(tmp_path)
    for name in ("AMQP_URI", "DATABASE_URL"):
        monkeypatch.delenv(name, raising=False)


def test_the_default_needs_no_server():
    settings = Settings()
    assert (settings.amqp_uri, settings.database_url) == ("embedded://", "")


@pytest.mark.parametrize("name", ["AMQP_URI", "CERTWRIGHT_AMQP_URI"])
def test_the_broker_is_named_with_or_without_prefix(monkeypatch, name):
    monkeypatch.setenv(name, "amqp://localhost")
    assert Settings().amqp_uri == "amqp://localhost"


def test_a_misspelt_name_is_refused(monkeypatch):
    monkeypatch.setenv("CERTWRIGHT_DATA_DIRR", "x")
    with pytest.raises(ValidationError, match="unknown settings: CERTWRIGHT_DATA_DIRR"):
        Settings()


def test_a_misspelt_name_in_the_file_is_refused(tmp_path):
    (tmp_path / ".env").write_text("CERTWRIGHT_LOGLEVEL=info\n")
    with pytest.raises(ValidationError, match="CERTWRIGHT_LOGLEVEL"):
        Settings()


def test_the_file_is_read(tmp_path):
    (tmp_path / ".env").write_text("CERTWRIGHT_LOG_LEVEL=debug\nCERTWRIGHT_ORDERS_PAGE_SIZE=7\n")
    assert Settings().log_level == "debug"
    assert OrdersSettings().page_size == 7


def test_names_of_other_rooms_are_theirs(monkeypatch):
    monkeypatch.setenv("CERTWRIGHT_ORDERS_PAGE_SIZE", "7")
    monkeypatch.setenv("CERTWRIGHT_BILLING_X", "7")
    assert Settings().database_connections == 8
    assert OrdersSettings().page_size == 7
    assert unknown_names(OrdersSettings, {"CERTWRIGHT_ORDERS_PAGES": "1", "CERTWRIGHT_BILLING_X": "1"}) == [
        "CERTWRIGHT_ORDERS_PAGES"
    ]


def test_a_database_that_is_not_supported_is_refused():
    with pytest.raises(ValueError, match="no support for a mysql database"):
        Database.open("orders", Settings(database_url="mysql://localhost/x"))


CODE = "from shared.crashpoint import crash_point\ncrash_point('orders/place/before-commit')\nprint('alive')\n"


def run(tmp_path, **env):
    environ = {"PYTHONPATH": ":".join(sys.path), **env}
    return subprocess.run([sys.executable, "-c", CODE], env=environ, capture_output=True, text=True, check=False)


def test_a_crash_point_is_inert_unless_asked_for(tmp_path):
    assert run(tmp_path).stdout == "alive\n"
    assert run(tmp_path, CERTWRIGHT_CRASH_AT="billing/*").stdout == "alive\n"


def test_a_crash_point_kills_each_time_or_once(tmp_path):
    assert run(tmp_path, CERTWRIGHT_CRASH_AT="orders/*").returncode == 137
    mark = str(tmp_path / "mark")
    once = {"CERTWRIGHT_CRASH_AT": "orders/place/before-commit", "CERTWRIGHT_CRASH_MARK": mark}
    assert [run(tmp_path, **once).returncode for _ in range(2)] == [137, 0]


def test_crash_points_can_be_planned_while_the_process_runs(tmp_path):
    plan = tmp_path / "plan"
    planned = {"CERTWRIGHT_CRASH_PLAN": str(plan)}
    assert run(tmp_path, **planned).stdout == "alive\n"
    plan.mkdir()
    (plan / "one").write_text("orders/other/*")
    assert run(tmp_path, **planned).stdout == "alive\n"
    (plan / "two").write_text("orders/place/*\n")
    assert [run(tmp_path, **planned).returncode for _ in range(2)] == [137, 0]
    assert [file.name for file in plan.iterdir()] == ["one"]
