// What storefront apps run: the Session and Segment clients of the published @vtex/api against an edge, whose address is the
// argument. It prints what they return as one JSON object.
'use strict'

const { Session, Segment } = require('@vtex/api')

const base = process.argv[2]
const span = { finish() {}, setTag() {}, log() {} }
const context = {
  account: 'acme', workspace: 'master', product: 'test', operationId: 'op-1', requestId: 'req-1', production: true, region: 'local',
  host: 'shop.example', userAgent: 'test@1', authToken: 'token', segmentToken: undefined, sessionToken: undefined,
  logger: { debug() {}, info() {}, warn() {}, error() {} },
  tracer: { isTraceSampled: false, traceId: undefined, startSpan: () => span, inject() {}, fallbackSpanContext: () => undefined },
}
// The base URL of these clients is fixed: a middleware that is last sets it.
const toTheEdge = async (c, next) => {
  c.config.baseURL = base
  await next()
}
const options = { timeout: 5000, retries: 0, middlewares: [toTheEdge] }

async function main() {
  const session = new Session(context, options)
  const segment = new Segment(context, options)
  const opened = await session.getSession('none', ['account.accountName'])
  const token = opened.sessionToken
  const first = await session.updateSession('postalCode', '04561000', ['public.postalCode', 'store.channel'], token)
  const read = await session.getSession(token, ['store.channel', 'public.postalCode', 'public.country'])
  const second = await session.updateSession('country', 'BRA', ['public.country'], token)
  const none = await session.updateSession('country', 'ARG', [], token)
  const after = await session.getSession(token, ['public.country']) // by the oldest token
  const created = await segment.getOrCreateSegment({ utm_source: 'google', cultureInfo: 'pt-BR', other: 'x' })
  const known = await segment.getSegmentByToken(created.segmentToken)
  process.stdout.write(JSON.stringify({ opened, first, read, second, none, after, created, known }) + '\n')
}

main().catch(e => {
  process.stderr.write((e.stack || e) + '\n')
  process.exit(1)
})
