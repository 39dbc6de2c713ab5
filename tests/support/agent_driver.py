# SPDX-License-Identifier: Apache-2.0
"""Runs one job in an agent of its own process, so that tests may kill it: `agent_driver <agent.json> <job.json>`."""

import json
import os
import signal
import subprocess
import sys
import uuid
from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]


def run(settings, job, *, crash_at="", python=sys.executable):
    """Starts the process and returns its outcome, or None when it killed itself at `crash_at`."""
    path = settings.parent / "job.json"
    path.write_text(json.dumps(job))
    environment = {**os.environ, "PYTHONPATH": f"{ROOT}:{ROOT / 'agent'}", "CERTWRIGHT_AGENT_CRASH_AT": crash_at}
    done = subprocess.run(
        [python, __file__, str(settings), str(path)],
        capture_output=True,
        text=True,
        env=environment,
        timeout=120,
        check=False,
    )
    if done.returncode == -signal.SIGKILL:
        return None
    assert done.returncode == 0, done.stderr
    return json.loads(done.stdout)


def killed(settings, job, point):
    """Does the job until the process kills itself at `point`."""
    return killed_while(lambda: _work(settings, job), point)


def killed_while(act, point):
    """Acts in a child of this process, which is faster than a new one, until it kills itself at `point`."""
    child = os.fork()
    if child == 0:
        try:
            os.environ["CERTWRIGHT_AGENT_CRASH_AT"] = point
            act()
        finally:
            os._exit(1)
    return os.waitstatus_to_exitcode(os.waitpid(child, 0)[1]) == -signal.SIGKILL


def job(kind, **arguments):
    return {
        "job_id": str(uuid.uuid4()),
        "kind": kind,
        "arguments": arguments,
        "expires_at": "2999-01-01T00:00:00.000000Z",
    }


def write_settings(folder, web_servers, roots, **more):
    path = folder / "agent.json"
    settings = {
        "gateway": "http://127.0.0.1:1",
        "uid": "0" * 32,
        "web_servers": web_servers,
        "roots": [str(root) for root in roots],
        "save_directory": str(folder / "saved"),
        "verify_seconds": 4,
        **more,
    }
    path.write_text(json.dumps(settings))
    return path


def _work(settings, job):
    from certwright_agent.config import load
    from certwright_agent.jobs import Worker

    worker = Worker(load(settings))
    worker.recover()
    return worker.work(job, lambda step: None)[1]


def main():
    from dataclasses import asdict

    print(json.dumps(asdict(_work(Path(sys.argv[1]), json.loads(Path(sys.argv[2]).read_text())))))


if __name__ == "__main__":
    main()
