# SPDX-License-Identifier: Apache-2.0
"""Every operation of the HTTP API, in the order of the reference page."""

from __future__ import annotations

from gateway.operations import (
    accounts,
    agents,
    alert_channels,
    billing,
    certificates,
    console,
    discovery,
    installer,
    operator,
    orders,
    replacements,
    spreadsheets,
    validation,
)
from gateway.route import Route

ROUTES: tuple[Route, ...] = (
    *accounts.ROUTES,
    *console.ROUTES,
    *billing.ROUTES,
    *orders.ROUTES,
    *replacements.ROUTES,
    *validation.ROUTES,
    *installer.ROUTES,
    *certificates.ROUTES,
    *discovery.ROUTES,
    *alert_channels.ROUTES,
    *spreadsheets.ROUTES,
    *operator.ROUTES,
    *agents.ROUTES,
)

TAGS: dict[str, str] = {
    "Sign-in": "Sign-up, sessions of browsers, and the own user.",
    "Account": "The company, its users and its API tokens.",
    "Shop": "Products, quotes, payments and the deposit account. Amounts are integers in minor units.",
    "Orders": "Certificate orders from placement to revocation. `allowed_actions` says what may be done.",
    "Replacements": "Many certificates replaced at once, after an incident or to practise for one.",
    "Validation": "Domain control validation: one authorization per FQDN.",
    "Servers": "Agents, servers, sites, and what agents do on them.",
    "Certificates": "The inventory of every known certificate, and the alerts before they end.",
    "Discovery": "Scans for certificates, and the SSL checker.",
    "Events": "Everything that happened to the account, as CloudEvents.",
    "Operator": "For those who run this installation.",
    "CA": "Certificates and the revocation list of the built-in CA.",
    "Agent": "For the agent program only.",
}
