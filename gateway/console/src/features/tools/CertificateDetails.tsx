// SPDX-License-Identifier: Apache-2.0
// The rows of the guide (§9). What nobody looked at says so: lists of weak keys, and roots other than Mozilla's, are used where they are loaded.
import { Paper, Stack, Text, Title } from '@mantine/core'
import { useTranslation } from 'react-i18next'
import type { Schemas } from '@/api/client'
import { CopyLine, Facts, Fqdn, Moment } from '@/ui/Texts'
import { Answer } from './Answer'
import { answerOf, rowOf, verdictOf } from './verdict'

export function CertificateDetails({ check }: { check: Schemas['CheckView'] }) {
  const { t } = useTranslation(['tools', 'certificates'])
  const [leaf, ...above] = check.certificates
  const verdict = verdictOf(check)
  const why = (code: string) => rowOf(verdict, code)?.reason ?? ''
  if (!leaf)
    return (
      <Paper withBorder p="md">
        <Text>{t('noCertificate')}</Text>
      </Paper>
    )
  return (
    <Paper withBorder p="md" component="section" aria-labelledby="certificate-details">
      <Stack gap="sm">
        <Title order={2} size="h3" id="certificate-details">
          {t('details.title')}
        </Title>
        <Facts
          facts={[
            [t('details.commonName'), <bdi key="cn">{leaf.common_name || '–'}</bdi>],
            [t('details.subject'), <bdi key="subject">{leaf.subject || '–'}</bdi>],
            [t('details.organization'), leaf.organization && <bdi key="o">{leaf.organization}</bdi>],
            [
              t('certificates:names'),
              leaf.names.length > 0
                ? leaf.names.map((name) => (
                    <div key={name}>
                      <Fqdn name={name} />
                    </div>
                  ))
                : t('certificates:noNames'),
            ],
            [t('details.from'), <Moment key="from" at={leaf.not_before} precision="second" />],
            [t('details.to'), <Moment key="to" at={leaf.not_after} precision="second" />],
            [t('details.key'), leaf.key.replace(/^\w+/, (word) => word.toUpperCase())],
            [
              t('details.debian'),
              <Answer
                key="debian"
                yes="bad"
                value={answerOf(verdict, 'weak_key_debian')}
                reason={why('weak_key_debian')}
              />,
            ],
            [
              t('details.sharedPrime'),
              <Answer key="prime" yes="bad" value={answerOf(verdict, 'shared_prime')} reason={why('shared_prime')} />,
            ],
            [t('details.signature'), leaf.signature_hash.toUpperCase()],
            [t('details.issuer'), <bdi key="issuer">{leaf.issuer_name || leaf.issuer}</bdi>],
            [t('details.brand'), <bdi key="brand">{leaf.brand || '–'}</bdi>],
            [t('details.level'), leaf.level ? t(`certificates:levels.${leaf.level}`) : t('details.noLevel')],
            [
              t('details.microsoft'),
              <Answer key="microsoft" value={answerOf(verdict, 'trusted_microsoft')} yes="good" />,
            ],
            [t('details.mozilla'), <Answer key="mozilla" value={answerOf(verdict, 'trusted_mozilla')} yes="good" />],
            [t('details.trusted'), <Answer key="trusted" value={answerOf(verdict, 'trusted')} yes="good" />],
          ]}
        />
        <CopyLine label={t('details.serial')} text={leaf.serial} />
        <CopyLine label={t('details.sha256')} text={leaf.fingerprint_sha256} />
        <Title order={3}>{t('certificates:chain')}</Title>
        <ol className="chain">
          {[...above].reverse().map((one) => (
            <li key={one.fingerprint_sha256}>
              <bdi className="wrap">{one.subject}</bdi>
            </li>
          ))}
          <li>
            <bdi className="wrap">{leaf.subject || leaf.serial}</bdi>
          </li>
        </ol>
      </Stack>
    </Paper>
  )
}
