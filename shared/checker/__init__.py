# SPDX-License-Identifier: Apache-2.0
"""What is to be thought of an endpoint: trust, grade and findings, out of the facts of a survey. No I/O."""
