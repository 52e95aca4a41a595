import SystemPackage
import Testing
import VolleyReplay

/// ICMP errors of a capture and what an endpoint hears of them.
@Suite struct ReplayErrorTests {
    /// Who hears: a connected or an unconnected endpoint, with or without the error queue.
    struct Listener: Sendable, CustomTestStringConvertible {
        let isConnected: Bool
        let reception: ErrorReception
        var testDescription: String { "\(isConnected ? "connected" : "unconnected"), errors \(reception.rawValue)" }

        static let all = [false, true].flatMap { isConnected in
            ErrorReception.allCases.map { Listener(isConnected: isConnected, reception: $0) }
        }
        var asks: Bool { reception.applies(whenConnected: isConnected) }

        func role(_ local: SocketAddress = TestCapture.client, _ peer: SocketAddress = TestCapture.server) -> ReplayRole
        {
            isConnected ? .client(local, connectedTo: peer) : .client(local)
        }
    }

    private final class Ear: DatagramProtocol {
        var log: [String] = []
        var errors: [DatagramError] = []
        var onError: ((Ear) -> Void)?
        var transport: (any DatagramTransport)?

        func connectionMade(_ transport: any DatagramTransport) { self.transport = transport }
        func datagramReceived(_ datagram: Datagram) {
            log.append(String(decoding: Array(copying: datagram.payload), as: UTF8.self))
        }
        func errorReceived(_ error: DatagramError) {
            log.append("\(error.errno.rawValue)@\(transport?.eventLoop.now.nanoseconds ?? -1)")
            errors.append(error)
            onError?(self)
        }
    }

    private static func replay(
        _ capture: TestCapture, as role: ReplayRole, _ ear: Ear = Ear(),
        _ change: (inout ReplayOptions) -> Void = { _ in }
    ) throws -> (ear: Ear, report: ReplayReport) {
        var options = ReplayOptions()
        change(&options)
        let report = try Replay(bytes: capture.bytes, as: role, options: options).run { ear }
        #expect(report.isBalanced)
        #expect(report.errors.total == report.records[.icmpError])
        return (ear, report)
    }

