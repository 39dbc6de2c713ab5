# SPDX-License-Identifier: Apache-2.0
"""The certificate that an order would have installed now, for the room that works on servers."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import msgspec

from shared.context import Context
from shared.contracts.orders.requests import GetCertificate, GetOrder
from shared.contracts.orders.views import CertificateFile, OrderView
from shared.contracts.tenancy import account_of
from shared.errors import Code, ServiceError


def ask_for_certificate(send: Callable[..., Any], order_id: str, context: Context) -> tuple[OrderView, CertificateFile]:
    """Order and newest certificate. Raises ServiceError: not_found, or action_not_allowed where the order does not
    offer an installation now.
    """
    account_of(context)
    asking = msgspec.structs.replace(context, permissions=frozenset({"signed_in", "view"}), command_id=None)
    order: OrderView = send(GetOrder(order_id=order_id), asking)
    if "auto_install" not in order.allowed_actions:
        raise ServiceError(Code.ACTION_NOT_ALLOWED, "The order has no certificate that can be installed now.")
    certificate: CertificateFile = send(GetCertificate(order_id=order_id), asking)
    return order, certificate
