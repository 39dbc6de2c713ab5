# SPDX-License-Identifier: Apache-2.0
"""How work ends badly: refused with nothing touched, or failed on the way."""

from __future__ import annotations

# Why jobs end badly, for texts in other languages. What has no code here is a matter of the protocol.
CODES = (
    "config_refused", "config_broken", "not_running", "changed_meanwhile", "reload_failed", "not_served", "site_gone",
    "site_not_writable", "port_taken", "certificate_misfit", "certificate_not_valid_now", "chain_misfit", "key_missing",
    "restore_failed", "too_late", "unknown_job", "no_web_root", "no_tls_module", "config_unclear", "program_failed",
    "scan_refused", "file_not_served", "no_manager", "server_not_connected", "server_outdated", "server_keys_missing",
    "server_host_key_changed", "server_gone", "plan_changed",
)  # fmt: skip


class AgentError(Exception):
    """Something for people to read. The text goes into the job's outcome and never holds key material.

    `code` is one of CODES, or empty.
    """

    def __init__(self, detail: str = "", code: str = "") -> None:
        super().__init__(detail)
        self.code = code


def code_of(problem: BaseException) -> str:
    """The code of an error that has one."""
    return problem.code if isinstance(problem, AgentError) else ""


class Refused(AgentError):  # noqa: N818  a refusal is an answer, not an accident
    """The job is not done, and nothing on this host was changed."""


class StepFailed(AgentError):  # noqa: N818  named after what happened
    """A step on the way failed; whoever runs the job puts the old state back."""


class GatewayError(AgentError):
    """The gateway could not be reached, or answered with an error. `status` is 0 when there was no answer;
    `retry_after` are the seconds that it asks to wait, 0 when it does not say."""

    def __init__(self, detail: str, status: int = 0, retry_after: float = 0.0) -> None:
        super().__init__(detail)
        self.status = status
        self.retry_after = retry_after
