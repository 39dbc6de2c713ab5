# SPDX-License-Identifier: Apache-2.0
"""Invoices: one for each paid order, numbered without a gap, never changed; on paper and by mail."""

from concurrent.futures import ThreadPoolExecutor
from functools import partial

import pytest
from hypothesis import given
from hypothesis import strategies as st

from services.billing.adapters.invoice_pdf import print_invoice
from services.billing.handlers import invoices
from services.billing.model import invoice
from services.billing.model.vat import NotAVATNumberError, canonical
from shared.contracts.accounts import AccountView, Company, Contact
from shared.contracts.billing import GetInvoice, InvoiceIssued, Party, RequestInvoice
from shared.errors import Code, ServiceError

COMPANY = Company(name="Blumen Winter GmbH", address1="Gartenstrasse 7", postcode="10115", country="DE", state="Berlin",
    city="Berlin")  # fmt: skip
CONTACT = Contact(title="Ms", first_name="Nora", last_name="Winter", email="nora@example.com", telephone="+49301234567")
SELLER = Party(name="Certwright Ltd", address=["1 High Street", "Springfield"], country="US")


def account(**changes):
    company = Company(**{name: getattr(COMPANY, name) for name in COMPANY.__struct_fields__} | changes)
    return AccountView(
        account_id="account-1",
        company=company,
        contact=CONTACT,
        created_at="2026-11-01T00:00:00Z",
        order_number=1000001,
    )


def ask(billing, order_id="order-1", email="nora@example.com", company=None, account_id=None, **fields):
    handler = partial(invoices.request_invoice, account=account(**(company or {})), seller=SELLER)
    request = RequestInvoice(order_id=order_id, email=email, **fields)
    return billing.room.execute(handler, request, billing.context(account=account_id))


def refusal(*arguments, **fields):
    with pytest.raises(ServiceError) as caught:
        ask(*arguments, **fields)
    return caught.value


def test_an_invoice_says_who_what_and_how_much(billing):
    billing.paid_by_card()
    made = ask(billing, vat_number="de 123 456 789", note=" Cost centre\n4711 ")
    assert (made.number, made.total, made.tax, made.paid_by) == ("2026-000001", 4995, 0, "card")
    assert (made.seller.name, made.buyer.name, made.buyer.vat_number) == (
        "Certwright Ltd",
        "Blumen Winter GmbH",
        "DE123456789",
    )
    assert made.buyer.address == ["Gartenstrasse 7", "10115 Berlin", "Berlin"]
    assert (made.note, made.buyer.email) == ("Cost centre\n4711", "nora@example.com")
    assert sum(line.amount for line in made.lines) == made.total
    assert invoices.get_invoice(billing.room, GetInvoice(order_id="order-1"), billing.context()) == made


def test_a_repetition_finds_the_same_invoice_whatever_it_says(billing):
    billing.paid_by_card()
    first = ask(billing, note="first")
    billing.clock.forward(days=40)
    again = ask(billing, note="second", company={"name": "Another GmbH"}, vat_number="DE999999999")
    assert again == first
    assert len(billing.room.events(invoice.stream(2026))) == 1
    assert billing.room.events(invoice.stream(2027)) == []


def test_numbers_have_no_gap_and_begin_anew_each_year(billing):
    made = []
    for number in range(3):
        billing.paid_by_card(f"order-{number}")
        made.append(ask(billing, f"order-{number}").number)
        assert refusal(billing, f"order-{number}", email="no address").code is Code.INVALID
    billing.clock.forward(days=60)
    billing.paid_by_card("order-9")
    made.append(ask(billing, "order-9").number)
    assert made == ["2026-000001", "2026-000002", "2026-000003", "2027-000001"]


def test_many_at_once_get_a_number_each(billing):
    for number in range(6):
        billing.paid_by_card(f"order-{number}")
    wanted = [f"order-{number}" for number in range(6)] * 2
    with ThreadPoolExecutor(4) as pool:
        numbers = set(pool.map(lambda order_id: ask(billing, order_id).number, wanted))
    assert numbers == {f"2026-{number:06}" for number in range(1, 7)}
    facts = [each.data for each in billing.room.events(invoice.stream(2026))]
    assert [each.sequence for each in facts if isinstance(each, InvoiceIssued)] == [1, 2, 3, 4, 5, 6]


def test_what_was_given_back_has_no_invoice_unless_it_was_made_before(billing):
    billing.paid_by_card()
    billing.cancel(refund=4995)
    assert refusal(billing).code == Code.ACTION_NOT_ALLOWED


def test_an_invoice_that_was_made_is_found_after_the_money_was_given_back(billing):
    billing.paid_by_card()
    made = ask(billing)
    billing.cancel(refund=4995)
    assert ask(billing) == made


