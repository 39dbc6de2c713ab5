# SPDX-License-Identifier: Apache-2.0
"""How the page looks: light and dark as the system says, from a narrow window to a wide one."""

STYLE = """
:root { color-scheme: light dark; --ink: #17211c; --soft: #53605a; --paper: #f6f8f6; --card: #ffffff; --line: #cfd8d3;
  --pine: #14603f; --on-pine: #ffffff; --bad: #a01c1c; }
@media (prefers-color-scheme: dark) {
  :root { --ink: #e8eeea; --soft: #a9b6af; --paper: #121714; --card: #1b221e; --line: #39453e; --pine: #7fd0a6;
    --on-pine: #0c1a12; --bad: #ff9c92; } }
* { box-sizing: border-box; }
body { margin: 0; background: var(--paper); color: var(--ink); font: 16px/1.5 system-ui, sans-serif; }
header, main { max-width: 60rem; margin: 0 auto; padding: 1rem; }
header { padding-bottom: 0; }
h1 { font-size: 1.4rem; margin: 0; }
h2 { font-size: 1.1rem; margin: 0 0 .5rem; }
h3 { font-size: 1rem; margin: 1rem 0 .25rem; }
section { background: var(--card); border: 1px solid var(--line); border-radius: 8px; padding: 1rem; margin: 0 0 1rem; }
p { margin: 0 0 .5rem; max-width: 45rem; }
.soft { color: var(--soft); font-size: .9rem; }
.bad { color: var(--bad); }
dl { display: grid; grid-template-columns: 9rem 1fr; gap: .2rem .75rem; margin: 0; }
dt { color: var(--soft); }
dd { margin: 0; overflow-wrap: anywhere; }
pre { background: var(--paper); border: 1px solid var(--line); border-radius: 6px; padding: .6rem; margin: 0 0 .5rem;
  white-space: pre-wrap; overflow-wrap: anywhere; font-size: .9rem; }
ul { list-style: none; margin: 0; padding: 0; }
li { border-top: 1px solid var(--line); padding: .6rem 0; overflow-wrap: anywhere; }
li:first-child { border-top: 0; }
form { display: flex; flex-wrap: wrap; gap: .6rem; align-items: end; margin: .25rem 0 .5rem; }
label { display: flex; flex-direction: column; font-size: .9rem; flex: 1 1 10rem; }
label.tick { flex-direction: row; gap: .4rem; align-items: center; flex: 0 0 auto; }
input { font: inherit; color: inherit; background: var(--paper); border: 1px solid var(--soft); border-radius: 6px;
  padding: .4rem .5rem; min-width: 0; width: 100%; }
input[type=checkbox] { width: 1.2rem; height: 1.2rem; }
button, a.button { font: inherit; border: 1px solid var(--pine); background: var(--pine); color: var(--on-pine);
  border-radius: 6px; padding: .4rem .9rem; min-height: 2.4rem; cursor: pointer;
  display: inline-block; text-decoration: none; }
button.quiet { background: transparent; color: var(--pine); }
button:disabled { background: transparent; color: var(--soft); border-color: var(--line); cursor: not-allowed; }
:focus-visible { outline: 3px solid var(--pine); outline-offset: 2px; }
@media (max-width: 34rem) { dl { grid-template-columns: 1fr; } dt { margin-top: .3rem; } }
"""
