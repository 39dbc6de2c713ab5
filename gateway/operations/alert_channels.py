# SPDX-License-Identifier: Apache-2.0
"""Where alerts go: channels of an account, and links to subscribe to."""

from __future__ import annotations

from gateway import calendar_file, subscription
from gateway.route import Route
from shared.contracts import alert_channels as c

CERTIFICATES = "Certificates"
CHANNELS, ONE = "/api/v1/alert-channels", "/api/v1/alert-channels/{channel_id}"
LINKS, LINK = "/api/v1/alert-feeds", "/api/v1/alert-feeds/{link_id}"

ROUTES = (
    Route(
        method="GET", path=CHANNELS, request=c.ListChannels, tag=CERTIFICATES,
        summary="Channels that alerts go over, oldest first",
    ),
    Route(
        method="POST", path=CHANNELS, request=c.MakeChannel, tag=CERTIFICATES, status=201,
        summary="Make a channel; the secret of a webhook is shown this once",
    ),
    Route(
        method="PATCH", path=ONE, request=c.ChangeChannel, tag=CERTIFICATES,
        summary="Change what is given, also on or off",
    ),
    Route(
        method="DELETE", path=ONE, request=c.RemoveChannel, tag=CERTIFICATES, status=204,
        summary="Remove a channel",
    ),
    Route(
        method="POST", path=f"{ONE}/test", request=c.TestChannel, tag=CERTIFICATES,
        summary="Send a test alert and say what came back",
    ),
    Route(
        method="GET", path=LINKS, request=c.ListFeedLinks, tag=CERTIFICATES,
        summary="Links to subscribe to, oldest first",
    ),
    Route(
        method="POST", path=LINKS, request=c.MakeFeedLink, tag=CERTIFICATES, status=201,
        summary="Make a link for calendars and feed readers; its addresses are shown this once",
    ),
    Route(
        method="DELETE", path=LINK, request=c.EndFeedLink, tag=CERTIFICATES, status=204,
        summary="End a link at once",
    ),
    Route(
        method="GET", path="/feeds/{token}/certificates.ics", request=c.OpenFeedLink, tag=CERTIFICATES,
        name="subscribe_certificate_ends", summary="Coming ends of certificates as a calendar, by the secret of a link",
        answer=subscription.calendar, media=calendar_file.MEDIA,
    ),
    Route(
        method="GET", path="/feeds/{token}/alerts.rss", request=c.OpenFeedLink, tag=CERTIFICATES,
        name="subscribe_alerts", summary="The newest alerts as RSS, by the secret of a link",
        answer=subscription.rss, media=subscription.RSS,
    ),
)  # fmt: skip
