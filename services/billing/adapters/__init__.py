# SPDX-License-Identifier: Apache-2.0
"""Payment providers behind the port."""
