import Testing
import Volley
import VolleyCapture
import VolleyReplay

/// A service recorded while a peer of somebody else uses it.
struct RecordingTests {
    private final class Echo: DatagramProtocol {
        func datagramReceived(_ datagram: Datagram) { datagram.reply(datagram.payload) }
    }

    /// Sends datagrams of several sizes and waits for each answer.
    private static let client = """
        import socket, sys
        client = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
        client.settimeout(30)
        client.connect(("127.0.0.1", int(sys.argv[1])))
        for size in (0, 1, 512, 1400, 65507):
            client.send(bytes(size))
            assert client.recv(70000) == bytes(size)
        """

    @Test("a recording holds request and reply of a Python client, as tshark sees it", .needs(.python, .tshark))
    func tsharkReadsARecording() async throws {
        let folder = try TemporaryFolder()
        let port = try await record(to: folder.path("echo.pcapng"))
        let packets = try await TsharkPackets(path: folder.path("echo.pcapng"))
        #expect(packets.badChecksums.isEmpty)
        let columns = packets.datagrams.map { $0.split(separator: " ", omittingEmptySubsequences: false) }
        #expect(columns.map { $0[3].count / 2 } == [0, 0, 1, 1, 512, 512, 1400, 1400, 65_507, 65_507])
        for (index, column) in columns.enumerated() {
            #expect(column[index.isMultiple(of: 2) ? 1 : 0] == "127.0.0.1:\(port)")
        }
    }

    @Test("a recording replayed into the same protocol gives the replies it recorded", .needs(.python))
    func recordingReplays() async throws {
        let folder = try TemporaryFolder()
        let port = try await record(to: folder.path("echo.pcapng"))
        let report = try Replay(capture: folder.path("echo.pcapng"), as: .server(port: port)).run { Echo() }
        #expect(report.statistics.received == 5)
        #expect(report.replies?.isIdentical == true)
    }

    /// Records an echo server while the client uses it, and returns its port.
    private func record(to path: String) async throws -> UInt16 {
        let tap = try CaptureTap(path: path)
        var options = DatagramOptions()
        options.tap = tap
        let loop = try LiveEventLoop()
        defer { loop.stop() }
        let endpoint = try await loop.bindDatagram(to: SocketAddress(.loopbackV4, port: 0), options: options) { Echo() }
        let port = try #require(endpoint.localAddress).port
        try await Tool.python.run(["-", "\(port)"], input: Array(Self.client.utf8))
        endpoint.close()
        _ = await endpoint.closed()
        try tap.close()
        return port
    }
}
