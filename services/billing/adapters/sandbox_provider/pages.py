# SPDX-License-Identifier: Apache-2.0
"""The hosted payment page: plain HTML, no script, nothing from elsewhere."""

from __future__ import annotations

import json
from typing import Any

from flask import render_template_string

from services.billing.adapters.sandbox_provider.book import IntentRow
from services.billing.adapters.sandbox_provider.cards import CARDS
from services.billing.model.money import money

STYLE = """
:root { color-scheme: light dark; font: 16px/1.5 system-ui, sans-serif }
body { max-width: 34rem; margin: 2rem auto; padding: 0 1rem }
label { display: block; margin-top: .8rem; font-weight: 600 }
input { font: inherit; width: 100%; box-sizing: border-box; padding: .5rem;
  border: 1px solid #767676; border-radius: 6px }
button, .button { font: inherit; display: inline-block; margin-top: 1.2rem; padding: .6rem 1.2rem; border-radius: 6px;
  border: 1px solid #0b5cad; background: #0b5cad; color: #fff; text-decoration: none; cursor: pointer }
button.second { background: transparent; color: inherit; border-color: #767676 }
:focus-visible { outline: 3px solid #f0a500; outline-offset: 2px }
.note { border-left: 4px solid #f0a500; padding: .4rem .8rem } .error { border-color: #b3261e }
td { padding-right: 1rem; vertical-align: top } code { white-space: nowrap }
"""

_PAGE = """<!doctype html>
<html lang="en"><head><meta charset="utf-8"><meta name="viewport" content="width=device-width, initial-scale=1">
<title>{{ title }} – sandbox payment</title><link rel="stylesheet" href="/style.css"></head><body><main>
<p class="note">Sandbox payment provider. No real money moves here. Never enter a real card.</p>
<h1>{{ title }}</h1>
{% if intent %}<p>Order <b>{{ intent.label }}</b><br>Amount <b>{{ amount }} {{ intent.currency }}</b></p>{% endif %}
{% if payer %}<p>{% for text in payer %}{{ text }}{% if not loop.last %}<br>{% endif %}{% endfor %}</p>{% endif %}
{% if message %}<p class="note error" role="alert">{{ message }}</p>{% endif %}
{% if kind == "form" %}
<form method="post" action="/pay/{{ intent.id }}" autocomplete="off">
<label for="number">Card number *</label>
<input id="number" name="number" inputmode="numeric" maxlength="23" required placeholder="4242 4242 4242 4242">
<label for="expiry">Expiry date (MM/YY) *</label>
<input id="expiry" name="expiry" required maxlength="5" pattern="[0-9]{2}/[0-9]{2}">
<label for="code">Card code (3 or 4 digits) *</label>
<input id="code" name="code" inputmode="numeric" required maxlength="4" pattern="[0-9]{3,4}">
<label for="holder">Cardholder's name</label><input id="holder" name="holder" maxlength="100">
<button>Make payment</button></form>
{% elif kind == "bank" %}
<p>Your bank asks: is this payment yours?</p>
<form method="post" action="/pay/{{ intent.id }}/authenticate">
<button name="answer" value="yes">Yes, confirm</button>
<button class="second" name="answer" value="no">No, refuse</button></form>
{% elif kind == "done" %}
<p><a class="button" href="{{ back }}">Back to the shop</a></p>
{% elif kind == "cards" %}
<table><caption>Test cards; any future date and any code</caption>
{% for number, card in cards.items() %}<tr><td><code>{{ number }}</code></td><td>{{ card.title }}</td></tr>{% endfor %}
</table>{% endif %}
</main></body></html>"""


def page(kind: str, title: str, intent: IntentRow | None = None, **values: Any) -> str:
    """The HTML of one page. `kind`: form, bank, done, cards, message."""
    amount = money(intent.amount, intent.currency) if intent else ""
    told = json.loads(intent.payer) if intent and intent.payer else {}
    order = ("name", "address1", "postcode", "city", "state", "country", "phone", "email")
    payer = [told[name] for name in order if told.get(name)]
    return render_template_string(
        _PAGE, kind=kind, title=title, intent=intent, amount=amount, cards=CARDS, payer=payer, **values
    )
