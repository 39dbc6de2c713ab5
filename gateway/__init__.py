# SPDX-License-Identifier: Apache-2.0
"""The HTTP face of Certwright: API, agent API, event stream. No rule of the field lives here."""
