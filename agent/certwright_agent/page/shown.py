# SPDX-License-Identifier: Apache-2.0
"""What the page keeps between a form and the next look at it."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field


@dataclass(frozen=True)
class Question:
    """Is this the host's own key? `way`: copy or add; `fields`: where to, as the form said it."""

    way: str
    fields: Mapping[str, str]
    kind: str
    fingerprint: str


@dataclass
class Shown:
    """A notice, said once; a question that waits for its answer; `seen`: state and detail of servers."""

    notice: str = ""
    failed: bool = False
    question: Question | None = None
    seen: dict[str, tuple[str, str]] = field(default_factory=dict)
