// SPDX-License-Identifier: Apache-2.0
// The plan of an installation: each file that changes, what is tried and reloaded, and where the certificate must be seen.
import { Alert, Group, Loader, Stack, Text, Title } from '@mantine/core'
import { useTranslation } from 'react-i18next'
import { type Schemas, useApi } from '@/api/client'
import { verbatim, why } from '@/sentences/say'
import { Asked } from '@/ui/Says'
import { CopyLine, Facts } from '@/ui/Texts'
import { Diff, DiffCount } from './Diff'

export type Plan = Schemas['InstallationPlanView']

/** What one job of an agent would change, or set out to. */
export function PlanOfJob({ jobId }: { jobId: string }) {
  const plan = useApi('/api/v1/installation-plans/{plan_id}', { path: { plan_id: jobId } })
  return <Asked query={plan}>{(told) => <PlanView plan={told} />}</Asked>
}

export function PlanView({ plan }: { plan: Plan }) {
  const { t } = useTranslation(['install', 'sentences'])
  const own = verbatim(plan.code, plan.reason)
  return (
    <Stack gap="sm" role="group" aria-label={t('planOf', { site: plan.site })}>
      <Title order={3}>{t('planOf', { site: plan.site })}</Title>
      {plan.status === 'waiting' && (
        <Group gap="xs" role="status">
          <Loader size="xs" aria-hidden />
          <Text size="sm">{t('planWaiting')}</Text>
        </Group>
      )}
      {plan.status === 'gone' && <Text size="sm">{t('planGone')}</Text>}
      {plan.status === 'failed' && (
        <Alert role="alert" color="vermilion" variant="light" title={t('planFailed')}>
          <Text size="sm" className="wrap">
            {why(plan.code, plan.reason)}
          </Text>
          {own && (
            <Text size="xs" mt={4} className="wrap" lang="en">
              {own}
            </Text>
          )}
        </Alert>
      )}
      {plan.status === 'told' && <Told plan={plan} />}
    </Stack>
  )
}

function Told({ plan }: { plan: Plan }) {
  const { t } = useTranslation('install')
  const unchanged = plan.files.every((file) => file.what !== 'configuration')
  return (
    <>
      {unchanged && <Text size="sm">{t('noConfiguration')}</Text>}
      {plan.files.map((file) => (
        <PlannedFile key={file.path} file={file} />
      ))}
      <Facts
        facts={[
          ...(plan.test ? ([[t('test'), <code key="test">{plan.test}</code>]] as const) : []),
          [t('reload'), <code key="reload">{plan.reload}</code>],
          [
            t('probed'),
            plan.bindings.map((one) => (
              <div key={`${one.address} ${one.port} ${one.name}`} className="wrap">
                {`${one.address || '*'}:${one.port}`} {one.name}
              </div>
            )),
          ],
        ]}
      />
      <CopyLine label={t('planHash')} text={plan.plan_sha256} />
    </>
  )
}

function PlannedFile({ file }: { file: Schemas['PlannedFile'] }) {
  const { t } = useTranslation('install')
  return (
    <Stack gap={4} component="section" aria-label={file.path}>
      <Group gap="xs">
        <Text fw={600} size="sm" className="wrap">
          <code>{file.path}</code>
        </Text>
        {file.what === 'configuration' && <DiffCount added={file.added} removed={file.removed} />}
      </Group>
      <Text size="sm" c="dimmed" className="wrap">
        {[
          t(file.what === 'configuration' ? 'fileConfiguration' : file.secret ? 'fileKey' : 'fileCertificate'),
          file.new ? t('fileNew') : '',
          t('fileMode', { mode: file.mode, owner: file.owner || t('agentsOwn') }),
        ]
          .filter(Boolean)
          .join(' · ')}
      </Text>
      {file.what === 'content' && file.new_certificate_sha256 && (
        <Text size="sm" className="wrap">
          {file.old_certificate_sha256
            ? t('certificateChanges', {
                old: short(file.old_certificate_sha256),
                new: short(file.new_certificate_sha256),
              })
            : t('certificateComes', { new: short(file.new_certificate_sha256) })}
        </Text>
      )}
      {file.hidden > 0 && (
        <Text size="sm" c="var(--mantine-color-ochre-text)">
          {t('linesHidden', { count: file.hidden })}
        </Text>
      )}
      {file.cut && <Text size="sm">{t('diffCut')}</Text>}
      {file.diff && <Diff path={file.path} text={file.diff} />}
    </Stack>
  )
}

function short(sha256: string): string {
  return `${sha256.slice(0, 16)}…`
}
