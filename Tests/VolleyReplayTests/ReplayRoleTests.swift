import Testing
import VolleyCapture
import VolleyReplay
import VolleyWire

@Suite struct ReplayRoleTests {
    private static let other = address("203.0.113.9:40000")

    private static func mixed() throws -> [UInt8] {
        let capture = TestCapture()
        try capture.add("query")
        try capture.answer("answer")
        try capture.add("to another server", to: address("192.0.2.2:53"))
        try capture.add("six", from: address("[2001:db8::7]:40000"), to: address("[2001:db8::1]:53"))
        try capture.add("to another port", to: address("192.0.2.1:54"))
        try capture.add("from another", from: other)
        return capture.bytes
    }

    @Test(
        arguments: [
            (ReplayRole.server(port: 53), ["query", "to another server", "six", "from another"], 1, 1),
            (.server(address("192.0.2.1:53")), ["query", "from another"], 1, 3),
            (.server(address("0.0.0.0:53")), ["query", "to another server", "from another"], 1, 2),
            (.server(address("[::]:53")), ["six"], 0, 5),
            (.client(port: 40_000), ["answer"], 5, 0),
            (.client(TestCapture.client), ["answer"], 3, 2),
            (.client(TestCapture.client, connectedTo: TestCapture.server), ["answer"], 1, 4),
            (.client(TestCapture.client, connectedTo: other), [], 0, 6),
        ] as [(ReplayRole, [String], Int, Int)])
    func whatIsForTheLocalEndpointIsDelivered(
        _ role: ReplayRole, _ texts: [String], _ captured: Int, _ elsewhere: Int
    ) throws {
        let probe = Probe()
        let report = try Replay(bytes: Self.mixed(), as: role).run { probe }
        #expect(probe.log.dropFirst().dropLast() == texts.map { "\($0)@0" }[...])
        #expect(report.datagrams.received == texts.count)
        #expect(report.datagrams.captured == captured)
        #expect(report.datagrams.elsewhere == elsewhere)
        #expect(report.isBalanced)
    }

