# SPDX-License-Identifier: Apache-2.0
"""How commands print: tables and sentences for people, one JSON document with `--json`, problems on standard error."""

from __future__ import annotations

import json
import sys
from collections.abc import Callable, Iterable, Sequence
from functools import wraps
from typing import Annotated, Any, ParamSpec, TypeVar

import typer
from rich.console import Console
from rich.table import Table

from certwright.api_client import ProblemError, UnreachableError

P = ParamSpec("P")
R = TypeVar("R")

JSONOption = Annotated[bool, typer.Option("--json", help="Print one JSON document instead of text.")]
FAILED = 1

console = Console()
errors = Console(stderr=True)


def print_json(document: Any) -> None:
    """One JSON document on standard output, ready for `jq`."""
    sys.stdout.write(json.dumps(document, indent=2, ensure_ascii=False) + "\n")


def print_table(columns: Sequence[str], rows: Iterable[Sequence[object]], *, empty: str) -> None:
    """A table, or the sentence `empty` when there is no row."""
    table = Table(box=None, header_style="bold", pad_edge=False)
    for column in columns:
        table.add_column(column, overflow="fold")
    count = 0
    for row in rows:
        table.add_row(*("" if cell is None else str(cell) for cell in row))
        count += 1
    console.print(table if count else empty)


def problems_to_exit_codes(command: Callable[P, R]) -> Callable[P, R]:
    """Turns a refusal of the API into a sentence on standard error and exit code 1."""

    @wraps(command)
    def run(*args: P.args, **kwargs: P.kwargs) -> R:
        try:
            return command(*args, **kwargs)
        except ProblemError as problem:
            errors.print(str(problem), style="red", markup=False)
            if problem.status == 401:
                errors.print("Sign in with: certwright sign-in", markup=False)
        except UnreachableError as error:
            errors.print(str(error), style="red", markup=False)
            errors.print("Is Certwright running there? Give another address with --url or CERTWRIGHT_URL.")
        raise typer.Exit(FAILED)

    return run


def money(amount: int, currency: str) -> str:
    """An amount in minor units for people; every currency of the price list has two digits of them."""
    return f"{amount // 100}.{amount % 100:02d} {currency}"


def day(moment: str | None) -> str:
    """The date of a moment, or nothing."""
    return (moment or "")[:10]
