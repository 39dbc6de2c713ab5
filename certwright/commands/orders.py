# SPDX-License-Identifier: Apache-2.0
"""`certwright orders`: list, show (also as of a moment), history."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Annotated, Any

import typer

from certwright.api_client import APIClient, ProblemError
from certwright.commands.connection import URLOption, connect
from certwright.commands.output import JSONOption, console, day, money, print_json, print_table, problems_to_exit_codes

app = typer.Typer(help="Certificate orders: list them, look at one, read its history.", no_args_is_help=True)

Which = Annotated[str, typer.Argument(metavar="ORDER", help="The order's number, or its id.")]


@app.command("list")
@problems_to_exit_codes
def list_orders(
    status: Annotated[str | None, typer.Option(help="Only this status, such as issued.")] = None,
    search: Annotated[str | None, typer.Option(help="Number, FQDN or product.")] = None,
    most: Annotated[int, typer.Option(min=1, help="At most so many rows.")] = 50,
    url: URLOption = None,
    as_json: JSONOption = False,
) -> None:
    """List orders, newest first."""
    rows = list(connect(url).pages("/orders", most=most, status=status, search=search))
    if as_json:
        print_json(rows)
        return
    print_table(
        ("Order", "Product", "Names", "Placed", "Expires", "Status", "Amount"),
        [
            (
                row["number"],
                row["product_name"],
                _names(row["names"]),
                day(row["placed_at"]),
                day(row["expires_at"]),
                _words(row["status"]),
                money(row["amount"], row["currency"]),
            )
            for row in rows
        ],
        empty="No orders. Place one in the console or by POST /api/v1/orders.",
    )


@app.command("show")
@problems_to_exit_codes
def show(
    order: Which,
    as_of: Annotated[
        str | None, typer.Option("--as-of", help="As it was at this moment (2026-11-23 or RFC 3339).")
    ] = None,
    url: URLOption = None,
    as_json: JSONOption = False,
) -> None:
    """Show an order: what it waits for, who must act, and how."""
    api = connect(url)
    found = api.get(f"/orders/{_order_id(api, order)}", as_of=_moment(as_of))
    if as_json:
        print_json(found)
        return
    console.print(f"[bold]Order {found['number']}[/bold]  {found['product_name']}  {_words(found['status'])}")
    console.print(f"  names    {', '.join(found['names']) or '–'}", markup=False)
    console.print(f"  amount   {money(found['amount'], found['currency'])}   placed {found['placed_at']}")
    if found.get("certificate"):
        certificate = found["certificate"]
        console.print(f"  serial   {certificate['serial']}   valid until {certificate['not_after']}")
    for site in found.get("installations", []):
        console.print(f"  site     {site['site_id']}  {site['status']}  {site['served_serial']}", markup=False)
    for reason in found["blocked_on"]:
        console.print(f"  waits    {reason['text']} ({reason['actor']})", markup=False)
    console.print(f"  actions  {', '.join(_words(name) for name in found['allowed_actions']) or 'none'}")


@app.command("history")
@problems_to_exit_codes
def history(order: Which, url: URLOption = None, as_json: JSONOption = False) -> None:
    """Print every event of an order, oldest first."""
    api = connect(url)
    entries = list(api.pages(f"/orders/{_order_id(api, order)}/history", most=10_000))
    if as_json:
        print_json(entries)
        return
    print_table(
        ("#", "When", "Event", "What happened", "By"),
        [
            (entry["version"], entry["occurred_at"][:23], entry["type"], entry["summary"], entry["actor"])
            for entry in entries
        ],
        empty="No events.",
    )


@app.command("forecast")
@problems_to_exit_codes
def forecast(
    order: Annotated[str | None, typer.Argument(metavar="[ORDER]", help="Only this order, step by step.")] = None,
    until: Annotated[str, typer.Option(help="The last day that is looked at.")] = "2029-12-31",
    url: URLOption = None,
    as_json: JSONOption = False,
) -> None:
    """Say what the dated rules will ask of the orders in use: certificates, validations, money, methods that end."""
    api = connect(url)
    found = api.get("/orders/forecast", until=until, order_id=_order_id(api, order) if order else None)
    if as_json:
        print_json(found)
        return
    if not found["orders_total"]:
        console.print("No certificate is in use: there is nothing to foresee.")
    for change in found["changes"]:
        console.print(
            f"{change['since']}  {_RULES[change['table']]}: {change['days']} days at most ({change['source']})"
        )
    for method in found["methods"]:
        console.print(
            f"{method['ends']}  [bold]{_words(method['name'])} ends[/bold]: {method['names']} names of "
            f"{method['orders']} orders rely on it ({method['source']})"
        )
    if order:
        print_table(
            ("When", "What", "Names", "Valid until", "Cost"),
            [
                (
                    day(step["at"]),
                    _words(step["kind"]),
                    _names(step["names"]),
                    day(step["not_after"]),
                    money(step["cost"], found["currency"]) if step["cost"] else "",
                )
                for step in found["steps"]
            ],
            empty="Nothing is due until then.",
        )
        return
    rows = [(each["month"], each["effort"]) for each in found["months"]] + [("all", found["total"])]
    print_table(
        ("Month", "Reissues", "Renewals", "Validations", "Organizations", "Cost"),
        [
            (
                month,
                effort["reissues"],
                effort["renewals"],
                effort["validations"],
                effort["organization_validations"],
                money(effort["cost"], found["currency"]),
            )
            for month, effort in rows
        ],
        empty="",
    )
    if found["unpriced"]:
        console.print(f"{found['unpriced']} orders are for a product or term that is sold no more: they have no price.")


_RULES = {"validity": "certificates", "dcv_reuse": "reuse of a validation", "identity_reuse": "reuse of an identity"}


def _order_id(api: APIClient, order: str) -> str:
    if not order.isdigit():
        return order
    for row in api.pages("/orders", most=100, search=order):
        if str(row["number"]) == order:
            return str(row["order_id"])
    raise ProblemError(404, {"detail": f"There is no order {order} in your account."})


def _moment(text: str | None) -> str | None:
    """A date means its end in UTC; a moment without a zone is in UTC."""
    if text is None:
        return None
    try:
        moment = datetime.fromisoformat(text)
    except ValueError:
        raise typer.BadParameter(f"{text!r} is not a moment such as 2026-11-23 or 2026-11-23T10:00:00Z") from None
    if len(text) == len("2026-11-23"):
        moment = moment.replace(hour=23, minute=59, second=59, microsecond=999_999)
    return (moment if moment.tzinfo else moment.replace(tzinfo=UTC)).isoformat()


def _names(names: list[Any]) -> str:
    return ", ".join(names[:2]) + (f" and {len(names) - 2} more" if len(names) > 2 else "")


def _words(status: str) -> str:
    return status.replace("_", " ")


def register(root: typer.Typer) -> None:
    """Adds the commands."""
    root.add_typer(app, name="orders")
