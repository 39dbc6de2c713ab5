# SPDX-License-Identifier: Apache-2.0
"""Lists as CSV: what every reader reads the same, what no spreadsheet takes for a formula, all pages in turn."""

import csv
import io
import itertools
import re
import tracemalloc

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st

from gateway.examples import example
from gateway.operations import ROUTES
from gateway.spreadsheet import MOST_ROWS, Number, cell, line, money
from shared.contracts import alerts, billing, discovery, installer, orders
from shared.contracts.base import Page
from shared.errors import Code, ServiceError

FORMULAS = "=+-@\t\r\n＝＋－＠"
LISTS = {
    "orders": orders.ListOrders,
    "certificates": discovery.ListInventory,
    "sites": installer.ListSites,
    "statement": billing.ListStatement,
    "audit": alerts.ListAudit,
}
# Readers know NUL and lone halves of pairs as nothing that can stand in a text file.
TEXT = st.text(st.characters(exclude_categories=["Cs"], exclude_characters="\x00"))


def read(text):
    return list(csv.reader(io.StringIO(text, newline=""), strict=True))


@given(TEXT)
def test_no_cell_begins_like_a_formula(text):
    (shown,) = read(line([text]))[0] or [""]
    assert shown[:1] not in FORMULAS or not shown
    assert shown == (f"'{text}" if text and text[0] in FORMULAS else text)


@given(st.lists(TEXT, min_size=2, max_size=6))
def test_a_row_is_read_as_the_cells_that_were_written(texts):
    (row,) = read(line(texts))
    assert [one.removeprefix("'") for one in row] == [one.removeprefix("'") for one in texts]


@given(st.integers(min_value=-(10**12), max_value=10**12))
def test_money_stays_a_number_also_below_zero(amount):
    text = cell(money(amount))
    assert re.fullmatch(r"-?\d+\.\d\d", text)
    assert round(float(text) * 100) == amount


@pytest.mark.parametrize(
    ("value", "text"),
    [
        (None, ""),
        (True, "yes"),
        (False, "no"),
        (-7, "-7"),
        ("-7", "'-7"),
        (Number("-7.00"), "-7.00"),
        ("a;=1", '"a;=1"'),
        ('say "hi"', '"say ""hi"""'),
        (["=a", "b"], '"\'=a, b"'),
        ("ünïcode", "ünïcode"),
    ],
)
def test_cells(value, text):
    assert cell(value) == text


def pages(request, count, page=200):
    """Answers with `count` items in pages, by cursor or by offset, and notes the largest page that was held."""
    kind = request.REPLY.__args__[0]
    item = msgspec.convert(example(kind), kind)

    def answer(asked, _context):
        start = int(asked.cursor or 0) or getattr(asked, "offset", 0)
        end = min(start + asked.limit, count)
        turned = getattr(asked, "sort", None) not in {None, "-number", "not_after", "name"}
        following = str(end) if end < count and not turned else None
        return Page(items=[item] * (end - start), next_cursor=following, total=count)

    return answer


@pytest.mark.parametrize("name", LISTS)
def test_a_file_has_all_rows_of_all_pages(client, rpc, bearer, name):
    rpc.answers[LISTS[name]] = pages(LISTS[name], 450)
    answer = client.get(f"/api/v1/{name}.csv", headers=bearer)
    assert answer.status_code == 200
    assert answer.headers["Content-Type"] == "text/csv; charset=utf-8; header=present"
    assert re.fullmatch(rf'attachment; filename="{name}-\d{{4}}-\d\d-\d\d\.csv"', answer.headers["Content-Disposition"])
    rows = read(answer.get_data(as_text=True))
    assert len(rows) == 451
    assert len({len(row) for row in rows}) == 1
    assert len(rpc.asked) == 3


def test_a_list_without_cursors_goes_on_by_offset(client, rpc, bearer):
    kind = discovery.ListScanResults
    row = msgspec.convert(example(discovery.ScanResult), discovery.ScanResult)

    def answer_with(asked, _context):
        return Page(items=[row] * max(0, min(asked.limit, 450 - asked.offset)), total=450)

    rpc.answers[kind] = answer_with
    scan_id = "0b6f2a54-5d0e-4a3c-9b7e-6a4f1c2d3e4f"
    answer = client.get(f"/api/v1/scans/{scan_id}/results.csv", headers=bearer)
    assert len(read(answer.get_data(as_text=True))) == 451
    assert len(rpc.asked) == 3


