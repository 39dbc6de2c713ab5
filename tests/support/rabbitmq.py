# SPDX-License-Identifier: Apache-2.0
"""The private RabbitMQ of the tests: the one that the cluster on one machine uses."""

from certwright.servers.rabbitmq import Server, find_server, running

__all__ = ["Server", "find_server", "running"]
