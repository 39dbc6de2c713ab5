// SPDX-License-Identifier: Apache-2.0
// The certificate viewer (guide §8): what it says, and where it is served. Text of strangers, shown as text.
import { Anchor, Button, Group, Modal, Stack, Tabs, Text, Title } from '@mantine/core'
import { IconDownload } from '@tabler/icons-react'
import { useTranslation } from 'react-i18next'
import { Link } from 'react-router'
import { type Schemas, useApi } from '@/api/client'
import { Asked } from '@/ui/Says'
import { Copy, CopyLine, Facts, Fqdn, Moment } from '@/ui/Texts'
import { Description } from './Description'
import { KindText } from './kind'
import { RemoveUpload } from './RemoveUpload'
import { Until } from './Until'

type Certificate = Schemas['InventoryCertificate']

interface ViewerProps {
  fingerprint: string
  serverNames: ReadonlyMap<string, string>
  onClose: () => void
}

export function Viewer({ fingerprint, serverNames, onClose }: ViewerProps) {
  const { t } = useTranslation(['certificates', 'ui'])
  const found = useApi('/api/v1/certificates/{fingerprint_sha256}', { path: { fingerprint_sha256: fingerprint } })
  return (
    <Modal opened onClose={onClose} title={t('viewer')} size="xl">
      <Asked query={found}>
        {(certificate) => (
          <Stack>
            <Group justify="space-between" align="flex-start" gap="xs">
              <Text fw={600} fz="lg" className="wrap">
                <bdi>{certificate.common_name || certificate.names[0] || t('noName')}</bdi>
              </Text>
              <KindText row={certificate} />
            </Group>
            <Tabs defaultValue="general" keepMounted={false}>
              <Tabs.List>
                <Tabs.Tab value="general">{t('general')}</Tabs.Tab>
                <Tabs.Tab value="details">{t('details')}</Tabs.Tab>
              </Tabs.List>
              <Tabs.Panel value="general" pt="md">
                <General certificate={certificate} serverNames={serverNames} />
              </Tabs.Panel>
              <Tabs.Panel value="details" pt="md">
                <Details certificate={certificate} />
              </Tabs.Panel>
            </Tabs>
          </Stack>
        )}
      </Asked>
      <Group justify="flex-end" mt="md">
        {found.data && <RemoveUpload certificate={found.data} onRemoved={onClose} />}
        <Button variant="default" onClick={onClose}>
          {t('ui:close')}
        </Button>
      </Group>
    </Modal>
  )
}

function General({ certificate, serverNames }: { certificate: Certificate; serverNames: ReadonlyMap<string, string> }) {
  const { t } = useTranslation('certificates')
  const served = certificate.places.filter((place) => place.source === 'agent' || place.source === 'scan')
  return (
    <Stack>
      <Facts
        facts={[
          [t('subject'), <bdi key="subject">{certificate.subject}</bdi>],
          [t('organization'), certificate.details?.organization && <bdi>{certificate.details.organization}</bdi>],
          [
            t('names'),
            certificate.names.length > 0
              ? certificate.names.map((name) => (
                  <div key={name}>
                    <Fqdn name={name} />
                  </div>
                ))
              : t('noNames'),
          ],
          [t('issuer'), <bdi key="issuer">{certificate.issuer}</bdi>],
          [t('brand'), certificate.brand && <bdi key="brand">{certificate.brand}</bdi>],
          [t('level'), certificate.level && t(`levels.${certificate.level}`)],
          [t('column.from'), <Moment key="from" at={certificate.not_before} precision="second" />],
          [t('column.to'), <Until key="to" at={certificate.not_after} daysLeft={certificate.days_left} exact />],
          [
            t('order'),
            certificate.order_id && (
              <Anchor component={Link} to={`/orders/${certificate.order_id}`}>
                {t('toOrder')}
              </Anchor>
            ),
          ],
          [t('firstSeen'), <Moment key="first" at={certificate.first_seen_at} />],
          [t('column.seen'), <Moment key="last" at={certificate.last_seen_at} precision="stamp" />],
        ]}
      />
      <Description certificate={certificate} />
      <Title order={3}>{t('servedAt')}</Title>
      {served.length === 0 ? (
        <Text size="sm" c="dimmed">
          {t('servedNowhere')}
        </Text>
      ) : (
        <ul className="places">
          {served.map((place) => (
            <li key={`${place.source} ${place.site_id} ${place.site_name} ${place.address}:${place.port}`}>
              <bdi className="wrap">
                {place.source === 'scan' ? t('source.scan') : (serverNames.get(place.server_id) ?? t('unknownServer'))}
              </bdi>
              <bdi className="wrap">{place.site_name}</bdi>
              <code>{`${place.address || '*'}:${place.port}`}</code>
              <span className="dim">
                <Moment at={place.seen_at} precision="stamp" />
              </span>
            </li>
          ))}
        </ul>
      )}
    </Stack>
  )
}

