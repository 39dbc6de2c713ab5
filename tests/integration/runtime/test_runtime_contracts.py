# SPDX-License-Identifier: Apache-2.0
"""The seams fit: each request has one service that answers it, each event one that says it, and nobody waits in vain.

Read from the service classes as they are run, so that a method or a request that is added is held to it at once.
"""

from __future__ import annotations

import ast
import contextlib
import importlib
import inspect
import operator
import pkgutil

import pytest

import services
import shared.contracts
from certwright.rooms import ROOMS
from shared.contracts.base import Permission, requests
from shared.eventsourcing.event import Event
from shared.messaging.rpc import Rpc
from shared.messaging.subscribe import Subscription
from shared.runtime.service import Service
from tests.support.golden_events import registered

EVERY_SERVICE = "*"  # what each service answers, whatever its subject


def service_class(room):
    module = importlib.import_module(f"services.{room}.service")
    [found] = [
        each
        for _, each in inspect.getmembers(module, inspect.isclass)
        if issubclass(each, Service) and each.__module__ == module.__name__
    ]
    return found


def entrypoints(room, kind):
    """(method name, entrypoint) of a room's service, inherited ones too."""
    for name, member in inspect.getmembers(service_class(room)):
        for entrypoint in getattr(member, "nameko_entrypoints", ()):
            if isinstance(entrypoint, kind):
                yield name, entrypoint


def contracts():
    """Every request that the contracts declare."""
    for module in pkgutil.iter_modules(shared.contracts.__path__, "shared.contracts."):
        importlib.import_module(module.name)
    return [one for one in requests().values() if one.__module__.startswith("shared.contracts.")]


EVENTS = registered()
REQUESTS = contracts()


def test_the_rooms_and_the_folders_of_services_are_the_same():
    assert {module.name for module in pkgutil.iter_modules(services.__path__)} == set(ROOMS)


@pytest.mark.parametrize("room", ROOMS)
def test_a_service_is_called_as_its_room(room):
    assert service_class(room).name == room


@pytest.mark.parametrize("request_type", REQUESTS, ids=lambda one: f"{one.SERVICE}.{one.METHOD}")
def test_a_request_says_who_may_ask_and_exactly_one_method_answers_it(request_type):
    """Quality bar S7: dispatch by a closed table, a permission beside every request."""
    assert isinstance(request_type.PERMISSION, Permission)
    assert request_type.REPLY is not None
    assert request_type.__doc__
    for room in ROOMS if request_type.SERVICE == EVERY_SERVICE else [request_type.SERVICE]:
        answering = [name for name, rpc in entrypoints(room, Rpc) if rpc.request_type is request_type]
        assert answering == [request_type.METHOD]


@pytest.mark.parametrize("room", ROOMS)
def test_a_service_answers_nothing_that_the_contracts_do_not_declare(room):
    for name, rpc in entrypoints(room, Rpc):
        assert rpc.request_type in REQUESTS, name
        assert rpc.request_type.SERVICE in {room, EVERY_SERVICE}, name


@pytest.mark.parametrize("room", ROOMS)
def test_what_a_service_waits_for_is_said_by_some_service(room):
    for name, subscription in entrypoints(room, Subscription):
        assert subscription.types, name
        assert set(subscription.types) <= set(EVENTS), name


@pytest.mark.parametrize("name", sorted(EVENTS))
def test_an_event_is_declared_by_the_room_that_says_it(name):
    publisher, _, short = name.partition(".")
    declared = EVENTS[name]
    assert declared.__module__ == f"shared.contracts.{publisher}" or declared.__module__.startswith(
        (f"shared.contracts.{publisher}.", f"services.{publisher}.")
    )
    assert short == declared.__name__
    assert declared.__doc__


def modules(room):
    """Every module of a room, its migrations aside: these run only under alembic."""
    folder = importlib.import_module(f"services.{room}").__path__
    for module in pkgutil.walk_packages(folder, f"services.{room}."):
        if ".migrations" not in module.name:
            yield importlib.import_module(module.name)


def events_made(module):
    """The types of the events that a module's code makes, wherever it does."""
    for node in ast.walk(ast.parse(inspect.getsource(module))):
        if isinstance(node, ast.Call):
            with contextlib.suppress(AttributeError, RuntimeError):  # a local, or Flask's request outside of one
                made = operator.attrgetter(ast.unparse(node.func))(module)
                if type(made) is type(Event) and issubclass(made, Event):
                    yield made.TYPE


@pytest.mark.parametrize("room", ROOMS)
def test_a_room_says_only_its_own_events(room):
    made = {name for module in modules(room) for name in events_made(module)}
    assert {name.partition(".")[0] for name in made} == {room}
