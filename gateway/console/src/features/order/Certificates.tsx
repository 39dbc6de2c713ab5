// SPDX-License-Identifier: Apache-2.0
import { Accordion, Button, Group, Stack, Text, Title } from '@mantine/core'
import { IconDownload } from '@tabler/icons-react'
import { useTranslation } from 'react-i18next'
import { type Order, type Schemas, useApi } from '@/api/client'
import { Asked } from '@/ui/Says'
import { Status } from '@/ui/Status'
import { CopyLine, Facts, Moment, Names } from '@/ui/Texts'

type Certificate = Schemas['CertificateView']

/** Hex as the base64 of HPKP and of most pinning libraries (RFC 7469 §2.4). */
export function pinOf(hex: string): string {
  return btoa(String.fromCharCode(...(hex.match(/../g) ?? []).map((byte) => Number.parseInt(byte, 16))))
}

/** All certificates of the order, newest first, each with its chain, pins and downloads. */
export function Certificates({ order }: { order: Order }) {
  const { t } = useTranslation('order')
  const newest = [...order.certificates].reverse()
  return (
    <section className="sheet" aria-label={t('certificates')}>
      <Stack gap="sm">
        <Group justify="space-between">
          <Title order={2}>{t('certificates')}</Title>
          <Button
            component="a"
            size="xs"
            variant="default"
            leftSection={<IconDownload size={15} aria-hidden />}
            href={`/api/v1/orders/${order.order_id}/certificate.zip`}
            download
          >
            {t('download')}
          </Button>
        </Group>
        <Accordion defaultValue={newest[0]?.serial} order={3} variant="separated">
          {newest.map((certificate) => (
            <Accordion.Item key={certificate.serial} value={certificate.serial}>
              <Accordion.Control>
                <Group gap="sm">
                  <Names names={certificate.names} />
                  <Text span size="sm" c="dimmed">
                    <Moment at={certificate.not_before} precision="day" /> –{' '}
                    <Moment at={certificate.not_after} precision="day" />
                  </Text>
                  {certificate.revoked_at && <Status state="revoked" />}
                </Group>
              </Accordion.Control>
              <Accordion.Panel>
                <One order={order} certificate={certificate} />
              </Accordion.Panel>
            </Accordion.Item>
          ))}
        </Accordion>
      </Stack>
    </section>
  )
}

function One({ order, certificate }: { order: Order; certificate: Certificate }) {
  const { t } = useTranslation('order')
  const file = useApi('/api/v1/orders/{order_id}/certificate', {
    path: { order_id: order.order_id },
    query: { serial: certificate.serial },
  })
  return (
    <Stack gap="sm">
      <Facts
        facts={[
          [t('issuer'), certificate.issuer],
          [t('issued'), <Moment key="issued" at={certificate.issued_at} />],
          [t('revokedAt'), certificate.revoked_at && <Moment key="revoked" at={certificate.revoked_at} />],
        ]}
      />
      <CopyLine label={t('serial')} text={certificate.serial} />
      <CopyLine label={t('fingerprint')} text={certificate.fingerprint_sha256} />
      <CopyLine label={t('pin')} text={`pin-sha256="${pinOf(certificate.spki_sha256)}"`} />
      <Asked query={file}>
        {({ pem, chain_pem }) => (
          <>
            <CopyLine label={t('pem')} text={pem.trim()} />
            <CopyLine label={t('chain')} text={chain_pem.trim()} />
          </>
        )}
      </Asked>
    </Stack>
  )
}