def test_only_paid_orders_of_the_own_account_have_one(billing):
    billing.place(billing.quote())
    assert refusal(billing).code is Code.ACTION_NOT_ALLOWED
    assert refusal(billing, "nothing").code is Code.NOT_FOUND
    billing.pay("order-1")
    assert refusal(billing, account_id="account-2").code is Code.NOT_FOUND
    with pytest.raises(ServiceError):
        invoices.get_invoice(billing.room, GetInvoice(order_id="order-1"), billing.context())
    ask(billing)
    with pytest.raises(ServiceError):
        invoices.get_invoice(billing.room, GetInvoice(order_id="order-1"), billing.context(account="account-2"))
    billing.deposit_of(50_000)
    assert refusal(billing, "topup-1").code is Code.ACTION_NOT_ALLOWED


@pytest.mark.parametrize(
    ("fields", "pointer"),
    [
        ({"email": ""}, "/email"),
        ({"email": "x" * 5000}, "/email"),
        ({"email": "a@b.example\r\nBcc: c@d.example"}, "/email"),
        ({"additional_emails": ["it@example.com", "שלום@🧨"]}, "/additional_emails/1"),
        ({"additional_emails": [f"n{n}@example.com" for n in range(6)]}, "/additional_emails"),
        ({"vat_number": "DE12345678"}, "/vat_number"),
        ({"vat_number": "<b>"}, "/vat_number"),
        ({"note": "x" * 501}, "/note"),
        ({"note": "a\x00b"}, "/note"),
    ],
)
def test_what_does_not_fit_is_refused_with_its_field_and_no_number_is_lost(billing, fields, pointer):
    billing.paid_by_card()
    error = refusal(billing, **fields)
    assert (error.code, error.pointer) == (Code.INVALID, pointer)
    assert ask(billing).number == "2026-000001"


def test_it_is_mailed_to_each_address_once_with_the_file(billing, tmp_path):
    billing.paid_by_card()
    ask(billing, additional_emails=["it@example.com", "nora@example.com"])
    billing.run_jobs(seconds=1)
    files = sorted((tmp_path / "mail").glob("*.eml"))
    texts = [file.read_text() for file in files]
    assert len(texts) == 2
    assert all("invoice-2026-000001.pdf" in text and "application/pdf" in text for text in texts)
    assert sorted(line for text in texts for line in text.splitlines() if line.startswith("To:")) == [
        "To: it@example.com",
        "To: nora@example.com",
    ]


@pytest.mark.parametrize(
    ("text", "country", "number"),
    [
        ("", "DE", ""),
        ("DE123456789", "DE", "DE123456789"),
        ("123.456.789", "DE", "DE123456789"),
        ("ATU12345678", "AT", "ATU12345678"),
        ("U12345678", "AT", "ATU12345678"),
        ("123456789", "GR", "EL123456789"),
        ("NL123456789B01", "NL", "NL123456789B01"),
        ("CHE-123.456.789 MWST", "CH", "CHE123456789MWST"),
        ("GB123456789", "GB", "GB123456789"),
        ("FR AB 123456789", "FR", "FRAB123456789"),
        ("DE123456789", "FR", "DE123456789"),
        ("12-3456789", "US", "123456789"),
    ],
)
def test_a_vat_number_is_brought_into_its_form(text, country, number):
    assert canonical(text, country) == number


@pytest.mark.parametrize(
    ("text", "country"),
    [
        ("12345678", "DE"),
        ("DE1234567890", "DE"),
        ("ATX12345678", "AT"),
        ("!!", "US"),
        ("x" * 99, "US"),
        ("١٢٣٤٥٦٧٨٩", "DE"),
    ],
)
def test_what_has_no_form_of_its_country_is_no_vat_number(text, country):
    with pytest.raises(NotAVATNumberError):
        canonical(text, country)


@given(st.text(max_size=60), st.sampled_from(["DE", "GR", "US", "CH", ""]))
def test_a_vat_number_is_stable_or_refused(text, country):
    try:
        number = canonical(text, country)
    except NotAVATNumberError:
        return
    assert canonical(number, country) == number


def test_the_paper_is_the_same_each_time_and_holds_any_script(billing):
    billing.paid_by_card()
    name = "Άλφα & Цветы <b> שלום 🧨 " + "x" * 150
    made = ask(billing, company={"name": name}, note="Zeile 1\nZeile 2 <i>")
    paper = print_invoice(made)
    assert paper.startswith(b"%PDF-")
    assert print_invoice(made) == paper
    assert b"DejaVuSans" in paper


def test_a_long_invoice_goes_over_pages(billing):
    names = [f"n{number}.example.com" for number in range(60)]
    billing.paid_by_card(quote=billing.quote("dv-multi", names))
    made = ask(billing)
    many = type(made)(**{name: getattr(made, name) for name in made.__struct_fields__} | {"lines": made.lines * 40})
    assert print_invoice(many).count(b"/Type /Page\n") >= 2
