import Testing
import VolleyCapture
import VolleyCore
import VolleyReplay
import VolleyWire

/// What a replay says when less was delivered than somebody may have expected.
@Suite struct ReplayWarningTests {
    private static func capture() throws -> [UInt8] {
        let capture = TestCapture()
        try capture.add("query")
        try capture.answer("answer")
        try capture.add("to another port", to: address("192.0.2.1:54"))
        return capture.bytes
    }

    private static func warnings(
        _ bytes: [UInt8], as role: ReplayRole = .server(port: 53), probe: Probe = Probe(),
        _ set: (inout ReplayOptions) -> Void = { _ in }
    ) throws -> [String] {
        var options = ReplayOptions()
        set(&options)
        let report = try Replay(bytes: bytes, as: role, options: options).run { probe }
        #expect(report.datagrams.received == 0)
        #expect(report.isBalanced)
        return report.warnings
    }

    @Test func aFilterThatRefusesAllIsNamed() throws {
        let found = try Self.warnings(Self.capture()) { $0.filter = "tcp" }
        #expect(found == ["nothing was delivered: the filter 'tcp' refuses all of the 3 records"])
    }

    @Test func aFilterThatLeavesNothingForTheRoleIsNamed() throws {
        let found = try Self.warnings(Self.capture()) { $0.filter = "dst port 54" }
        let expected =
            "nothing was delivered: what the filter 'dst port 54' lets through (1 of 3 records) holds no datagram for "
            + "port 53; the destination ports it holds most datagrams for are 54 (1)"
        #expect(found == [expected])
    }

    @Test func recordsThatAreNoDatagramsAreNamedByClass() throws {
        let capture = TestCapture()
        try capture.addPacket(
            TestCapture.packet(from: TestCapture.client.ip, to: TestCapture.server.ip, number: 6, [1, 2]), at: 0)
        try capture.addError(3, 3, about: address("203.0.113.5:7"))
        let expected =
            "nothing was delivered: the capture holds no datagram that can be delivered; its records are icmpError 1, "
            + "notUDP 1"
        #expect(try Self.warnings(capture.bytes) == [expected])
    }

    @Test func aCaptureWithoutRecordsSaysSo() throws {
        #expect(try Self.warnings(TestCapture().bytes) == ["nothing was delivered: no record was read"])
    }

    @Test func whatTheRoleItselfHasSentIsNothingForIt() throws {
        let capture = TestCapture()
        try capture.answer("answer")
        let expected = "nothing was delivered: the capture holds no datagram for port 53; it holds 1 sent by it"
        #expect(try Self.warnings(capture.bytes) == [expected])
    }

    @Test func datagramsForAClosedEndpointAreNotCalledMissing() throws {
        let probe = Probe()
        probe.onMade = { $0.transport?.close() }
        let found = try Self.warnings(Self.capture(), probe: probe)
        #expect(found == ["nothing was delivered: 1 datagrams for port 53 came after the protocol had closed it"])
    }

    @Test func datagramsThatWereNeverReadAreNotCalledMissing() throws {
        let probe = Probe()
        probe.onMade = { $0.transport?.pauseReading() }
        let found = try Self.warnings(Self.capture(), probe: probe)
        #expect(
            found == ["nothing was delivered: 1 datagrams for port 53 were never read from the receive buffer"])
        let full = Probe()
        full.onMade = { $0.transport?.pauseReading() }
        let capture = TestCapture()
        for text in ["a", "b", "c"] { try capture.add(text) }
        // An empty buffer takes one, however small it is.
        let dropped = try Self.warnings(capture.bytes, probe: full) { $0.receiveBufferSize = 0 }
        #expect(
            dropped == [
                "nothing was delivered: 2 datagrams for port 53 found no room in the receive buffer; "
                    + "1 datagrams for port 53 were never read from the receive buffer"
            ])
    }

    @Test func oddCapturesAreWarnedOf() throws {
        var bytes = try Self.capture()
        // The major version of the section.
        bytes[12] = 7
        let report = try Replay(bytes: bytes, as: .server(port: 53)).run { Probe() }
        #expect(report.datagrams.received == 1)
        #expect(report.warnings.count == 1)
        #expect(report.warnings.first?.contains("version 7.0 is not known") == true, "\(report.warnings)")
    }

    // MARK: Every server

    /// One datagram to each of so many servers, and another to each.
    private static func servers(_ count: Int) throws -> [UInt8] {
        let capture = TestCapture()
        for round in 0..<2 {
            for index in 0..<count {
                let server = SocketAddress(IPAddress(v4: 0x0a00_0000 + UInt32(index)), port: 53)
                try capture.add("\(round)", at: Int64(round * count + index), to: server)
            }
        }
        return capture.bytes
    }

    @Test func everyServerGoesFarBeyondAThousandEndpoints() throws {
        let report = try Replay(bytes: Self.servers(3_000), as: .everyServer).run { Probe() }
        #expect(report.endpoints.count == 3_000)
        #expect(report.endpoints.allSatisfy { $0.statistics.received == 2 })
        #expect(report.datagrams.received == 6_000)
        #expect(report.datagrams.beyondEndpoints == 0)
        #expect(report.warnings.isEmpty)
    }

    @Test(arguments: [(3, 4), (1, 8), (0, 8), (5, 0)])
    func endpointsBeyondTheLimitAreCountedAndWarnedOf(limit: Int, beyond: Int) throws {
        var options = ReplayOptions()
        options.endpointsMax = limit
        let report = try Replay(bytes: Self.servers(5), as: .everyServer, options: options).run { Probe() }
        #expect(report.endpoints.count == max(1, limit))
        #expect(report.datagrams.beyondEndpoints == beyond)
        #expect(report.datagrams.elsewhere == 0)
        #expect(report.isBalanced)
        let limit = max(1, limit)
        let expected =
            "\(beyond) datagrams were of more than \(limit) endpoints and not delivered: raise the limit "
            + "(--max-endpoints, ReplayOptions.endpointsMax)"
        #expect(report.warnings == (beyond > 0 ? [expected] : []))
    }
}
