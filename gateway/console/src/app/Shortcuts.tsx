// SPDX-License-Identifier: Apache-2.0
import { Kbd, Modal, Table } from '@mantine/core'
import { Fragment } from 'react'
import { useTranslation } from 'react-i18next'
import { GO } from './keys'
import { PAGES } from './pages'
import { useSession } from './session'

export default function Shortcuts({ opened, onClose }: { opened: boolean; onClose: () => void }) {
  const { t } = useTranslation('app')
  const session = useSession()
  const keys: [string[], string][] = [
    [['Ctrl', 'K'], t('shortcut.palette')],
    [['?'], t('shortcut.help')],
    [['/'], t('shortcut.search')],
    ...(session.customer && session.can('create_order') ? [[['N'], t('shortcut.buy')] as [string[], string]] : []),
    [['Esc'], t('shortcut.escape')],
    ...Object.entries(GO).flatMap(([letter, key]): [string[], string][] => {
      const page = PAGES.find((one) => one.key === key)
      return page?.shown(session) ? [[['G', letter.toUpperCase()], t('shortcut.go', { page: t(`page.${key}`) })]] : []
    }),
  ]
  return (
    <Modal opened={opened} onClose={onClose} title={t('shortcut.title')}>
      <Table>
        <Table.Tbody>
          {keys.map(([pressed, text]) => (
            <Table.Tr key={text}>
              <Table.Td w={120}>
                {pressed.map((key) => (
                  <Fragment key={key}>
                    <Kbd>{key}</Kbd>{' '}
                  </Fragment>
                ))}
              </Table.Td>
              <Table.Td>{text}</Table.Td>
            </Table.Tr>
          ))}
        </Table.Tbody>
      </Table>
    </Modal>
  )
}
