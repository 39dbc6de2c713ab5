# SPDX-License-Identifier: Apache-2.0
"""The ACME server (RFC 8555, RFC 9773): the protocol; the rules of the field are the services' (ADR 0019)."""
