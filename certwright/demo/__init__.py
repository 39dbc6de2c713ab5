# SPDX-License-Identifier: Apache-2.0
"""The demonstration: the whole main job on real web servers, from sign-up to a certificate on the wire."""
