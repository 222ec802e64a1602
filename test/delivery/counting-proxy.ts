// A TCP proxy in front of a receiver that counts the connections a destination holds.
import { connect, createServer, type AddressInfo, type Socket } from 'node:net'

export interface CountingProxy {
  url: string
  /** Connections open now. */
  open(): number
  /** The most that were open at the same moment. */
  most(): number
  close(): Promise<void>
}

export async function startCountingProxy(targetUrl: string): Promise<CountingProxy> {
  const target = new URL(targetUrl)
  const sockets = new Set<Socket>()
  let most = 0
  const server = createServer((socket) => {
    sockets.add(socket)
    most = Math.max(most, sockets.size)
    const onward = connect(Number(target.port), target.hostname)
    socket.pipe(onward).pipe(socket)
    for (const end of [socket, onward]) {
      end.on('error', () => undefined)
      end.on('close', () => {
        sockets.delete(socket)
        socket.destroy()
        onward.destroy()
      })
    }
  })
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve))
  return {
    url: `http://127.0.0.1:${(server.address() as AddressInfo).port}`,
    open: () => sockets.size,
    most: () => most,
    close: () =>
      new Promise((resolve) => {
        for (const socket of sockets) socket.destroy()
        server.close(() => {
          resolve()
        })
      })
  }
}