function Details({ certificate }: { certificate: Certificate }) {
  const { t } = useTranslation('certificates')
  const { details } = certificate
  return (
    <Stack gap="sm">
      {details && (
        <Facts
          facts={[
            [t('key'), `${details.key_kind.toUpperCase()} ${details.curve || details.key_size || ''}`],
            [t('signature'), details.signature_hash.toUpperCase()],
          ]}
        />
      )}
      <CopyLine label={t('serial')} text={certificate.serial} />
      <CopyLine label={t('sha256')} text={certificate.fingerprint_sha256} />
      {details && <CopyLine label={t('sha1')} text={details.fingerprint_sha1} />}
      {details && <CopyLine label={t('keyHash')} text={details.spki_sha256} />}
      {certificate.spki_sha256 && <SameKey certificate={certificate} />}
      <Chain certificate={certificate} />
      {certificate.pem ? (
        <PEM label={t('pem')} text={certificate.pem.trim()} name={certificate.fingerprint_sha256.slice(0, 16)} />
      ) : (
        <Text size="sm" c="dimmed">
          {t('noBytes')}
        </Text>
      )}
    </Stack>
  )
}

/** Who stands above it. The certificates of the chain are known for our own, and where a scan has seen them. */
function Chain({ certificate }: { certificate: Certificate }) {
  const { t } = useTranslation('certificates')
  const file = useApi(
    '/api/v1/orders/{order_id}/certificate',
    { path: { order_id: certificate.order_id }, query: { serial: certificate.serial } },
    { enabled: certificate.order_id !== '' },
  )
  const chain = (file.data?.chain_pem || certificate.chain_pem).trim()
  return (
    <>
      <Title order={3}>{t('chain')}</Title>
      <ol className="chain">
        {!certificate.self_signed && (
          <li>
            <bdi className="wrap">{certificate.issuer}</bdi>
          </li>
        )}
        <li>
          <bdi className="wrap">{certificate.subject}</bdi>
        </li>
      </ol>
      {certificate.self_signed && (
        <Text size="sm" c="dimmed">
          {t('chainOfItself')}
        </Text>
      )}
      {chain && (
        <PEM label={t('chainPEM')} text={chain} name={`${certificate.fingerprint_sha256.slice(0, 16)}-chain`} />
      )}
    </>
  )
}

/** The same key in another certificate: who has one can speak for the other. */
function SameKey({ certificate }: { certificate: Certificate }) {
  const { t } = useTranslation('certificates')
  const found = useApi('/api/v1/certificates', { query: { spki_sha256: certificate.spki_sha256, limit: 50 } })
  const others = (found.data?.items ?? []).filter((one) => one.fingerprint_sha256 !== certificate.fingerprint_sha256)
  if (others.length === 0) return null
  return (
    <div>
      <Text size="sm">{t('sameKey', { count: others.length })}</Text>
      <ul className="plain-list">
        {others.map((one) => (
          <li key={one.fingerprint_sha256}>
            <bdi className="wrap">{`${one.names[0] || one.common_name || one.serial} (${one.serial})`}</bdi>
          </li>
        ))}
      </ul>
    </div>
  )
}

function PEM({ label, text, name }: { label: string; text: string; name: string }) {
  const { t } = useTranslation('certificates')
  const href = `data:application/x-pem-file;charset=utf-8,${encodeURIComponent(`${text}\n`)}`
  return (
    <section aria-label={label}>
      <Group justify="space-between" gap="xs">
        <Text size="xs" c="dimmed">
          {label}
        </Text>
        <Group gap={4}>
          <Copy text={text} what={label} />
          <Button
            component="a"
            href={href}
            download={`${name}.pem`}
            size="xs"
            variant="default"
            leftSection={<IconDownload size={14} aria-hidden />}
            aria-label={t('downloadOf', { what: label })}
          >
            {t('download')}
          </Button>
        </Group>
      </Group>
      {/* biome-ignore lint/a11y/noNoninteractiveTabindex: a region that scrolls is reached by keyboard */}
      <pre className="pem mono" tabIndex={0}>
        {text}
      </pre>
    </section>
  )
}
