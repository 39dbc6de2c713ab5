# SPDX-License-Identifier: Apache-2.0
"""The rules of validation, pure: tokens, judgements, decisions about authorizations."""
