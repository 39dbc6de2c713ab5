// SPDX-License-Identifier: Apache-2.0
import { expect, test } from 'vitest'
import { namesOf } from './fields'

test('Names are read from lines, commas and spaces, each once', () => {
  expect(namesOf(' WWW.a.example', 'b.example\nc.example, www.a.example;d.example')).toEqual([
    'www.a.example',
    'b.example',
    'c.example',
    'd.example',
  ])
  expect(namesOf('', ' \n')).toEqual([])
})
