# SPDX-License-Identifier: Apache-2.0
"""Fills a `shared.probe.survey.Survey` from a real endpoint: one module for each thing that is asked."""
