// SPDX-License-Identifier: Apache-2.0
// Moves the one-time token from behind the # into the form, and out of the address bar.
const token = new URLSearchParams(location.hash.slice(1)).get("token");
if (token) {
  document.getElementById("token").value = token;
  history.replaceState(null, "", location.pathname);
}
