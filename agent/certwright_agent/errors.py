# SPDX-License-Identifier: Apache-2.0
"""How work ends badly: refused with nothing touched, or failed on the way."""

from __future__ import annotations


class AgentError(Exception):
    """Something for people to read. The text goes into the job's outcome and never holds key material."""


class Refused(AgentError):  # noqa: N818  a refusal is an answer, not an accident
    """The job is not done, and nothing on this host was changed."""


class StepFailed(AgentError):  # noqa: N818  named after what happened
    """A step on the way failed; whoever runs the job puts the old state back."""


class GatewayError(AgentError):
    """The gateway could not be reached, or answered with an error. `status` is 0 when there was no answer."""

    def __init__(self, detail: str, status: int = 0) -> None:
        super().__init__(detail)
        self.status = status
