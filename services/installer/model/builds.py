# SPDX-License-Identifier: Apache-2.0
"""The closed list of what can be downloaded for an agent (guide §3.1), and what each build can do."""

from __future__ import annotations

from dataclasses import dataclass

from shared.errors import not_found

# Where it works on sites of a kind of web server: the host that it runs on, also Linux hosts behind SSH, or nowhere.
HERE, HERE_AND_SSH, NOWHERE = "here", "here_and_ssh", "none"


@dataclass(frozen=True)
class Build:
    """`ending` of its file's name; `page`: has the local web page; `sites`: HERE, HERE_AND_SSH."""

    name: str
    ending: str
    page: bool
    sites: str

    def file_name(self, uid: str, version: str) -> str:
        """Such as `certwright-agent-9f86d081_0.4.0_all.deb`; the stand-alone program has no UID in it."""
        name = "certwright-utility" if self is UTILITY else f"certwright-agent-{uid[:8]}"
        return f"{name}_{version}{self.ending}"

    def works_on(self, web_server: str) -> str:
        """HERE, HERE_AND_SSH or NOWHERE. There is no part for IIS yet, so that no build says so."""
        return NOWHERE if web_server == "iis" else self.sites


DEBIAN = Build("debian", "_all.deb", page=True, sites=HERE_AND_SSH)
LINUX = Build("linux", ".zip", page=True, sites=HERE_AND_SSH)
UTILITY = Build("utility", ".zip", page=False, sites=HERE)
BUILDS = (DEBIAN, LINUX, UTILITY)


def build_named(name: str) -> Build:
    """One of BUILDS. Raises ServiceError `not_found`."""
    for build in BUILDS:
        if build.name == name:
            return build
    raise not_found("build")
