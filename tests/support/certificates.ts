/** Certificate authorities and certificates for tests, made by openssl. */

import { execFile } from 'node:child_process'
import { writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { promisify } from 'node:util'

const run = promisify(execFile)

/** A certificate and its key, in PEM. */
export interface CertificateFiles {
  readonly certFile: string
  readonly keyFile: string
}

/** Makes certificates signed by its own root, whose file is `caFile`. */
export interface Authority {
  readonly caFile: string
  /**
   * For `names` (`DNS:localhost`, `IP:127.0.0.1`); `isExpired`: its time ended before today.
   */
  issue(name: string, names: readonly string[], isExpired?: boolean): Promise<CertificateFiles>
}

/** Makes a root in `folder`. */
export async function createAuthority(folder: string, name: string): Promise<Authority> {
  const caFile = join(folder, `${name}.pem`)
  const caKey = join(folder, `${name}.key`)
  await openssl(
    ['req', '-x509', '-days', '2', '-subj', `/CN=${name}`, '-out', caFile, '-keyout', caKey],
    '-nodes',
  )
  return {
    caFile,
    async issue(leaf, names, isExpired = false) {
      const [certFile, keyFile] = [join(folder, `${leaf}.pem`), join(folder, `${leaf}.key`)]
      const [request, extensions] = [join(folder, `${leaf}.csr`), join(folder, `${leaf}.ext`)]
      await writeFile(extensions, `subjectAltName=${names.join(',')}\n`)
      await openssl(['req', '-subj', `/CN=${leaf}`, '-out', request, '-keyout', keyFile], '-nodes')
      const days = isExpired ? '-1' : '1'
      const signing = ['x509', '-req', '-in', request, '-CA', caFile, '-CAkey', caKey]
      await run('openssl', [
        ...signing,
        ...['-CAcreateserial', '-days', days, '-extfile', extensions, '-out', certFile],
      ])
      return { certFile, keyFile }
    },
  }
}

/** With a key on a curve: made in an instant. */
async function openssl(args: readonly string[], last: string): Promise<void> {
  const key = ['-newkey', 'ec', '-pkeyopt', 'ec_paramgen_curve:prime256v1']
  await run('openssl', [...args, ...key, last])
}
