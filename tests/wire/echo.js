// A WebSocket server by others: it sends every message back as it came, and what it was asked with first.
'use strict'

const { WebSocketServer } = require('ws')

const server = new WebSocketServer({ host: '127.0.0.1', port: 0 })

server.on('listening', () => {
  process.stdout.write(`listening on http://127.0.0.1:${server.address().port}\n`)
})

server.on('connection', (socket, request) => {
  socket.send(JSON.stringify({ url: request.url, cookie: request.headers.cookie, host: request.headers.host }))
  socket.on('message', (data, binary) => {
    if (!binary && data.toString() === 'goodbye') {
      socket.close(4002, 'the server has had enough')
      return
    }
    socket.send(data, { binary })
  })
  socket.on('close', (code, reason) => process.stdout.write(`closed ${request.url} ${code} ${reason}\n`))
})
