# SPDX-License-Identifier: Apache-2.0
"""Everything that a service says by a code has its text in the console, in both languages."""

from __future__ import annotations

import json
import re
from pathlib import Path
from typing import Any, get_args

import pytest
from certwright_agent.errors import CODES as AGENT_FAULTS

from gateway.problems import KINDS
from services.alerts.model.audit import SENTENCES, SENTENCES_OF_KIND
from services.ca.model.policy import Fault as CAFault
from services.dcv.model.judging import ADVICE, Reason
from services.dcv.model.preflight import BLOCKED, CAUTION, READY
from services.dcv.model.preflight import FINDINGS as PREFLIGHT
from services.discovery.model import agent_scan
from services.discovery.model.targets import TargetFault
from services.discovery.model.upload import UploadFault
from services.installer.handlers import reactions
from services.installer.model import job
from services.orders.model import blocked_on, ending, history, requesting, rollout
from shared.checker.finding_table import FINDINGS
from shared.checker.grade import grade
from shared.checker.verdict import SEVERITIES
from shared.contracts import installer
from shared.contracts.dcv import ACME_METHODS, METHODS
from shared.contracts.installer import findings as site_findings
from shared.pki.csr import CSRFault
from shared.pki.fqdn import NameFault
from shared.pki.keys import KeyFault
from tests.support.golden_events import registered

SOURCES = Path(__file__).parents[2] / "gateway" / "console" / "src"
# What an order itself finds wrong with a certificate that came for it, and with a site.
ORDER_FAULTS = {
    *re.findall(r'"(issuance_\w+)"', (Path(blocked_on.__file__).parent / "issuing.py").read_text()),
    requesting.KEY_TAKEN_CODE,
    requesting.KEY_USED_CODE,
}
FAULTS = {
    *CSRFault, *KeyFault, *NameFault, *CAFault, *AGENT_FAULTS, *ORDER_FAULTS, *UploadFault, *TargetFault,
    job.STOPPED, job.BAD_ANSWER, job.AGENT_REMOVED, job.NOT_IN_TIME, reactions.NO_SERVER[0],
    agent_scan.GONE, agent_scan.UNVERIFIED, agent_scan.NOT_CONNECTED, agent_scan.TOO_OLD,
    rollout.CANARY_FAILED, rollout.SUPERSEDED,
    "file_not_placed",  # the one attempt of the validation that is an agent's
}  # fmt: skip
VARIANTS = {
    "OrderPlaced_topup", "CSRSubmitted_made", "CSRSubmitted_again", "CSRSubmitted_made_again",
    "InstallationWatched_gone", "InstallationWatched_well", "IssuanceDelayed_over", "ReissueRequested_automatic",
    "OrderCancelled_refund", "OrderRejected_refund", "InstallationRequested_approved",
}  # fmt: skip


def words(part: str, language: str) -> dict[str, Any]:
    read: dict[str, Any] = json.loads((SOURCES / part / f"{language}.json").read_text())
    return read


@pytest.fixture(params=["en", "de"])
def said(request):
    return words("sentences", request.param)


def test_every_reason_to_wait_has_its_sentence(said):
    assert set(said["blocked"]) == set(get_args(blocked_on.Reason))
    assert set(said["validationTime"]) == set(blocked_on.VALIDATION_TIME)


def test_every_event_of_an_order_has_its_sentence(said):
    types = {name.removeprefix("orders.") for name in registered() if name.startswith("orders.")}
    assert {each.__name__ for each in history._SENTENCES} == types
    assert set(said["event"]) == types | VARIANTS


def test_every_fault_has_its_sentence(said):
    assert set(said["code"]) == {str(fault) for fault in FAULTS}


def test_everything_amiss_with_a_site_has_its_words(said):
    kinds = set(site_findings.SEVERITIES)
    assert set(said["word"]["findings"]) == set(said["findingCure"]) == kinds
    assert set(said["finding"]) == {*kinds, "trace", "served"}
    assert set(said["tool"]) == {tool.partition(".")[0] for tool in site_findings.TOOLS}
    for sentence in (*said["finding"].values(), *said["findingCure"].values()):
        facts = set(re.findall(r"{{(\w+)}}", sentence)) - {"tool"}
        assert facts <= set(installer.SiteFinding.__struct_fields__)


def test_every_answer_from_outside_has_its_advice(said):
    assert set(said["dcv"]) == {str(reason) for reason in Reason}


def test_values_of_a_closed_list_have_their_word(said):
    assert set(ending.REASONS) <= set(said["word"]["reason"])
    assert set(history.SOURCES) == set(said["word"]["source"])
    assert {*METHODS, *ACME_METHODS} == set(said["word"]["method"])


def test_every_line_of_the_audit_log_has_its_sentence(said):
    kept = {f"{room}.{name}" for room, names in said["audit"].items() for name in names}
    assert kept == {*SENTENCES, *(f"{type_}_{kind}" for type_, kind in SENTENCES_OF_KIND)}


@pytest.mark.parametrize("language", ["en", "de"])
def test_every_problem_has_its_title_and_its_text(language):
    ui = words("ui", language)
    codes = {str(code) for code in KINDS}
    assert codes <= set(ui["problem"])
    assert codes == set(words("sentences", language)["problemText"])
    assert set(job.WORDS) <= set(ui["jobStep"])


def test_the_english_of_the_console_is_that_of_the_services():
    said = words("sentences", "en")
    assert said["dcv"] == {str(reason): text for reason, text in ADVICE.items()}
    for type_, sentence in SENTENCES.items():
        room, name = type_.split(".")
        assert said["audit"][room][name] == re.sub(r"{(\w+)}", r"{{\1}}", sentence)


@pytest.mark.parametrize("language", ["en", "de"])
def test_every_finding_severity_and_rule_of_a_check_has_its_sentence(language):
    tools = words("features/tools", language)
    assert set(tools["finding"]) == set(FINDINGS)
    assert set(tools["severity"]) == set(SEVERITIES)
    grading = (Path(grade.__code__.co_filename)).read_text()
    assert set(tools["rule"]) == set(re.findall(r'"([a-z_0-9]+)",\s+f?"[A-Z][^"]+\."', grading))
    for code, known in FINDINGS.items():
        named = set(re.findall(r"{(\w+)}", known.text))
        assert set(re.findall(r"{{(\w+)}}", tools["finding"][code])) == named, code


@pytest.mark.parametrize("language", ["en", "de"])
def test_every_finding_of_the_pre_flight_has_its_sentence_and_its_cure(language):
    said = words("features/preflight", language)
    assert set(said["finding"]) == set(PREFLIGHT)
    assert set(said["cure"]) == {code for code, known in PREFLIGHT.items() if known.cure}
    assert set(said["severity"]) == {known.severity for known in PREFLIGHT.values()}
    assert set(said["verdict"]) == {READY, CAUTION, BLOCKED}
    for code, known in PREFLIGHT.items():
        facts = set(re.findall(r"{(\w+)}", known.text + known.cure))
        assert set(re.findall(r"{{(\w+)}}", said["finding"][code] + said["cure"].get(code, ""))) == facts, code
        if language == "en":
            assert said["finding"][code] == re.sub(r"{(\w+)}", r"{{\1}}", known.text)
            assert said["cure"].get(code, "") == re.sub(r"{(\w+)}", r"{{\1}}", known.cure)
