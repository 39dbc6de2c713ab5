// SPDX-License-Identifier: Apache-2.0
import { describe, expect, it } from 'vitest'
import { fetching, starting } from './commands'

const UID = '0123456789abcdef0123456789abcdef'
const SUM = 'a'.repeat(64)
const build = (name: string, file_name: string) => ({ build: name, file_name, sha256: SUM })

describe('the lines that bring a build to its host', () => {
  it('fetch one file and install it only when its sum is right', () => {
    const lines = fetching(build('debian', 'a_1_all.deb'), UID, 'https://certwright.example').split('\n')
    expect(lines).toEqual([
      `curl -fsSo certwright-agent.deb https://certwright.example/api/agent/v1/builds/${UID}/debian`,
      `echo '${SUM}  certwright-agent.deb' | sha256sum -c && sudo apt-get install ./certwright-agent.deb`,
    ])
  })

  it('unpack a zip by what every host with the agent has', () => {
    expect(fetching(build('linux', 'a.zip'), UID, '')).toContain(
      '&& sudo python3 -m zipfile -e certwright-agent.zip /opt/',
    )
    expect(starting(build('utility', 'u.zip'))).toContain('standalone')
  })
})
