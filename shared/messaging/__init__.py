# SPDX-License-Identifier: Apache-2.0
"""Requests and events between services: RabbitMQ or the embedded broker, the same promises on both."""