    @Test(
        "every endpoint hears what a socket of Linux hears", arguments: Listener.all,
        [(3, 3, 111, true), (3, 1, 113, false), (3, 4, 90, true), (12, 0, 71, true), (11, 0, 113, false)]
            as [(
                UInt8, UInt8, CInt, Bool
            )])
    func hearing(_ listener: Listener, _ row: (type: UInt8, code: UInt8, errno: CInt, isHard: Bool)) throws {
        let capture = TestCapture()
        try capture.add("q", at: 0, from: TestCapture.client, to: TestCapture.server)
        try capture.addError(row.type, row.code, word: 0x0b00_0578, quoting: "q", at: 5)
        let (ear, report) = try Self.replay(capture, as: listener.role()) { $0.receivesErrors = listener.reception }
        let number = Errno(rawValue: row.errno)
        if listener.asks {
            let info: UInt32 = row.errno == 90 ? 0x578 : row.type == 12 ? 0x0b : 0
            #expect(
                ear.errors == [
                    DatagramError(
                        number, operation: .send,
                        origin: .icmp(type: row.type, code: row.code, offender: TestCapture.offender),
                        peer: TestCapture.server, info: info, quoted: Array("q".utf8))
                ])
        } else if listener.isConnected, row.isHard {
            #expect(
                ear.errors == [
                    DatagramError(number, operation: .receive, origin: .network, peer: TestCapture.server)
                ])
        } else {
            #expect(ear.errors.isEmpty)
            #expect(report.errors.unheard == 1)
        }
        #expect(report.statistics.errors[number] ?? 0 == UInt64(ear.errors.count))
    }

    @Test func icmpv6ErrorsAreHeardAlike() throws {
        let (local, peer) = (address("[2001:db8::1]:40000"), address("[2001:db8::2]:53"))
        let router = address("[2001:db8::9]:0").ip
        let capture = TestCapture()
        try capture.addError(2, 0, word: 1_280, about: local, to: peer, quoting: "xyz", from: router)
        let (ear, _) = try Self.replay(capture, as: .client(local)) { $0.receivesErrors = .all }
        #expect(
            ear.errors == [
                DatagramError(
                    .messageTooLong, operation: .send, origin: .icmp(type: 2, code: 0, offender: router), peer: peer,
                    info: 1_280, quoted: Array("xyz".utf8))
            ])
        #expect(ear.errors.first?.mtu == 1_280)
    }

    @Test func errorsWithoutErrnoAndThoseOfOthersAreCounted() throws {
        let capture = TestCapture()
        try capture.addError(4, 0)
        try capture.addError(3, 3, about: address("198.51.100.7:40001"))
        try capture.addError(3, 3, to: address("192.0.2.1:54"))
        let (ear, report) = try Self.replay(
            capture, as: .client(TestCapture.client, connectedTo: TestCapture.server))
        #expect(ear.log.isEmpty)
        #expect(report.errors.ignored == 1 && report.errors.elsewhere == 2)
    }

    @Test func errorsComeAtTheirPlaceInTheCapture() throws {
        let capture = TestCapture()
        try capture.answer("a", at: 10)
        try capture.addError(3, 3, at: 10)
        try capture.answer("b", at: 10)
        try capture.addError(3, 13, at: 20)
        let (ear, report) = try Self.replay(
            capture, as: .client(TestCapture.client, connectedTo: TestCapture.server))
        #expect(ear.log == ["a", "111@0", "b", "113@10"])
        #expect(report.errors.delivered == 2)
    }

    @Test func inTheOrderOfTheKernelErrorsOvertakeDataAndTheLastOneCounts() throws {
        let capture = TestCapture()
        try capture.answer("a", at: 10)
        try capture.answer("b", at: 10)
        try capture.addError(3, 3, at: 10)
        try capture.addError(3, 13, at: 10)
        try capture.answer("c", at: 10)
        try capture.answer("d", at: 30)
        let (ear, report) = try Self.replay(
            capture, as: .client(TestCapture.client, connectedTo: TestCapture.server)
        ) { $0.errorOrder = .kernel }
        #expect(ear.log == ["113@0", "a", "b", "c", "d"])
        #expect(report.errors.delivered == 1 && report.errors.overwritten == 1)
    }

    @Test func inTheOrderOfTheKernelTheQueueKeepsAll() throws {
        let capture = TestCapture()
        try capture.answer("a", at: 10)
        try capture.addError(3, 3, at: 12)
        try capture.addError(3, 1, at: 14)
        try capture.addError(3, 13, at: 40)
        let (ear, report) = try Self.replay(capture, as: .client(TestCapture.client)) {
            $0.errorOrder = .kernel
            $0.receivesErrors = .all
            $0.coalescing = .nanoseconds(10)
        }
        #expect(ear.log == ["111@4", "113@4", "a", "113@30"])
        #expect(report.errors.delivered == 3)
    }

    @Test func aSendOfABusyEndpointFetchesThePendingError() throws {
        let capture = TestCapture()
        try capture.answer("a", at: 0)
        try capture.addError(3, 3, at: 5)
        let ear = Ear()
        let sender = Sender(ear)
        var options = ReplayOptions()
        options.errorOrder = .kernel
        options.turnDuration = .nanoseconds(100)
        options.keepsSent = true
        let report = try Replay(
            bytes: capture.bytes, as: .client(TestCapture.client, connectedTo: TestCapture.server), options: options
        ).run { sender }
        #expect(sender.errors.map(\.operation) == [.send])
        #expect(sender.errors.map(\.origin) == [.network])
        // The send itself is innocent: it goes out.
        #expect(report.sent.map(\.payload) == [Array("s".utf8)])
        #expect(report.errors.delivered == 1)
    }

    /// Sends at 50 ns.
    private final class Sender: DatagramProtocol {
        private let ear: Ear
        var errors: [DatagramError] { ear.errors }
        init(_ ear: Ear) { self.ear = ear }
        func connectionMade(_ transport: any DatagramTransport) {
            ear.connectionMade(transport)
            transport.eventLoop.callLater(.nanoseconds(50)) { transport.send(Array("s".utf8)) }
        }
        func errorReceived(_ error: DatagramError) { ear.errorReceived(error) }
    }

    @Test(arguments: [ErrorOrder.capture, .kernel])
    func whoClosesInAnErrorHearsAndReceivesNothingMore(_ order: ErrorOrder) throws {
        let capture = TestCapture()
        try capture.addError(3, 3, at: 0)
        try capture.answer("a", at: 0)
        try capture.addError(3, 3, at: 9)
        let ear = Ear()
        ear.onError = { $0.transport?.close() }
        let (_, report) = try Self.replay(
            capture, as: .client(TestCapture.client, connectedTo: TestCapture.server), ear
        ) { $0.errorOrder = order }
        #expect(ear.log == ["111@0"])
        #expect(report.errors.delivered == 1 && report.errors.afterClose == 1)
        #expect(report.datagrams.afterClose == 1)
    }

    @Test func aTimerThatIsDueBeforeAnErrorRunsBeforeIt() throws {
        let capture = TestCapture()
        try capture.add("x", at: 0, from: TestCapture.server, to: address("198.51.100.9:1"))
        try capture.addError(3, 3, at: 10)
        let ear = Ear()
        final class Timed: DatagramProtocol {
            let ear: Ear
            init(_ ear: Ear) { self.ear = ear }
            func connectionMade(_ transport: any DatagramTransport) {
                ear.connectionMade(transport)
                transport.eventLoop.callLater(.nanoseconds(9)) { [ear] in ear.log.append("timer") }
            }
            func errorReceived(_ error: DatagramError) { ear.errorReceived(error) }
        }
        let report = try Replay(
            bytes: capture.bytes, as: .client(TestCapture.client, connectedTo: TestCapture.server)
        ).run { Timed(ear) }
        #expect(ear.log == ["timer", "111@10"])
        #expect(report.errors.delivered == 1)
    }
}

