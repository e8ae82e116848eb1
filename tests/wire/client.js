// A WebSocket client by others. It talks to the URL given, and prints what it saw as one line of JSON.
'use strict'

const crypto = require('crypto')
const WebSocket = require('ws')

const [url, ending] = process.argv.slice(2)
const saw = { pongs: 0, echoed: [] }
const socket = new WebSocket(url, { headers: { Cookie: 'session=ada' }, perMessageDeflate: true })
const messages = ['a line', crypto.randomBytes(1), crypto.randomBytes(70000), crypto.randomBytes(4 << 20), 'é'.repeat(200)]
let next = 0

const digest = data => crypto.createHash('sha256').update(data).digest('hex')

function advance () {
  if (next < messages.length) {
    socket.send(messages[next])
    return
  }
  if (ending === 'server') socket.send('goodbye')
  else socket.close(4001, 'the client has had enough')
}

socket.on('unexpected-response', (request, response) => {
  process.stdout.write(JSON.stringify({ status: response.statusCode, cacheStatus: response.headers['cache-status'] }) + '\n')
  process.exit(1)
})
socket.on('pong', () => {
  saw.pongs++
  advance()
})
socket.on('message', (data, binary) => {
  if (!saw.greeting) {
    saw.greeting = JSON.parse(data.toString())
    socket.ping('are you there')
    return
  }
  const sent = messages[next]
  saw.echoed.push(binary === Buffer.isBuffer(sent) && digest(data) === digest(sent))
  next++
  advance()
})
socket.on('close', (code, reason) => {
  saw.code = code
  saw.reason = reason.toString()
  process.stdout.write(JSON.stringify(saw) + '\n')
})
socket.on('error', error => {
  process.stderr.write(`${error.stack}\n`)
  process.exitCode = 1
})
