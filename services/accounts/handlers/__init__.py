# SPDX-License-Identifier: Apache-2.0
"""What accounts do when asked or told. Passwords are hashed before the transaction begins; nothing here calls out."""
