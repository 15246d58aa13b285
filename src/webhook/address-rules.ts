/**
 * Which addresses a webhook may be sent to. A name can be made to point anywhere, also to this
 * machine, to the network behind it or to a cloud's metadata service, and to another place at each
 * look-up: so it is the resolved address that is judged, and the connection goes to that very one.
 */

import { BlockList, isIP, isIPv6 } from 'node:net'

/** Networks that are not of the public internet (IANA's special-purpose registries). */
const NOT_PUBLIC = [
  '0.0.0.0/8',
  '10.0.0.0/8',
  '100.64.0.0/10',
  '127.0.0.0/8',
  '169.254.0.0/16',
  '172.16.0.0/12',
  '192.0.0.0/24',
  '192.0.2.0/24',
  '192.88.99.0/24',
  '192.168.0.0/16',
  '198.18.0.0/15',
  '198.51.100.0/24',
  '203.0.113.0/24',
  '224.0.0.0/4',
  '240.0.0.0/4',
  '::/128',
  '::1/128',
  '64:ff9b::/96',
  '64:ff9b:1::/48',
  '100::/64',
  '2001::/23',
  '2001:db8::/32',
  '2002::/16',
  'fc00::/7',
  'fe80::/10',
  'fec0::/10',
  'ff00::/8',
]

/** Judges addresses. */
export interface AddressRules {
  /** `address`: an IPv4 or IPv6 address as text. What is no address is refused. */
  isAllowed(address: string): boolean
}

/** `public`: every address of the public internet and no other; else exactly these networks. */
export function createAddressRules(networks: 'public' | readonly string[]): AddressRules {
  const list = new BlockList()
  for (const network of networks === 'public' ? NOT_PUBLIC : networks) addNetwork(list, network)
  return {
    isAllowed(address: string): boolean {
      const plain = mappedOf(address)
      if (isIP(plain) === 0) return false
      const isListed = list.check(plain, isIPv6(plain) ? 'ipv6' : 'ipv4')
      return networks === 'public' ? !isListed : isListed
    },
  }
}

function addNetwork(list: BlockList, network: string): void {
  const [address = '', prefix] = network.split('/')
  const family = isIPv6(address) ? 'ipv6' : 'ipv4'
  list.addSubnet(address, Number(prefix ?? (family === 'ipv6' ? 128 : 32)), family)
}

/** An IPv4 address in an IPv6 one (::ffff:10.0.0.1) is judged as what it is. */
function mappedOf(address: string): string {
  const plain = address.replace(/%.*$/, '')
  const dotted = /^::ffff:(\d+\.\d+\.\d+\.\d+)$/i.exec(plain)?.[1]
  if (dotted !== undefined) return dotted
  const hex = /^::ffff:([0-9a-f]{1,4}):([0-9a-f]{1,4})$/i.exec(plain)
  if (hex === null) return plain
  const [high, low] = [Number.parseInt(hex[1]!, 16), Number.parseInt(hex[2]!, 16)]
  return [high >>> 8, high & 255, low >>> 8, low & 255].join('.')
}
