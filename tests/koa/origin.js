// An origin by others: Koa with the `vary` middleware of the published @vtex/api, before a handler that answers with
// what it saw. The answers are cacheable, so what the middleware says in Vary is all that keeps shoppers apart.
'use strict'

const Koa = require('koa')
const { vary } = require('@vtex/api/lib/service/worker/runtime/http/middlewares/vary')

const app = new Koa()
let served = 0

app.use(vary)
app.use(async ctx => {
  served++
  ctx.set('Cache-Control', 'public, max-age=60')
  ctx.body = {
    path: ctx.path,
    served,
    segment: ctx.get('x-vtex-segment'),
    session: ctx.get('x-vtex-session'),
    cookie: ctx.get('cookie'),
  }
})

// Port 0: the system chooses, and the line tells.
const server = app.listen(0, '127.0.0.1', () => {
  process.stdout.write(`listening on http://127.0.0.1:${server.address().port}\n`)
})
