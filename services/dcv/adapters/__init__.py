# SPDX-License-Identifier: Apache-2.0
"""How the outside world is asked."""
