# SPDX-License-Identifier: Apache-2.0
"""Outgoing mail behind one port: by SMTP, or into a folder when no server is configured."""
