# SPDX-License-Identifier: Apache-2.0
"""A payment provider to try Certwright with: an HTTP origin of its own, test cards, no real money.

It behaves as the big ones do where it matters: hosted payment page, idempotency keys, signed notices that are retried,
and cards that make each of the known troubles happen. It is no part of Certwright's own rules: billing meets it over
HTTP only.
"""
