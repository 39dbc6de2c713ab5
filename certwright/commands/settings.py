# SPDX-License-Identifier: Apache-2.0
"""`certwright settings`: every setting with its meaning and default; docs/settings.md is its output."""

from __future__ import annotations

import importlib
from collections.abc import Iterator
from typing import Annotated, Any

import typer

from certwright.commands.output import JSONOption, print_json, print_table
from certwright.rooms import ROOMS

MODULES = (
    "shared.settings",
    "shared.egress.settings",
    "shared.mail.settings",
    "gateway.settings",
    *(f"services.{room}.settings" for room in ROOMS),
)
HEAD = """# Settings

Read from the environment, or from a file `.env` in the folder where Certwright is started. A name that nothing reads is
refused at start. Lists are JSON. This page is the output of `certwright settings --markdown`.
"""


def register(app: typer.Typer) -> None:
    """Adds the command."""
    app.command()(settings)


def settings(
    markdown: Annotated[bool, typer.Option("--markdown", help="As docs/settings.md.")] = False,
    as_json: JSONOption = False,
) -> None:
    """List every setting with its default and meaning."""
    found = list(every_setting())
    if as_json:
        print_json(found)
    elif markdown:
        typer.echo(as_markdown(found), nl=False)
    else:
        rows = [(each["name"], each["default"], each["meaning"]) for each in found]
        print_table(("Setting", "Default", "Meaning"), rows, empty="There are none.")


def every_setting() -> Iterator[dict[str, str]]:
    """Name, default and meaning of each setting, by module."""
    from pydantic import AliasChoices, SecretStr

    from shared.settings import PrefixedSettings

    for module in MODULES:
        try:
            members = vars(importlib.import_module(module)).values()
        except ModuleNotFoundError as missing:
            if missing.name != module:
                raise
            continue
        for kind in members:
            if not (isinstance(kind, type) and issubclass(kind, PrefixedSettings) and kind.__module__ == module):
                continue
            prefix = str(kind.model_config.get("env_prefix", ""))
            for name, field in kind.model_fields.items():
                names = [prefix + name.upper()]
                if isinstance(field.validation_alias, AliasChoices):
                    names = [str(each) for each in field.validation_alias.choices if str(each).isupper()]
                default: Any = field.get_default(call_default_factory=True)
                secret = isinstance(default, SecretStr)
                yield {
                    "name": " or ".join(names),
                    "default": "" if secret or default is None else str(default),
                    "meaning": " ".join((field.description or "").split()),
                }


def as_markdown(found: list[dict[str, str]]) -> str:
    """A page with one table."""
    lines = [HEAD, "| setting | default | meaning |", "|---|---|---|"]
    for each in found:
        default = f"`{each['default']}`" if each["default"] else ""
        lines.append(f"| `{each['name']}` | {default} | {each['meaning'].replace('|', chr(92) + '|')} |")
    return "\n".join(lines) + "\n"
