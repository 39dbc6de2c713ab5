// SPDX-License-Identifier: Apache-2.0
// The lines that bring a build to its host. A reader sees what each does: fetch, compare with this page's sum, unpack.
import type { Schemas } from '@/api/client'

type Build = Pick<Schemas['AgentBuild'], 'build' | 'file_name' | 'sha256'>

const FOLDER = '/opt/certwright-agent'
// What the file is called on the host: the lines must be short enough to be read.
const NAMES: Record<string, string> = {
  debian: 'certwright-agent.deb',
  linux: 'certwright-agent.zip',
  utility: 'certwright-utility.zip',
}
const PROGRAM = 'certwright-agent.pyz'

/** Fetches without a token (the UID is in the path), then does nothing unless the sum is right. */
export function fetching(build: Build, uid: string, origin: string): string {
  const name = NAMES[build.build] ?? build.file_name
  const next = {
    debian: `sudo apt-get install ./${name}`,
    linux: `sudo python3 -m zipfile -e ${name} ${FOLDER}`,
    utility: `python3 -m zipfile -e ${name} certwright-utility`,
  }[build.build]
  return [
    `curl -fsSo ${name} ${origin}/api/agent/v1/builds/${uid}/${build.build}`,
    `echo '${build.sha256}  ${name}' | sha256sum -c && ${next}`,
  ].join('\n')
}

export function starting(build: Build): string {
  if (build.build === 'debian') return 'sudo certwright-agent enroll && sudo systemctl start certwright-agent'
  if (build.build === 'utility') return `python3 certwright-utility/${PROGRAM} standalone --help`
  return `cd ${FOLDER} && sudo python3 ${PROGRAM} run`
}

/** The guide's four steps, as this build has them. */
export function steps(build: Build): string[] {
  return build.build === 'debian' ? ['install', 'enroll', 'code', 'finish'] : ['unpack', 'start', 'code', 'finish']
}
