import Glibc
import Synchronization
import Volley

/// `echo-client ADDRESS:PORT [DATAGRAMS] [IN-FLIGHT]`: a closed loop against an echo server that checks every answer.
///
/// Exit status 0 when every datagram came back unchanged, 1 when any did not, 64 when the command line is wrong.
@main
enum EchoClient {
    private static let outcome = Mutex<Outcome?>(nil)

    static func main() throws {
        let arguments = Array(CommandLine.arguments.dropFirst())
        guard 1...3 ~= arguments.count, let server = SocketAddress(arguments[0]),
            let count = Int(arguments.count > 1 ? arguments[1] : "100000"), count > 0,
            let window = Int(arguments.count > 2 ? arguments[2] : "32"), 1...1024 ~= window
        else {
            print("usage: echo-client ADDRESS:PORT [DATAGRAMS, over 0] [IN-FLIGHT, 1 to 1024]")
            exit(64)
        }
        let loop = try LiveEventLoop()
        let endpoint = try loop.connectDatagram(to: server) {
            EchoExchange(count: count, window: window) { result in outcome.withLock { $0 = result } }
        }
        endpoint.waitUntilClosed()
        guard let outcome = outcome.withLock({ $0 }) else { exit(1) }
        print(outcome)
        exit(outcome.isPerfect && outcome.sent == count ? 0 : 1)
    }
}
