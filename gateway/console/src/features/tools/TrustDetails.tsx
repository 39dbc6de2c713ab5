// SPDX-License-Identifier: Apache-2.0
// What the CA, the logs of certificate transparency and the DNS say of the certificate. Where nobody could tell, why.
import { Code, Paper, Stack, Title } from '@mantine/core'
import { IconAlertTriangle, IconCheck, IconMinus } from '@tabler/icons-react'
import { useTranslation } from 'react-i18next'
import { Facts, Moment } from '@/ui/Texts'
import { Answer } from './Answer'
import { answerOf, type CAA, rowOf, type Stamp, type Verdict } from './verdict'

export function TrustDetails({ verdict }: { verdict: Verdict }) {
  const { t } = useTranslation('tools')
  return (
    <Paper withBorder p="md" component="section" aria-labelledby="trust-details">
      <Stack gap="sm">
        <Title order={2} size="h3" id="trust-details">
          {t('trust.title')}
        </Title>
        <Facts
          facts={[
            [t('trust.ocsp'), <Revocation key="ocsp" verdict={verdict} code="ocsp" />],
            [t('trust.crl'), <Revocation key="crl" verdict={verdict} code="crl" />],
            [t('trust.stapled'), <Revocation key="stapled" verdict={verdict} code="stapled" />],
            [t('trust.mustStaple'), <Answer key="must" value={answerOf(verdict, 'must_staple')} yes="plain" />],
            [t('trust.stamps'), <Stamps key="stamps" stamps={verdict.stamps ?? []} />],
            [
              t('trust.caa'),
              <Records key="caa" caa={verdict.caa ?? null} reason={rowOf(verdict, 'caa')?.reason ?? ''} />,
            ],
          ]}
        />
      </Stack>
    </Paper>
  )
}

function Revocation({ verdict, code }: { verdict: Verdict; code: string }) {
  const { t } = useTranslation('tools')
  const row = rowOf(verdict, code)
  const look = !row?.checked ? 'none' : row.value === 'good' ? 'good' : 'bad'
  const Icon = look === 'none' ? IconMinus : look === 'good' ? IconCheck : IconAlertTriangle
  return (
    <span className="answer" data-look={look}>
      <Icon size={15} aria-hidden />
      <span>
        {row?.checked ? t(`trust.revocation.${row.value}`, { defaultValue: row.value }) : t('notChecked')}
        {row?.reason && <span className="kind-note">{row.reason}</span>}
      </span>
    </span>
  )
}

function Stamps({ stamps }: { stamps: Stamp[] }) {
  const { t } = useTranslation('tools')
  if (stamps.length === 0) return <span>{t('trust.noStamps')}</span>
  return (
    <>
      {stamps.map((one) => (
        <div key={`${one.source} ${one.log_id} ${one.at}`}>
          <bdi className="wrap">{one.log || one.log_id.slice(0, 16)}</bdi>
          {`: ${t(`trust.state.${one.state}`)}`}
          <span className="kind-note">
            {t(`trust.source.${one.source}`)}
            {' · '}
            <Moment at={one.at} precision="second" />
          </span>
        </div>
      ))}
    </>
  )
}

function Records({ caa, reason }: { caa: CAA | null; reason: string }) {
  const { t } = useTranslation('tools')
  if (caa === null) return <Answer value={null} yes="plain" reason={reason} />
  if (caa.records.length === 0) return <span>{t('trust.noCaa')}</span>
  const words = caa.allows === null ? 'trust.caaUnknown' : caa.allows ? 'trust.caaAllows' : 'trust.caaForbids'
  return (
    <>
      {caa.records.map((one) => (
        <div key={one}>
          <Code>{one}</Code>
        </div>
      ))}
      <span className="kind-note">
        {t('trust.caaAt', { name: caa.at })}
        {' · '}
        {t(words)}
      </span>
    </>
  )
}
