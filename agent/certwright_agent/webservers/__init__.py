# SPDX-License-Identifier: Apache-2.0
"""What the agent knows about each web server: its configuration language, its test, its reload."""
