# SPDX-License-Identifier: Apache-2.0
"""Certificates that somebody uploads: the inventory's fourth source, and the way back."""

from __future__ import annotations

from collections.abc import Sequence

from services.discovery.handlers.inventory import take_in
from services.discovery.model.upload import Uploaded, UploadRefusedError, read_upload
from services.discovery.projections.inventory import add_place, drop_if_unseen, known_of, remove_place
from shared.clock import derived_id, to_text
from shared.contracts.base import Done
from shared.contracts.discovery import (
    Place,
    RemoveUpload,
    UploadCertificates,
    UploadedCertificate,
    UploadedCertificates,
)
from shared.contracts.tenancy import account_of
from shared.errors import Code, ServiceError, not_found
from shared.eventstore.unit_of_work import UnitOfWork

UPLOADED = "uploaded"


def read(request: UploadCertificates) -> list[Uploaded]:
    """What is in it. Reading takes time: call it before the transaction. Errors: invalid, with the reason."""
    try:
        return read_upload(request.content)
    except UploadRefusedError as error:
        extra = {"reason": error.fault.value}
        raise ServiceError(Code.INVALID, error.detail, pointer="/content", extra=extra) from None


def upload(uow: UnitOfWork, _request: UploadCertificates, *, found: Sequence[Uploaded]) -> UploadedCertificates:
    """Takes all of it over. Errors: forbidden."""
    account_id = account_of(uow.context)
    at = to_text(uow.now)
    known = known_of(uow.connection, account_id, [one.sighting.fingerprint for one in found])
    for one in found:
        take_in(uow, account_id, one.sighting, at, UPLOADED, chain_pem=one.chain_pem)
        place = Place(source=UPLOADED, seen_at=at)
        fingerprint = one.sighting.fingerprint
        add_place(uow.connection, _place_id(account_id, fingerprint), account_id, fingerprint, place)
    return UploadedCertificates(
        items=[
            UploadedCertificate(
                fingerprint_sha256=one.sighting.fingerprint,
                common_name=one.sighting.common_name,
                names=list(one.sighting.names),
                not_after=one.sighting.not_after,
                known=one.sighting.fingerprint in known,
            )
            for one in found
        ]
    )


def remove_upload(uow: UnitOfWork, request: RemoveUpload) -> Done:
    """Takes it back. Errors: not_found."""
    account_id = account_of(uow.context)
    fingerprint = request.fingerprint_sha256.lower()
    if not remove_place(uow.connection, _place_id(account_id, fingerprint)):
        raise not_found("uploaded certificate")
    drop_if_unseen(uow.connection, account_id, fingerprint)
    return Done(id=fingerprint)


def _place_id(account_id: str, fingerprint: str) -> str:
    return derived_id(UPLOADED, account_id, fingerprint)
