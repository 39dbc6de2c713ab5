# SPDX-License-Identifier: Apache-2.0
"""The program at the customer's site. Keys are made here and stay here; every byte from the gateway is data.

Standard library and the commands of OpenSSL and OpenSSH only, Python 3.9 and later; of ours it imports nothing but
`shared.probe`.
"""

VERSION = "0.5.0"
