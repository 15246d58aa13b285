/**
 * The files that people deploy with say what the engine understands, and agree with one another.
 */

import { existsSync, mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { dirname, join } from 'node:path'
import { describe, expect, test } from 'vitest'
import { parse, parseAllDocuments } from 'yaml'
import { loadConfigDirectory } from '../../src/config/load.ts'
import { PROJECT_ROOT } from '../../src/launch.mjs'
import { parseCatalog } from '../../src/rules/parse-catalog.ts'

const START = ['start', '--config', '/etc/highwater']
const composeFolder = join(PROJECT_ROOT, 'config', 'compose')
const kubernetesFolder = join(PROJECT_ROOT, 'config', 'kubernetes')
const compose = parse(readFileSync(join(composeFolder, 'compose.yaml'), 'utf8'))
const dockerfile = readFileSync(join(PROJECT_ROOT, 'Dockerfile'), 'utf8')
const unit = readFileSync(join(PROJECT_ROOT, 'config', 'systemd', 'highwater.service'), 'utf8')

describe('Compose', () => {
  test('the worker understands its configuration and listens where it is looked for', async () => {
    const { settings, files } = await loadConfigDirectory(join(composeFolder, 'highwater'))
    expect(settings.http).toMatchObject({ host: '0.0.0.0', port: 9480 })
    expect(settings.store.directory).toBe('/var/lib/highwater')
    expect(settings.nats.servers).toEqual(['nats://nats:4222'])
    expect(Object.keys(compose.services)).toContain('nats')
    expect(parseCatalog(files).catalog.triggers.map(({ id }) => id)).toEqual(['data-pack'])
    expect(compose.services.highwater.ports).toEqual(['127.0.0.1:9480:9480'])
  })

  test('every file that is mounted is there', () => {
    const services = Object.values(compose.services) as { volumes?: string[] }[]
    const mounted = services
      .flatMap(({ volumes }) => volumes ?? [])
      .map((volume) => volume.split(':')[0]!)
      .filter((source) => source.startsWith('.'))
    expect(mounted).not.toEqual([])
    expect(mounted.filter((source) => !existsSync(join(composeFolder, source)))).toEqual([])
  })

  test('everything is published on the loopback address only', () => {
    const services = Object.values(compose.services) as { ports?: string[] }[]
    const ports = services.flatMap((service) => service.ports ?? [])
    expect(ports.filter((port) => !port.startsWith('127.0.0.1:'))).toEqual([])
  })

  test('its scrape configuration differs from the one beside it in the target only', () => {
    const own = parse(readFileSync(join(composeFolder, 'prometheus.yml'), 'utf8'))
    const other = join(PROJECT_ROOT, 'config', 'prometheus', 'prometheus.yml')
    const named = readFileSync(other, 'utf8')
      .replaceAll('127.0.0.1:9480', 'highwater:9480')
      .replaceAll('127.0.0.1:9482', 'watch:9482')
      .replaceAll('127.0.0.1:9481', 'gateway:9481')
    const given = parse(named)
    expect(own).toEqual(given)
  })
})

describe('Kubernetes', () => {
  const [configMap, service, statefulSet] = ['configmap', 'service', 'statefulset'].map((name) => {
    const text = readFileSync(join(kubernetesFolder, `${name}.yaml`), 'utf8')
    const documents = parseAllDocuments(text)
    expect(documents.flatMap(({ errors }) => errors)).toEqual([])
    return documents[0]!.toJS()
  })
  const pod = statefulSet.spec.template.spec
  const [container] = pod.containers

  test('the worker understands the configuration as it is mounted', async () => {
    const folder = mkdtempSync(join(tmpdir(), 'highwater-deployment-'))
    try {
      const [volume] = pod.volumes
      for (const { key, path } of volume.configMap.items) {
        const target = join(folder, path)
        mkdirSync(dirname(target), { recursive: true })
        writeFileSync(target, configMap.data[key])
      }
      const { settings, files } = await loadConfigDirectory(folder)
      const shown = await loadConfigDirectory(join(composeFolder, 'highwater'))
      expect(settings).toEqual(shown.settings)
      expect(trimmed(files)).toEqual(trimmed(shown.files))
      expect(volume.configMap.items).toHaveLength(Object.keys(configMap.data).length)
    } finally {
      rmSync(folder, { recursive: true, force: true })
    }
  })

  test('probes, ports and names fit together', () => {
    expect(container.args).toEqual(START)
    expect(container.ports).toEqual([{ name: 'http', containerPort: 9480 }])
    expect(container.livenessProbe.httpGet).toEqual({ path: '/-/healthy', port: 'http' })
    expect(container.readinessProbe.httpGet).toEqual({ path: '/-/ready', port: 'http' })
    expect(statefulSet.spec.serviceName).toBe(service.metadata.name)
    expect(statefulSet.spec.template.metadata.labels).toEqual(service.spec.selector)
    expect(statefulSet.spec.selector.matchLabels).toEqual(service.spec.selector)
  })

  test('the pod has no rights that it does not need', () => {
    expect(pod.securityContext.runAsNonRoot).toBe(true)
    expect(container.securityContext).toEqual({
      allowPrivilegeEscalation: false,
      readOnlyRootFilesystem: true,
      capabilities: { drop: ['ALL'] },
    })
  })
})

describe('image and systemd unit', () => {
  test('they start the same command', () => {
    expect(dockerfile).toContain(`CMD ${JSON.stringify(START).replaceAll(',', ', ')}`)
    expect(unit).toContain(`dist/main.js ${START.join(' ')}\n`)
  })

  test('neither runs as root, and both ask for huge pages', () => {
    expect(dockerfile).toMatch(/^USER node$/m)
    expect(unit).toMatch(/^DynamicUser=yes$/m)
    expect(dockerfile).toContain('GLIBC_TUNABLES=glibc.malloc.hugetlb=1')
    expect(unit).toContain('GLIBC_TUNABLES=glibc.malloc.hugetlb=1')
  })

  test('every file that the image copies is let through to the build', () => {
    const ignored = readFileSync(join(PROJECT_ROOT, '.dockerignore'), 'utf8')
    const copied = [...dockerfile.matchAll(/^COPY (?!--from)(.+) \S+$/gm)].flatMap((match) =>
      match[1]!.split(' '),
    )
    expect(copied).toContain('package-lock.json')
    expect(copied.filter((file) => !ignored.includes(`!${file}\n`))).toEqual([])
    expect(copied.filter((file) => !existsSync(join(PROJECT_ROOT, file)))).toEqual([])
  })
})

describe('the watch', () => {
  const WATCH = ['watch', '--config', '/etc/highwater']
  const text = readFileSync(join(kubernetesFolder, 'watch.yaml'), 'utf8')
  const [service, set] = parseAllDocuments(text).map((document) => document.toJS())

  test('runs beside the worker with the same configuration, in all three ways', () => {
    const unitText = readFileSync(
      join(PROJECT_ROOT, 'config', 'systemd', 'highwater-watch.service'),
      'utf8',
    )
    expect(unitText).toContain(`dist/main.js ${WATCH.join(' ')}\n`)
    expect(compose.services.watch.command).toEqual(WATCH)
    expect(compose.services.watch.ports).toEqual(['127.0.0.1:9482:9482'])
    const [container] = set.spec.template.spec.containers
    expect(container.args).toEqual(WATCH)
    expect(container.ports).toEqual([{ name: 'http', containerPort: 9482 }])
    expect(set.spec.template.metadata.labels).toEqual(service.spec.selector)
    const worker = readFileSync(join(kubernetesFolder, 'statefulset.yaml'), 'utf8')
    const own = set.spec.template.spec.volumes[0]
    expect(own).toEqual(parse(worker).spec.template.spec.volumes[0])
  })

  test('listens where it is looked for, and asks the worker what is planned', async () => {
    const { settings } = await loadConfigDirectory(join(composeFolder, 'highwater'))
    expect(settings.watch).toMatchObject({
      host: '0.0.0.0',
      port: 9482,
      directory: '/var/lib/highwater/watch',
      workers: ['http://highwater:9480'],
    })
  })
})

describe('the gateway', () => {
  test('runs beside the worker with the same configuration, in all three ways', async () => {
    const command = ['gateway', '--config', '/etc/highwater']
    const folder = join(PROJECT_ROOT, 'config', 'systemd')
    const unitText = readFileSync(join(folder, 'highwater-gateway.service'), 'utf8')
    expect(unitText).toContain(`dist/main.js ${command.join(' ')}\n`)
    expect(compose.services.gateway.command).toEqual(command)
    const text = readFileSync(join(kubernetesFolder, 'gateway.yaml'), 'utf8')
    const [service, deployment] = parseAllDocuments(text).map((document) => document.toJS())
    const { template, strategy } = deployment.spec
    expect(template.spec.containers[0].args).toEqual(command)
    expect(template.spec.containers[0].ports).toEqual([{ name: 'http', containerPort: 9481 }])
    expect(template.metadata.labels).toEqual(service.spec.selector)
    expect(strategy).toEqual({ type: 'Recreate' })
    const { settings } = await loadConfigDirectory(join(composeFolder, 'highwater'))
    expect(settings.gateway).toMatchObject({ host: '0.0.0.0', port: 9481 })
    expect(settings.gateway.channels.map(({ name, kind }) => [name, kind])).toEqual([
      ['sms', 'nats'],
    ])
  })
})

function trimmed(files: Readonly<Record<string, string>>): Record<string, string> {
  return Object.fromEntries(Object.entries(files).map(([path, text]) => [path, text.trimEnd()]))
}
