# SPDX-License-Identifier: Apache-2.0
"""The worker program, the policy of addresses, the judgement."""
