// SPDX-License-Identifier: Apache-2.0
import { useMemo } from 'react'
import { encode } from 'uqr'

/** A QR code, dark on white in both themes: scanners do not read it the other way round. */
export function QRCode({ text, label }: { text: string; label: string }) {
  const { size, dark } = useMemo(() => {
    const { size, data } = encode(text, { ecc: 'M', border: 3 })
    const dark = data.flatMap((row, y) => row.map((on, x) => (on ? `M${x} ${y}h1v1h-1z` : ''))).join('')
    return { size, dark }
  }, [text])
  return (
    <svg className="qr-code" viewBox={`0 0 ${size} ${size}`} width={200} height={200} role="img" aria-label={label}>
      <rect width={size} height={size} fill="#fff" />
      <path d={dark} fill="#000" shapeRendering="crispEdges" />
    </svg>
  )
}
