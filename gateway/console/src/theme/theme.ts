// SPDX-License-Identifier: Apache-2.0
// Every choice of type, colour and space stands here, once. Why they are what they are: docs/console.md, "The look".
import { type CSSVariablesResolver, createTheme, type MantineColorsTuple } from '@mantine/core'

const pine: MantineColorsTuple = [
  '#eaf6f2',
  '#d3ebe4',
  '#a8d8cb',
  '#79c4b0',
  '#4fb09a',
  '#2f9a84',
  '#1a8471',
  '#0b6b5d',
  '#08564b',
  '#06423a',
]
const vermilion: MantineColorsTuple = [
  '#fdf0ea',
  '#fadccf',
  '#f3b69e',
  '#f09a7a',
  '#e8754c',
  '#d9562a',
  '#c1461f',
  '#a83718',
  '#8a2c13',
  '#6b210e',
]
const ochre: MantineColorsTuple = [
  '#fdf6e3',
  '#f9e8b8',
  '#f2d47f',
  '#e9bd45',
  '#dfa71d',
  '#c8910d',
  '#a37407',
  '#835c04',
  '#6a4a03',
  '#513802',
]
const ink: MantineColorsTuple = [
  '#e9f1fa',
  '#cfe0f3',
  '#a2c4e8',
  '#7fb0e2',
  '#5a96d8',
  '#2f72be',
  '#215ea3',
  '#1a4d87',
  '#153f70',
  '#10315a',
]
const paper: MantineColorsTuple = [
  '#f8f7f3',
  '#f1efe9',
  '#e5e2d9',
  '#d3cfc4',
  '#b3aea1',
  '#858175',
  '#626057',
  '#4a4842',
  '#33322d',
  '#1d1d1a',
]
const night: MantineColorsTuple = [
  '#dfe6e4',
  '#c0cac7',
  '#9aa8a4',
  '#73827e',
  '#40504c',
  '#2f3b38',
  '#202a28',
  '#171f1d',
  '#111816',
  '#0b100f',
]

export const theme = createTheme({
  colors: { pine, vermilion, ochre, ink, gray: paper, dark: night, red: vermilion },
  primaryColor: 'pine',
  primaryShade: { light: 7, dark: 6 },
  autoContrast: true,
  luminanceThreshold: 0.32,
  white: '#ffffff',
  black: '#1a2321',
  fontFamily: "'IBM Plex Sans Variable', system-ui, sans-serif",
  fontFamilyMonospace: "'IBM Plex Mono', ui-monospace, monospace",
  headings: {
    fontFamily: "'IBM Plex Sans Variable', system-ui, sans-serif",
    fontWeight: '600',
    sizes: {
      h1: { fontSize: '1.5rem', lineHeight: '1.25' },
      h2: { fontSize: '1.125rem', lineHeight: '1.3' },
      h3: { fontSize: '0.9375rem', lineHeight: '1.4' },
    },
  },
  fontSizes: { xs: '0.75rem', sm: '0.8125rem', md: '0.875rem', lg: '1rem', xl: '1.25rem' },
  spacing: { xs: '0.5rem', sm: '0.75rem', md: '1rem', lg: '1.5rem', xl: '2.25rem' },
  defaultRadius: 3,
  cursorType: 'pointer',
  focusRing: 'auto',
  respectReducedMotion: true,
  components: {
    Paper: { defaultProps: { withBorder: true, shadow: undefined } },
    Modal: {
      defaultProps: {
        overlayProps: { backgroundOpacity: 0.45 },
        transitionProps: { duration: 120 },
        centered: false,
        yOffset: '6vh',
      },
    },
    Drawer: { defaultProps: { transitionProps: { duration: 120 } } },
    Tooltip: { defaultProps: { withArrow: true, openDelay: 250, events: { hover: true, focus: true, touch: true } } },
    Table: { defaultProps: { verticalSpacing: 6 } },
    Anchor: { defaultProps: { underline: 'hover' } },
  },
})

/** The one word that the parts themselves say: what closes them. */
export function closing(word: string) {
  const closeButtonProps = { 'aria-label': word }
  return createTheme({
    components: {
      Modal: { defaultProps: { closeButtonProps } },
      Drawer: { defaultProps: { closeButtonProps } },
      Notification: { defaultProps: { closeButtonProps } },
    },
  })
}

export const cssVariables: CSSVariablesResolver = () => ({
  variables: {
    '--cw-rail': '#10362f',
    '--cw-rail-text': '#d6e6e1',
    '--cw-rail-strong': '#ffffff',
    '--cw-seal': '#c8502b',
  },
  light: {
    '--cw-page': '#f8f7f3',
    '--cw-line': '#e0ddd3',
    '--cw-own': pine[7],
    '--cw-self-signed': ochre[5],
    '--cw-other': vermilion[6],
    '--mantine-color-dimmed': '#5c5a52',
    '--mantine-color-error': '#a83718',
    '--mantine-color-anchor': '#0b6b5d',
    '--mantine-color-placeholder': '#706d63',
    '--mantine-color-default-border': '#cbc7bb',
  },
  dark: {
    '--cw-page': '#101614',
    '--cw-line': '#2b3633',
    '--cw-own': pine[4],
    '--cw-self-signed': ochre[4],
    '--cw-other': vermilion[4],
    '--cw-rail': '#0c1513',
    '--mantine-color-dimmed': '#9fada9',
    '--mantine-color-error': '#f09a7a',
    '--mantine-color-anchor': '#79c4b0',
    '--mantine-color-placeholder': '#8d9a96',
    '--mantine-color-default-border': '#40504c',
  },
})
