// A receiver that takes everything at once: what is measured is the sender. Ends with its parent.
import http from 'node:http'
import type { AddressInfo } from 'node:net'

const server = http.createServer({ keepAliveTimeout: 60_000 }, (incoming, outgoing) => {
  incoming.resume()
  incoming.on('end', () => {
    outgoing.writeHead(201, { 'content-length': 2 })
    outgoing.end('{}')
  })
})
server.listen(0, '127.0.0.1', () => {
  process.send?.({ port: (server.address() as AddressInfo).port })
})
process.once('disconnect', () => {
  process.exit(0)
})
