# SPDX-License-Identifier: Apache-2.0
"""A job for an agent: created, claimed (again, when its agent was lost), told step by step, ended once."""

from __future__ import annotations

from typing import Any

import msgspec

from services.installer.model.outcome import checked_result, failed, fit_to_keep, succeeded
from shared.clock import derived_id
from shared.contracts.installer import (
    AgentJobClaimed,
    AgentJobCreated,
    AgentJobFailed,
    AgentJobSucceeded,
    AgentStepReported,
    FinishJob,
    StepView,
)
from shared.errors import not_found
from shared.eventsourcing.event import Event
from shared.eventsourcing.fold import Fold

MOST_CLAIMS = 8  # an agent that dies this often over one job will not do it
MOST_STEPS = 60
MOST_CODE = 60  # characters
# Why the service itself ends a job; other codes are the agent's.
STOPPED, BAD_ANSWER, AGENT_REMOVED, NOT_IN_TIME = "agent_stopped", "agent_bad_answer", "agent_removed", "agent_late"
SERVER_GONE = "server_gone"
OPEN = ("waiting", "claimed")
STATUSES = (*OPEN, "succeeded", "failed")
# For steps that an agent names without a word about them.
WORDS = {
    "check": "the host was looked at",
    "plan": "nothing was changed",
    "stage": "the new files are written beside the old ones",
    "swap": "the new files are in their place",
    "test": "the web server accepts the new configuration",
    "reload": "the web server took over the new configuration",
    "verify": "the site serves the new certificate",
    "install": "the installation did not succeed",
    "restore": "what was there before is back",
    "make_csr": "the key and its CSR are made; the key stays on this host",
    "write": "the file is written",
    "look": "the site answers with the file",
    "remove": "the file is gone",
    "handshake": "the TLS bindings were looked at",
    "scan": "the scan has begun; what it finds is shown with the scan",
}


class Job(msgspec.Struct, frozen=True, kw_only=True):
    """What is left of a job's history. `status` is empty before the first event, then that of `JobView`."""

    job_id: str = ""
    agent_id: str = ""
    account_id: str = ""
    server_id: str = ""
    kind: str = ""
    arguments: dict[str, Any] = {}
    order_id: str = ""
    status: str = ""
    claims: int = 0
    steps: tuple[StepView, ...] = ()

    @property
    def open(self) -> bool:
        """Whether it is still to be done."""
        return self.status in OPEN

    @property
    def needs_plan(self) -> bool:
        """Whether only an agent that makes plans may have it."""
        return self.kind == "plan_installation" or bool(self.arguments.get("plan_sha256"))


JOB: Fold[Job] = Fold(Job)


def stream(job_id: str) -> str:
    """The name of a job's stream. What the job led to for others, such as CSRGenerated, stands there too."""
    return f"job-{job_id}"


def job_id(kind: str, cause: str) -> str:
    """The job for one cause, such as one installation: told twice, it is one job."""
    return derived_id("agent-job", kind, cause)


def claim(job: Job) -> list[Event]:
    """Hands the job to its agent, or gives it up when that was in vain too often.

    An agent does one thing at a time, so one that asks for work is not working: a job that it holds was lost.
    """
    if job.claims >= MOST_CLAIMS:
        return give_up(job, f"The agent was stopped {job.claims} times while it worked on this.", code=STOPPED)
    return [AgentJobClaimed(job_id=job.job_id, agent_id=job.agent_id, claim=job.claims + 1)]


def report_step(job: Job, agent_id: str, step: StepView) -> list[Event]:
    """A step of a claimed job; late ones and repetitions are left out. Raises ServiceError `not_found`, `invalid`."""
    _own(job, agent_id)
    fit_to_keep(step)
    if job.status != "claimed" or len(job.steps) >= MOST_STEPS or _known(job, step):
        return []
    return [_told(job, step)]


def finish(job: Job, agent_id: str, request: FinishJob) -> list[Event]:
    """Ends the job and says so to whoever asked for it; nothing when it ended before.

    Raises ServiceError `not_found` for another agent's job, `invalid` for a result that holds what it must not.
    """
    _own(job, agent_id)
    if not job.open:
        return []
    fit_to_keep([request.result, request.reason, [msgspec.to_builtins(step) for step in request.steps]])
    missing = [step for step in request.steps[:MOST_STEPS] if not _known(job, step)]
    events: list[Event] = [_told(job, step) for step in missing]
    result, problem = checked_result(job.kind, job.arguments, request.result) if request.succeeded else ({}, "")
    if request.succeeded and not problem:
        told = succeeded(job.kind, job.arguments, job, result)
        return [*events, AgentJobSucceeded(job_id=job.job_id, result=result), *told]
    reason = problem or request.reason.strip()[:2000] or "The agent gave no reason."
    code = BAD_ANSWER if problem else request.code[:MOST_CODE]
    return [*events, *give_up(job, reason, code=code, rolled_back=request.rolled_back)]


def give_up(job: Job, reason: str, *, code: str = "", rolled_back: bool = False) -> list[Event]:
    """Ends the job as failed and says so; nothing when it ended before."""
    if not job.open:
        return []
    end = AgentJobFailed(job_id=job.job_id, reason=reason, rolled_back=rolled_back, code=code)
    return [end, *failed(job.kind, job.arguments, job, reason, code=code, rolled_back=rolled_back)]


def _own(job: Job, agent_id: str) -> None:
    if not job.status or job.agent_id != agent_id:
        raise not_found("job")


def _known(job: Job, step: StepView) -> bool:
    return any((known.name, known.at) == (step.name[:80], step.at[:40]) for known in job.steps)


def _told(job: Job, step: StepView) -> AgentStepReported:
    return AgentStepReported(job_id=job.job_id, step=_short(step), order_id=job.order_id)


def _short(step: StepView) -> StepView:
    status = step.status if step.status in {"running", "done", "failed", "undone"} else "done"
    words = WORDS.get(step.name, "") if status in {"done", "undone"} else ""
    return StepView(name=step.name[:80], status=status, at=step.at[:40], detail=step.detail[:2000] or words)


@JOB.on(AgentJobCreated)
def _created(_state: Job, event: AgentJobCreated) -> Job:
    return Job(
        job_id=event.job_id,
        agent_id=event.agent_id,
        account_id=event.account_id,
        server_id=event.server_id,
        kind=event.kind,
        arguments=event.arguments,
        order_id=event.order_id,
        status="waiting",
    )


@JOB.on(AgentJobClaimed)
def _claimed(state: Job, event: AgentJobClaimed) -> Job:
    return msgspec.structs.replace(state, status="claimed", claims=event.claim)


@JOB.on(AgentStepReported)
def _stepped(state: Job, event: AgentStepReported) -> Job:
    return msgspec.structs.replace(state, steps=(*state.steps, event.step))


@JOB.on(AgentJobSucceeded)
def _succeeded(state: Job, _event: AgentJobSucceeded) -> Job:
    return msgspec.structs.replace(state, status="succeeded")


@JOB.on(AgentJobFailed)
def _failed(state: Job, _event: AgentJobFailed) -> Job:
    return msgspec.structs.replace(state, status="failed")
