# SPDX-License-Identifier: Apache-2.0
"""The rooms of Certwright, one package each. They never import one another."""
