# SPDX-License-Identifier: Apache-2.0
"""A client of the API that repeats a request under the same Idempotency-Key until it has an answer that is one."""

from __future__ import annotations

import time
import uuid

from certwright.api_client import APIClient, ProblemError, UnreachableError

PATIENCE_S = 120.0


class PatientAPI(APIClient):
    """Repeats what got no answer, or the answer that nobody is there, under the same key."""

    def call(self, method, path, body=None, *, params=None, idempotency_key=None):
        key = idempotency_key or str(uuid.uuid4())
        deadline = time.monotonic() + PATIENCE_S
        while True:
            try:
                return super().call(method, path, body, params=params, idempotency_key=key)
            except (ProblemError, UnreachableError) as error:
                unsure = isinstance(error, UnreachableError) or error.status in {500, 502, 503, 504}
                if not unsure or time.monotonic() > deadline:
                    raise
                time.sleep(0.2)
