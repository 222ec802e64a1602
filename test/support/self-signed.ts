// A certificate that signs itself, for servers of tests: X.509 (RFC 5280) as little of it as TLS needs.
import { generateKeyPairSync, sign } from 'node:crypto'

export interface SelfSigned {
  cert: string
  key: string
}

/** For the host `name`; ends at `until`. */
export function selfSign(name: string, until: Date): SelfSigned {
  const { publicKey, privateKey } = generateKeyPairSync('ec', { namedCurve: 'P-256' })
  const algorithm = der(0x30, ECDSA_WITH_SHA256)
  const called = der(0x30, der(0x31, der(0x30, COMMON_NAME, der(0x0c, Buffer.from(name)))))
  const alternativeNames = der(0x30, der(0x82, Buffer.from(name)))
  const content = der(
    0x30,
    der(0xa0, der(0x02, Buffer.of(2))),
    der(0x02, Buffer.of(1)),
    algorithm,
    called,
    der(0x30, generalizedTime(new Date(0)), generalizedTime(until)),
    called,
    publicKey.export({ type: 'spki', format: 'der' }),
    der(0xa3, der(0x30, der(0x30, ALTERNATIVE_NAME, der(0x04, alternativeNames))))
  )
  const signature = der(0x03, Buffer.of(0), sign('sha256', content, privateKey))
  const lines = der(0x30, content, algorithm, signature).toString('base64').replace(/.{64}/g, '$&\n')
  return {
    cert: `-----BEGIN CERTIFICATE-----\n${lines}\n-----END CERTIFICATE-----\n`,
    key: privateKey.export({ type: 'pkcs8', format: 'pem' }).toString()
  }
}

/** 1.2.840.10045.4.3.2 */
const ECDSA_WITH_SHA256 = der(0x06, Buffer.from('2a8648ce3d040302', 'hex'))
/** 2.5.4.3 */
const COMMON_NAME = der(0x06, Buffer.from('550403', 'hex'))
/** 2.5.29.17 */
const ALTERNATIVE_NAME = der(0x06, Buffer.from('551d11', 'hex'))

/** YYYYMMDDHHMMSSZ */
function generalizedTime(at: Date): Buffer {
  return der(0x18, Buffer.from(`${at.toISOString().slice(0, 19).replace(/\D/g, '')}Z`))
}

function der(tag: number, ...parts: Buffer[]): Buffer {
  const value = Buffer.concat(parts)
  const { length } = value
  if (length < 128) return Buffer.concat([Buffer.of(tag, length), value])
  return Buffer.concat([Buffer.of(tag, 0x82, length >> 8, length & 255), value])
}
