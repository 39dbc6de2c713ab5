# SPDX-License-Identifier: Apache-2.0
"""The console is served: one page below /console/ with a new nonce each time, files that are asked again."""

import gzip
import re

import pytest


def test_the_bare_address_leads_to_the_console(client):
    answer = client.get("/")
    assert (answer.status_code, answer.headers["Location"]) == (302, "/console/")


@pytest.mark.parametrize("path", ["/console/", "/console/orders", "/console/orders/1/payment", "/console/../x"])
def test_every_address_of_the_console_is_its_page(client, path):
    answer = client.get(path)
    assert answer.status_code == 200
    assert answer.content_type == "text/html; charset=utf-8"


def test_the_page_carries_a_new_nonce_that_its_policy_names(client):
    nonces = set()
    for _ in range(2):
        answer = client.get("/console/")
        policy = answer.headers["Content-Security-Policy"]
        [nonce] = re.findall(r"'nonce-([\w-]+)'", policy)
        assert f'content="{nonce}"' in answer.text
        assert "unsafe" not in policy
        nonces.add(nonce)
    assert len(nonces) == 2


def test_a_file_is_packed_and_not_sent_twice(client):
    answer = client.get("/console/assets/index.js", headers={"Accept-Encoding": "gzip"})
    plain = client.get("/console/assets/index.js", headers={"Accept-Encoding": "identity"})
    assert answer.headers["Content-Encoding"] == "gzip"
    assert gzip.decompress(answer.data) == plain.data
    again = client.get("/console/assets/index.js", headers={"If-None-Match": answer.headers["ETag"]})
    assert (again.status_code, again.data) == (304, b"")


@pytest.mark.parametrize("path", ["/console/assets/none.js", "/console/assets/../../settings.py"])
def test_what_was_not_built_is_not_found(client, path):
    assert client.get(path).status_code == 404
