# SPDX-License-Identifier: Apache-2.0
"""Running services: the base class, the container, the runner, health and metrics."""
