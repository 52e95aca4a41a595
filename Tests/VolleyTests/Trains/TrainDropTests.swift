import SystemPackage
import Testing
import VolleyTesting

@testable import Volley

@Suite("Trains that do not fit", .timeLimit(.minutes(10)))
struct TrainDropTests {
    @Test(
        "a receiver of single datagrams counts each that was dropped; one of trains counts trains",
        arguments: [false, true])
    func drops(usesGRO: Bool) throws {
        let loop = try EpollLoop()
        var options = DatagramOptions()
        options.usesGRO = usesGRO
        options.receiveBufferSize = 20_000
        let transport = try loop.bind(to: SocketAddress(.loopbackV4, port: 0), options) { RecordingProtocol() }
        let peer = try PeerSocket(host: .loopbackV4)
        let payloads = [[UInt8]](repeating: [UInt8](repeating: 7, count: 64), count: 32)
        let endpoint = PeerAddress(try #require(transport.localAddress))
        // The loop does not run meanwhile: most of it does not fit.
        for _ in 0..<200 { peer.sendTrain(payloads, to: endpoint) }
        let sent: UInt64 = 200 * 32
        loop.settle()
        waitUntil {
            loop.turn(waiting: false)
            let statistics = transport.statistics
            return statistics.received + statistics.kernelDrops * (usesGRO ? 32 : 1) >= sent
        }
        let statistics = transport.statistics
        #expect(statistics.received > 0)
        #expect(statistics.received + statistics.kernelDrops * (usesGRO ? 32 : 1) == sent)
        loop.shutDown()
    }
}