    @Test func repliesLeaveFromTheAddressTheRequestCameToInEitherFamily() throws {
        var options = ReplayOptions()
        options.keepsSent = true
        let probe = Probe()
        probe.answers = true
        let report = try Replay(bytes: Self.mixed(), as: .server(port: 53), options: options).run { probe }
        #expect(
            report.sent.map { "\($0.source) \($0.destination)" } == [
                "192.0.2.1:53 198.51.100.7:40000", "192.0.2.2:53 198.51.100.7:40000",
                "[2001:db8::1]:53 [2001:db8::7]:40000", "192.0.2.1:53 203.0.113.9:40000",
            ])
        #expect(probe.transport == nil || report.statistics.sent == 4)
    }

    @Test func whatIsNoReplyLeavesFromTheAddressLastUsed() throws {
        let capture = TestCapture()
        try capture.add("four")
        try capture.add("six", from: address("[2001:db8::7]:1"), to: address("[2001:db8::1]:53"))
        var options = ReplayOptions()
        options.keepsSent = true
        let probe = Probe()
        let bytes: [UInt8] = [1]
        probe.onText = { probe, text in
            guard text == "six" else { return }
            probe.transport?.send(bytes, to: address("198.51.100.1:9"))
            probe.transport?.send(bytes, to: address("[2001:db8::9]:9"))
        }
        let report = try Replay(bytes: capture.bytes, as: .server(port: 53), options: options).run { probe }
        #expect(report.sent.map { "\($0.source)" } == ["192.0.2.1:53", "[2001:db8::1]:53"])
    }

    @Test func groupsAndBroadcastAreNoSourceOfReplies() throws {
        let capture = TestCapture()
        try capture.add("group", to: address("224.0.0.251:53"))
        try capture.add("own")
        try capture.add("everybody", to: address("255.255.255.255:53"))
        var options = ReplayOptions()
        options.keepsSent = true
        let probe = Probe()
        probe.answers = true
        // One time stamp is one batch, so that the replies leave when all addresses have been seen.
        let report = try Replay(bytes: capture.bytes, as: .server(port: 53), options: options).run { probe }
        #expect(report.sent.map { "\($0.source)" } == Array(repeating: "192.0.2.1:53", count: 3))
    }

    @Test func aConnectedClientSendsWithoutNamingItsPeer() throws {
        let capture = TestCapture()
        try capture.add("query", at: 0)
        try capture.answer("answer", at: 10)
        let probe = Probe()
        probe.onMade = { $0.transport?.send(Array("query".utf8)) }
        let role = ReplayRole.client(TestCapture.client, connectedTo: TestCapture.server)
        let report = try Replay(bytes: capture.bytes, as: role).run { probe }
        #expect(probe.log == ["made@0", "answer@10", "lost@10"])
        #expect(report.replies?.identical == 1)
        #expect(report.replies?.isIdentical == true)
    }

    @Test func bothEndsOfOnePortAreDeliveredCountedAndSaid() throws {
        let capture = TestCapture()
        try capture.add("a", from: address("198.51.100.7:123"), to: address("192.0.2.1:123"))
        try capture.add("b", from: address("192.0.2.1:123"), to: address("198.51.100.7:123"))
        let report = try Replay(bytes: capture.bytes, as: .server(port: 123)).run { Probe() }
        #expect(report.datagrams.received == 2)
        #expect(report.datagrams.ambiguous == 2)
        #expect(report.warnings.contains { $0.contains("name the address") })
        let named = try Replay(bytes: capture.bytes, as: .server(address("192.0.2.1:123"))).run { Probe() }
        #expect(named.datagrams.received == 1)
        #expect(named.datagrams.captured == 1)
        #expect(named.warnings.isEmpty)
    }

    @Test(arguments: [
        (ReplayRole.server(port: 5353), "53 (4), 54 (1), 40000 (1)"),
        (.server(address("192.0.2.77:53")), "192.0.2.1:53, 192.0.2.2:53, [2001:db8::1]:53"),
    ])
    func nothingDeliveredIsSaidWithWhatThereIs(_ role: ReplayRole, _ expected: String) throws {
        let report = try Replay(bytes: Self.mixed(), as: role).run { Probe() }
        #expect(report.datagrams.received == 0)
        #expect(report.warnings.count == 1)
        #expect(report.warnings.first?.contains(expected) == true, "\(report.warnings)")
    }

    @Test func aFilterRefusesRecordsAndCountsThem() throws {
        var options = ReplayOptions()
        options.filter = "ip6"
        let probe = Probe()
        let report = try Replay(bytes: Self.mixed(), as: .server(port: 53), options: options).run { probe }
        #expect(report.records[.filtered] == 5)
        #expect(report.records.total == 6)
        #expect(probe.log == ["made@0", "six@0", "lost@0"])
    }

    @Test func aFilterThatIsNoneIsAnErrorAndTheProtocolIsStillClosed() throws {
        var options = ReplayOptions()
        options.filter = "port of call"
        let probe = Probe()
        let bytes = try Self.mixed()
        #expect(throws: CaptureError.self) {
            try Replay(bytes: bytes, as: .server(port: 53), options: options).run { probe }
        }
        #expect(probe.log == ["made@0", "lost@0"])
    }

    @Test func theLimitEndsTheReplayAsIfTheCaptureDid() throws {
        var options = ReplayOptions()
        options.datagramsMax = 2
        let probe = Probe()
        let report = try Replay(bytes: Self.mixed(), as: .server(port: 53), options: options).run { probe }
        #expect(probe.log == ["made@0", "query@0", "to another server@0", "lost@0"])
        #expect(report.records.total == 3)
        #expect(report.isBalanced)
    }
}
