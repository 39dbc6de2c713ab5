# SPDX-License-Identifier: Apache-2.0
"""One module per command of the program. A module with `register(app)` adds its command to the typer app given.

Modules are found by name in `certwright.cli.COMMANDS` and imported when the program starts: keep heavy imports inside
the functions.
"""