def test_a_file_in_another_order_goes_on_by_offset(client, rpc, bearer):
    rpc.answers[orders.ListOrders] = pages(orders.ListOrders, 400)
    answer = client.get("/api/v1/orders.csv?sort=amount&status=issued", headers=bearer)
    assert len(read(answer.get_data(as_text=True))) == 401
    assert [(asked.offset, asked.status) for asked in rpc.asked] == [(0, "issued"), (200, "issued"), (400, "issued")]


def test_rows_leave_before_the_next_page_is_asked_for(client, rpc, bearer):
    rpc.answers[orders.ListOrders] = pages(orders.ListOrders, 1000)
    answer = client.get("/api/v1/orders.csv", headers=bearer, buffered=False)
    chunks = answer.iter_encoded()
    list(itertools.islice(chunks, 2))
    assert len(rpc.asked) == 2
    answer.close()


def test_a_long_file_takes_no_more_memory_than_a_short_one(client, rpc, bearer):
    def peak(count):
        rpc.answers[discovery.ListInventory] = pages(discovery.ListInventory, count)
        answer = client.get("/api/v1/certificates.csv", headers=bearer, buffered=False)
        tracemalloc.start()
        try:
            rows = sum(chunk.count(b"\r\n") for chunk in answer.iter_encoded())
            return rows - 1, tracemalloc.get_traced_memory()[1]
        finally:
            tracemalloc.stop()
            answer.close()

    peak(400)
    short, long = peak(1000), peak(20_000)
    assert (short[0], long[0]) == (1000, 20_000)
    assert long[1] < short[1] + 1024 * 1024
    counted = [asked.total for asked in rpc.asked if isinstance(asked, discovery.ListInventory)]
    assert counted.count(True) == 3


def test_too_many_rows_are_refused_before_anything_is_sent(client, rpc, bearer):
    rpc.answers[orders.ListOrders] = Page(items=[], total=MOST_ROWS + 1)
    answer = client.get("/api/v1/orders.csv", headers=bearer)
    assert answer.status_code == 422
    assert "Narrow" in answer.json["detail"]


def test_a_refusal_is_a_problem_document_and_no_file(client, rpc, bearer):
    rpc.answers[orders.ListOrders] = ServiceError(Code.INVALID, "no", pointer="/sort")
    answer = client.get("/api/v1/orders.csv?sort=x", headers=bearer)
    assert (answer.status_code, answer.mimetype) == (422, "application/problem+json")
    assert client.get("/api/v1/orders.csv").status_code == 401
    assert client.get("/api/v1/audit.csv", headers=viewer(rpc)).status_code == 403


def viewer(rpc):
    return {"Authorization": f"Bearer {rpc.person('viewer', permissions=['view'])}"}


@pytest.mark.parametrize("parameter", ["limit=5", "cursor=x", "offset=5"])
def test_pages_are_not_the_clients_to_choose(client, bearer, parameter):
    assert client.get(f"/api/v1/orders.csv?{parameter}", headers=bearer).status_code == 422


def test_amounts_are_decimal_beside_their_currency(client, rpc, bearer):
    entry = billing.StatementLine(id="1", at="now", text="=cmd", amount=-4595, balance=5, currency="USD")
    rpc.answers[billing.ListStatement] = Page(items=[entry], total=1)
    head, row = read(client.get("/api/v1/statement.csv", headers=bearer).get_data(as_text=True))
    shown = dict(zip(head, row, strict=True))
    assert (shown["amount"], shown["balance"], shown["currency"], shown["text"]) == ("-45.95", "0.05", "USD", "'=cmd")


def test_every_list_with_a_file_keeps_its_permission():
    files = [route for route in ROUTES if route.path.endswith(".csv")]
    assert {route.request for route in files} == {*LISTS.values(), discovery.ListScanResults}
