# SPDX-License-Identifier: Apache-2.0
"""The language between rooms: one module per service with its requests, replies, views and events."""
