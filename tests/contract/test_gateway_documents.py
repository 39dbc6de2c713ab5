# SPDX-License-Identifier: Apache-2.0
"""The documents that programs are written against: valid, complete, checked in, and true to their examples."""

import json
import re
from pathlib import Path

import jsonschema
import msgspec
import pytest
from jsonschema import Draft7Validator, Draft202012Validator
from referencing import Registry, Resource
from referencing.jsonschema import DRAFT202012

from gateway import asyncapi, documents, openapi
from gateway.operations import ROUTES
from gateway.problems import KINDS, Problem
from gateway.route import Input
from shared.contracts.base import Permission, requests
from shared.errors import Code

HERE = Path(__file__).parent
OPENAPI = openapi.document()
ASYNCAPI = asyncapi.document()
OPERATIONS = [
    (path, method, operation) for path, methods in OPENAPI["paths"].items() for method, operation in methods.items()
]


def schema_errors(schema, instance, document):
    registry = Registry().with_resource("urn:api", Resource(contents=document, specification=DRAFT202012))
    absolute = json.loads(json.dumps(schema).replace('"#/components', '"urn:api#/components'))
    return [error.message for error in Draft202012Validator(absolute, registry=registry).iter_errors(instance)]


def test_openapi_is_valid():
    schema = json.loads((HERE / "schemas/openapi-3.1.json").read_text())
    jsonschema.validate(OPENAPI, schema, cls=Draft202012Validator)
    for name, component in OPENAPI["components"]["schemas"].items():
        Draft202012Validator.check_schema(component)
        for reference in re.findall(r'"\$ref": "([^"]+)"', json.dumps(component)):
            assert reference.rpartition("/")[2] in OPENAPI["components"]["schemas"], (name, reference)


def test_asyncapi_is_valid():
    schema = json.loads((HERE / "schemas/asyncapi-3.1.0.json").read_text())
    errors = [error.message[:200] for error in Draft7Validator(schema).iter_errors(ASYNCAPI)]
    assert errors == []


@pytest.mark.parametrize("name", sorted(documents.DOCUMENTS))
def test_the_checked_in_document_is_the_one_that_is_served(name):
    assert (documents.FOLDER / name).read_text() == documents.text(documents.DOCUMENTS[name]()), (
        f"docs/{name} is not what the code makes: run `python -m gateway.documents` and look at the difference"
    )


def test_every_operation_has_a_name_a_summary_and_its_refusals():
    names = [operation["operationId"] for _, _, operation in OPERATIONS]
    assert len(names) == len(set(names)) == len(ROUTES)
    for path, method, operation in OPERATIONS:
        where = f"{method} {path}"
        assert operation["summary"], where
        assert operation["description"], where
        assert "security" in operation, where
        statuses = {int(status) for status in operation["responses"]}
        assert statuses >= {400, 404, 422, 429, 500, 503, 504}, where
        if operation["security"]:
            assert statuses >= {401, 403}, where
        if "requestBody" in operation:
            assert statuses >= {408, 413, 415}, where
        assert sum(200 <= status < 300 for status in statuses) == 1, where


def test_every_status_of_a_problem_is_described():
    described = {example["value"]["status"] for response in OPENAPI["components"]["responses"].values()
                 for example in response["content"]["application/problem+json"]["examples"].values()}  # fmt: skip
    assert described == {kind.status for kind in KINDS.values()}
    assert set(Code) <= KINDS.keys()


def test_every_example_fits_its_schema():
    for path, method, operation in OPERATIONS:
        contents = [operation.get("requestBody", {}).get("content", {})]
        contents += [answer.get("content", {}) for answer in operation["responses"].values() if "$ref" not in answer]
        for content in contents:
            for media, part in content.items():
                if "example" in part:
                    found = schema_errors(part["schema"], part["example"], OPENAPI)
                    assert found == [], f"{method} {path} {media}: {found}"
    for response in OPENAPI["components"]["responses"].values():
        for media in response["content"].values():
            for example in media["examples"].values():
                msgspec.convert(example["value"], Problem)
                assert schema_errors(media["schema"], example["value"], OPENAPI) == []


def test_every_example_request_can_be_sent():
    for route in ROUTES:
        one = Input(route)
        if one.body_fields and route.form is None:
            operation = OPENAPI["paths"][route.path][route.method.lower()]
            msgspec.convert(operation["requestBody"]["content"]["application/json"]["example"], one.body_type)


def test_every_example_event_fits_its_schema():
    for name, message in ASYNCAPI["components"]["messages"].items():
        for example in message["examples"]:
            assert schema_errors(message["payload"], example["payload"], ASYNCAPI) == [], name


def test_every_request_for_the_outside_has_an_operation():
    served = {route.request for route in ROUTES}
    # Two that carry no information of their own: the feed's head is for the gateway, streams tell the rest.
    missing = {
        request.__name__
        for (service, _), request in requests().items()
        if request.PERMISSION not in {Permission.INTERNAL, Permission.ACME}
        and request not in served
        and not service.startswith("test")
    }
    assert missing == set()


def test_what_is_for_services_only_cannot_be_served():
    inside = {Permission.INTERNAL, Permission.ACME}  # ACME clients are served by RFC 8555, beside the table
    internal = [request for request in requests().values() if request.PERMISSION in inside]
    assert internal
    for request in internal:
        route = ROUTES[0].__class__(method="POST", path="/x", request=request, summary="x", tag="x")
        with pytest.raises(ValueError, match="not for the outside"):
            Input(route)
