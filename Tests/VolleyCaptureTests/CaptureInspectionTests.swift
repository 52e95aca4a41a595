import Testing
import VolleyCore
import VolleyWire

@testable import VolleyCapture

@Suite struct CaptureInspectionTests {
    static func address(_ host: UInt32, _ port: UInt16) -> SocketAddress {
        SocketAddress(IPAddress(v4: 0x0a00_0000 + host), port: port)
    }

    static let server = address(1, 53)

    /// A capture of datagrams given as source, destination, payload length and time.
    static func capture(_ datagrams: [(SocketAddress, SocketAddress, Int, Int64)]) throws -> [UInt8] {
        let writer = CaptureWriter(inMemory: .pcapng)
        for (source, destination, length, time) in datagrams {
            let payload = [UInt8](repeating: 0x61, count: length)
            // SAFETY: `bytes` is unsafe for the padding some element types have; a UInt8 has none.
            try unsafe writer.writeDatagram(payload.span.bytes, from: source, to: destination, at: time)
        }
        return writer.bytes
    }

    static func inspect(
        _ bytes: [UInt8], filter: String? = nil, withDigest: Bool = false, limits: CaptureInspection.Limits = .init()
    ) throws -> CaptureInspection {
        var reader = try CaptureReader(bytes: bytes)
        var inspection = CaptureInspection(withDigest: withDigest, limits: limits)
        try inspection.read(&reader, filter: try filter.map { try CaptureFilter($0) })
        return inspection
    }

    @Test func endpointsAndConversationsHaveBothDirections() throws {
        let (a, b) = (Self.address(2, 4000), Self.address(3, 4000))
        let inspection = try Self.inspect(
            Self.capture([
                (a, Self.server, 10, 100), (Self.server, a, 50, 200), (b, Self.server, 20, 150),
                (a, Self.server, 1, 300), (b, b, 7, 400),
            ]))
        #expect(inspection.records == 5)
        #expect(inspection.datagrams == 5)
        #expect(inspection.payloadBytes == 88)
        #expect(inspection.timeSpan == 100...400)
        #expect(inspection.timestampsBackwards == 1)
        #expect(inspection.linkTypes.map(\.linkType) == [.rawIP])
        #expect(inspection.linkTypes.map(\.records) == [5])
        #expect(inspection.digest == nil)

        #expect(inspection.endpoints.map(\.address) == [Self.server, a, b])
        let first = try #require(inspection.endpoints.first)
        #expect(first.sent == TrafficCount(datagrams: 1, payloadBytes: 50))
        #expect(first.received == TrafficCount(datagrams: 3, payloadBytes: 31))

        let conversations = inspection.conversations
        #expect(conversations.map(\.first) == [a, b, b])
        #expect(conversations.map(\.second) == [Self.server, Self.server, b])
        #expect(conversations[0].forward == TrafficCount(datagrams: 2, payloadBytes: 11))
        #expect(conversations[0].backward == TrafficCount(datagrams: 1, payloadBytes: 50))
        #expect(conversations[2].forward == TrafficCount(datagrams: 1, payloadBytes: 7))
    }

    @Test func tablesAreBoundedAndWhatFindsNoRoomIsCounted() throws {
        let datagrams = (0..<20).map { (Self.address(UInt32(10 + $0), 1), Self.server, 1, Int64($0)) }
        var limits = CaptureInspection.Limits()
        limits.endpoints = 5
        limits.conversations = 3
        let inspection = try Self.inspect(Self.capture(datagrams + datagrams), limits: limits)
        #expect(inspection.datagrams == 40)
        #expect(inspection.payloadBytes == 40)
        #expect(inspection.endpoints.count == 5)
        #expect(inspection.conversations.count == 3)
        // The server and four clients are in; sixteen clients sent twice. Three pairs are in; seventeen sent twice.
        #expect(inspection.datagramsBeyondEndpoints == 32)
        #expect(inspection.datagramsBeyondConversations == 34)
        #expect(inspection.endpoints.first?.received.datagrams == 40)
    }

    @Test func filteredRecordsAreCountedAndNotLookedAt() throws {
        let capture = try Self.capture([
            (Self.address(2, 9), Self.server, 3, 5), (Self.address(2, 9), Self.address(3, 99), 4, 6),
        ])
        let inspection = try Self.inspect(capture, filter: "udp port 53", withDigest: true)
        #expect(inspection.accounting[.filtered] == 1)
        #expect(inspection.accounting[.delivered] == 1)
        #expect(inspection.accounting.total == 2)
        #expect(inspection.payloadBytes == 3)
        #expect(inspection.conversations.count == 1)
        #expect(inspection.timeSpan == 5...6)
        #expect(inspection.digest?.delivered == 1)
    }

    @Test func whatCameBeforeTheDamageIsKept() throws {
        let whole = try Self.capture([(Self.address(2, 9), Self.server, 3, 5), (Self.address(2, 9), Self.server, 3, 6)])
        var reader = try CaptureReader(bytes: Array(whole.dropLast()))
        var inspection = CaptureInspection()
        var damage: CaptureError?
        do throws(CaptureError) {
            try inspection.read(&reader)
        } catch {
            damage = error
        }
        #expect(damage?.code == .truncated)
        #expect(inspection.datagrams == 1)
    }

    @Test func anEmptyCaptureHasNoTimeSpan() throws {
        let inspection = try Self.inspect(Self.capture([]))
        #expect(inspection.records == 0)
        #expect(inspection.timeSpan == nil)
        #expect(inspection.endpoints.isEmpty)
    }

    @Test func progressIsReportedOnTheWay() throws {
        let writer = CaptureWriter(inMemory: .pcapMicroseconds)
        for _ in 0..<70_000 { try writer.write([], at: 0) }
        var reader = try CaptureReader(bytes: writer.bytes)
        var offsets: [Int64] = []
        var inspection = CaptureInspection()
        try inspection.read(&reader) { offsets.append($0) }
        #expect(offsets == [24 + 65_536 * 16])
        #expect(inspection.records == 70_000)
    }
}
