# SPDX-License-Identifier: Apache-2.0
"""The program: command line, runner and composition of the rooms."""
