// What lies between the suppliers and the Hub: one proxy for each API process, which can break while an answer is on it.
import net from 'node:net'
import type { AddressInfo } from 'node:net'

export interface SupplierLines {
  urls: readonly string[]
  /**
   * Every connection breaks as soon as the Hub has answered on it, and nothing of the answer goes through. What it gives
   * mends the lines.
   */
  cut(): () => void
  close(): Promise<void>
}

export async function openSupplierLines(ports: readonly number[]): Promise<SupplierLines> {
  const open = new Set<net.Socket>()
  let cutting = 0
  const servers = ports.map((port) =>
    net.createServer((supplier) => {
      const hub = net.connect(port, '127.0.0.1')
      for (const [socket, other] of [
        [supplier, hub],
        [hub, supplier]
      ] as const) {
        open.add(socket)
        socket.on('error', () => other.destroy())
        socket.on('close', () => {
          open.delete(socket)
          other.destroy()
        })
      }
      supplier.pipe(hub)
      hub.on('data', (answer: Buffer) => {
        if (cutting > 0) supplier.destroy()
        else supplier.write(answer)
      })
    })
  )
  await Promise.all(servers.map((server) => new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve))))
  return {
    urls: servers.map((server) => `http://127.0.0.1:${(server.address() as AddressInfo).port}`),
    cut() {
      cutting += 1
      return () => {
        cutting -= 1
      }
    },
    async close() {
      for (const socket of open) socket.destroy()
      await Promise.all(servers.map((server) => new Promise((resolve) => server.close(resolve))))
    }
  }
}
