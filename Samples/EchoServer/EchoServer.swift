import Volley

/// Sends every datagram back to where it came from, from the address it was sent to.
final class Echo: DatagramProtocol {
    func datagramReceived(_ datagram: Datagram) {
        datagram.reply(datagram.payload)
    }

    func errorReceived(_ error: DatagramError) {
        print("echo-server: \(error)")
    }
}

@main
enum EchoServer {
    static func main() throws {
        let argument = CommandLine.arguments.dropFirst().first ?? "127.0.0.1:7007"
        let address = try SocketAddress(parsing: argument)
        let loop = try LiveEventLoop()
        let endpoint = try loop.bindDatagram(to: address) { Echo() }
        if let bound = endpoint.localAddress { print("listening on \(bound)") }
        endpoint.waitUntilClosed()
    }
}