/// Datagrams that were captured in fragments.
@Suite struct ReplayFragmentTests {
    @Test(arguments: [false, true])
    func aDatagramArrivesWithTheFragmentThatCompletesIt(_ isReversed: Bool) throws {
        let text = String(repeating: "fragment", count: 40)
        let capture = TestCapture()
        try capture.add("a", at: 0)
        try capture.addFragments(text, split: 160, isReversed: isReversed, at: (5, 20))
        try capture.add("b", at: 10)
        try capture.add("c", at: 20)
        let probe = Probe()
        probe.answers = true
        let report = try Replay(bytes: capture.bytes, as: .server(port: 53)).run { probe }
        #expect(report.isBalanced)
        #expect(probe.log.count == 6)
        #expect(report.records[.joinedFragment] == 1)
        #expect(probe.log.contains("\(text)@20"))
    }

    @Test func datagramsOfFragmentsShareBatchesWithOthers() throws {
        let text = String(repeating: "fragment", count: 40)
        let capture = TestCapture()
        try capture.add("a", at: 0)
        try capture.addFragments(text, split: 80, at: (0, 0))
        try capture.add("b", at: 0)
        let probe = BatchProbe()
        let report = try Replay(bytes: capture.bytes, as: .server(port: 53)).run { probe }
        #expect(report.isBalanced)
        #expect(probe.batches == [["a", text, "b"]])
    }

    @Test func whatIsNeverCompletedIsPending() throws {
        let capture = TestCapture()
        try capture.addFragments("0123456789abcdef", split: 16, at: (0, 1))
        let report = try Replay(bytes: Array(capture.bytes.dropLast(60)), as: .server(port: 53)).run { Probe() }
        #expect(report.records[.pendingFragment] == 1)
        #expect(report.datagrams.received == 0)
    }
}
