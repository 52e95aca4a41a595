import Testing
import VolleyCore
import VolleyWire

@testable import VolleyCapture

/// What an inspection says about losses: DNS queries without an answer, gaps in sequence numbers, ICMP errors.
@Suite struct InspectionLossTests {
    static let client = SocketAddress(IPAddress(v4: 0x0a00_0002), port: 40_000)
    static let server = SocketAddress(IPAddress(v4: 0x0a00_0001), port: 53)

    static func inspect(_ datagrams: [(from: SocketAddress, to: SocketAddress, payload: [UInt8])]) throws
        -> CaptureInspection
    {
        let writer = CaptureWriter(inMemory: .pcapng)
        for (index, datagram) in datagrams.enumerated() {
            try writer.writeDatagram(
                RawSpan(datagram.payload.span), from: datagram.from, to: datagram.to, at: Int64(index) * 1_000_000)
        }
        var reader = try CaptureReader(bytes: writer.bytes)
        var inspection = CaptureInspection()
        try inspection.read(&reader)
        return inspection
    }

    static func query(_ id: UInt16, _ question: String = DNS.question) -> [UInt8] {
        [UInt8(id >> 8), UInt8(id & 0xff)] + hex("0100 0001 0000 0000 0000" + question)
    }

    static func answer(_ id: UInt16, code: UInt8 = 0, _ question: String = DNS.question) -> [UInt8] {
        [UInt8(id >> 8), UInt8(id & 0xff), 0x81, 0x80 | code] + hex("0001 0000 0000 0000" + question)
    }

    @Test func queriesAndAnswersArePaired() throws {
        let (client, server) = (Self.client, Self.server)
        let other = SocketAddress(IPAddress(v4: 0x0a00_0003), port: 40_000)
        let shouting = DNS.question.replacing("777777", with: "575757")
        let dns = try Self.inspect([
            (client, server, Self.query(1)), (server, client, Self.answer(1)),
            // Repeated, and answered with other case.
            (client, server, Self.query(2)), (client, server, Self.query(2)),
            (server, client, Self.answer(2, code: 3, shouting)),
            // Never answered; answered to somebody else; answered twice.
            (client, server, Self.query(3)), (server, other, Self.answer(3)), (server, client, Self.answer(1)),
            // The same id with another question.
            (client, server, Self.query(4)),
            (server, client, Self.answer(4, DNS.question.replacing("0001 0001", with: "001c 0001"))),
        ]).dns
        #expect(dns.queries == 5)
        #expect(dns.answers == 5)
        #expect(dns.answered == 2)
        #expect(dns.repeated == 1)
        #expect(dns.unanswered == 2)
        #expect(dns.unasked == 3)
        // A repeated query counts from its last time: 1 ms each.
        #expect(dns.answerNanosecondsSum == 2_000_000)
        #expect(dns.answerNanosecondsMax == 1_000_000)
        #expect(dns.responseCodes == [4, 0, 0, 1] + [Int](repeating: 0, count: 12))
    }

    @Test func openQueriesAreBoundedAndThoseGivenUpAreUnanswered() throws {
        var dns = DNSExchanges()
        let query = try #require(Self.message(Self.query(7)))
        let count = 200_000
        for index in 0..<count {
            let client = SocketAddress(IPAddress(v4: UInt32(index)), port: 9)
            dns.add(query, from: client, to: Self.server, at: 0)
        }
        #expect(dns.unanswered == count)
        #expect(dns.queries == count && dns.repeated == 0)
        // The latest is remembered, the first is not.
        let answer = try #require(Self.message(Self.answer(7)))
        for index in [count - 1, 0] {
            let client = SocketAddress(IPAddress(v4: UInt32(index)), port: 9)
            dns.add(answer, from: Self.server, to: client, at: 1)
        }
        #expect(dns.answered == 1 && dns.unasked == 1)
        #expect(dns.unanswered == count - 1)
    }

    private static func message(_ bytes: [UInt8]) -> DNSMessage? { DNSMessage(RawSpan(bytes.span)) }

    static func rtp(_ sequence: UInt16) -> [UInt8] {
        [0x80, 0, UInt8(sequence >> 8), UInt8(sequence & 0xff)] + [UInt8](repeating: 1, count: 8) + [0, 0]
    }

    @Test func rtpIsRecognisedByItsOrderAndItsGapsAreCounted() throws {
        let source = SocketAddress(IPAddress(v4: 0x0a00_0002), port: 30_000)
        let destination = SocketAddress(IPAddress(v4: 0x0a00_0003), port: 30_002)
        // Over the end of 16 bits; 5 and 6 never come, 3 comes late, and then it begins anew.
        let order: [UInt16] = [65_534, 65_535, 0, 1, 2, 4, 3, 7, 8, 40_000, 40_001]
        let inspection = try Self.inspect(order.map { (source, destination, Self.rtp($0)) })
        let gaps = try #require(inspection.sequenceGaps.first)
        #expect(gaps.name == "RTP")
        #expect(gaps.streams == 1 && gaps.datagrams == order.count)
        #expect(gaps.missing == 2 && gaps.late == 1 && gaps.restarts == 1)
        #expect(inspection.protocols.map(\.name) == ["RTP"])
        #expect(inspection.protocols.first?.traffic.datagrams == order.count)
        #expect(inspection.protocols.first?.traffic.payloadBytes == inspection.payloadBytes)
        #expect(inspection.protocols.first?.byContent == order.count)
    }

    @Test func whatOnlyLooksLikeRTPStaysUnknown() throws {
        let source = SocketAddress(IPAddress(v4: 0x0a00_0002), port: 30_000)
        let destination = SocketAddress(IPAddress(v4: 0x0a00_0003), port: 30_002)
        let inspection = try Self.inspect([1, 2, 9, 10, 5].map { (source, destination, Self.rtp($0)) })
        #expect(inspection.sequenceGaps.isEmpty)
        #expect(inspection.protocols.map(\.name) == ["unknown"])
    }

    @Test func netFlowAndSFlowHaveTheirSequences() throws {
        func big(_ value: UInt32) -> [UInt8] { (0..<4).map { UInt8(truncatingIfNeeded: value >> (24 - 8 * $0)) } }
        let source = SocketAddress(IPAddress(v4: 0x0a00_0002), port: 30_001)
        func to(_ port: UInt16) -> SocketAddress { SocketAddress(IPAddress(v4: 0x0a00_0003), port: port) }
        func five(_ sequence: UInt32) -> [UInt8] {
            [0, 5, 0, 2] + [UInt8](repeating: 0, count: 12) + big(sequence) + [UInt8](repeating: 0, count: 4 + 96)
        }
        func nine(_ sequence: UInt32) -> [UInt8] {
            [0, 9, 0, 1] + [UInt8](repeating: 0, count: 8) + big(sequence) + big(7)
        }
        func sflow(_ sequence: UInt32, isIPv6: Bool) -> [UInt8] {
            big(5) + big(isIPv6 ? 2 : 1) + [UInt8](repeating: isIPv6 ? 8 : 9, count: isIPv6 ? 16 : 4) + big(0)
                + big(sequence)
                + [UInt8](repeating: 0, count: 12)
        }
        let inspection = try Self.inspect(
            // Two flows each: 4 and 5 are missing.
            [0, 2, 6].map { (source, to(2_055), five($0)) } + [8, 9, 12].map { (source, to(9_995), nine($0)) }
                + [1, 2, 3].map { (source, to(6_343), sflow($0, isIPv6: false)) }
                + [1, 5].map { (source, to(6_343), sflow($0, isIPv6: true)) })
        let gaps = inspection.sequenceGaps
        #expect(gaps.map(\.name) == ["NetFlow", "sFlow"])
        #expect(gaps.map(\.streams) == [2, 2])
        #expect(gaps.map(\.datagrams) == [6, 5])
        #expect(gaps.map(\.missing) == [4, 3])
        #expect(gaps.map(\.late) == [0, 0])
    }

    @Test func streamsAreBoundedAndTheRestIsCounted() throws {
        let datagrams = (0..<5_000).map { index in
            let source = SocketAddress(IPAddress(v4: UInt32(0x0a01_0000 + index)), port: 5_004)
            return (source, SocketAddress(IPAddress(v4: 1), port: 5_004), Self.rtp(1))
        }
        let inspection = try Self.inspect(datagrams)
        #expect(inspection.sequenceGaps.first?.streams == SequenceTable.streamsMax)
        #expect(inspection.datagramsBeyondSequences == 5_000 - SequenceTable.streamsMax)
    }

    @Test func icmpErrorsAreCountedByKind() throws {
        func packet(_ type: UInt8, _ code: UInt8) -> [UInt8] {
            [0x45, 0, 0, 56, 0, 1, 0, 0, 64, 1, 0, 0, 192, 0, 2, 1, 198, 51, 100, 2] + [type, code, 0, 0, 0, 0, 0, 0]
                + [0x45, 0, 0, 32, 0, 1, 0, 0, 64, 17, 0, 0, 198, 51, 100, 2, 192, 0, 2, 1]
                + [0x13, 0x88, 0, 53, 0, 12, 0, 0]
        }
        let writer = CaptureWriter(inMemory: .pcapng, linkType: .rawIP)
        for (type, code) in [(3, 3), (4, 0), (3, 3), (11, 0)] as [(UInt8, UInt8)] {
            let bytes = packet(type, code)
            try writer.write(RawSpan(bytes.span), at: 0)
        }
        var reader = try CaptureReader(bytes: writer.bytes)
        var inspection = CaptureInspection()
        try inspection.read(&reader)
        let errors = inspection.icmpErrors
        #expect(errors.map(\.errors) == [2, 1, 1])
        #expect(errors.map(\.type) == [3, 4, 11])
        #expect(errors.map { $0.errno?.name } == ["ECONNREFUSED", nil, "EHOSTUNREACH"])
        #expect(errors.reduce(0) { $0 + $1.errors } == inspection.accounting[.icmpError])
    }

    @Test func conversationsHaveTimesAndAreSortedAsAsked() throws {
        let other = SocketAddress(IPAddress(v4: 0x0a00_0003), port: 9)
        let inspection = try Self.inspect([
            (Self.client, Self.server, [1]), (Self.server, Self.client, [1]),
            (other, Self.server, [UInt8](repeating: 1, count: 50)),
        ])
        #expect(inspection.conversations.map(\.first) == [Self.client, other])
        #expect(inspection.conversations.first?.timeSpan == 0...1_000_000)
        #expect(inspection.conversations(by: .payloadBytes).map(\.first) == [other, Self.client])
        #expect(inspection.endpoints(by: .payloadBytes).map(\.address) == [Self.server, other, Self.client])
    }
}

/// Every part of the report adds up, whatever the capture.
@Suite(.enabled(if: ReferenceCaptures.table("INDEX.tsv") != nil, "../shared/captures is absent"))
struct ReferenceInspectionTests {
    @Test func everyPartAddsUp() throws {
        var datagrams = 0
        for row in try #require(ReferenceCaptures.table("INDEX.tsv")) {
            let path = try #require(row["path"])
            guard var reader = try? CaptureReader(path: ReferenceCaptures.folder + "/" + path) else { continue }
            var inspection = CaptureInspection()
            try? inspection.read(&reader)
            let protocols = inspection.protocols
            #expect(protocols.reduce(0) { $0 + $1.traffic.datagrams } == inspection.datagrams, "\(path)")
            #expect(protocols.reduce(0) { $0 + $1.traffic.payloadBytes } == inspection.payloadBytes, "\(path)")
            for found in protocols where found.name != "unknown" {
                #expect(
                    found.byPort + found.byContent + found.byPortAndContent == found.traffic.datagrams, "\(path)")
            }
            #expect(inspection.sizes.ranges.reduce(0) { $0 + $1.records } == inspection.records, "\(path)")
            #expect(
                inspection.icmpErrors.reduce(0) { $0 + $1.errors } == inspection.accounting[.icmpError], "\(path)")
            #expect(inspection.conversations.reduce(0) { $0 + $1.datagrams } == inspection.datagrams, "\(path)")
            let dns = inspection.dns
            #expect(dns.queries == dns.answered + dns.unanswered + dns.repeated, "\(path)")
            #expect(dns.answers == dns.responseCodes.reduce(0, +), "\(path)")
            let columns = inspection.rates.chart(columnsMax: 72).columns
            #expect(columns.count <= 72 && columns.reduce(0) { $0 + $1.datagrams } <= inspection.datagrams, "\(path)")
            datagrams += inspection.datagrams
        }
        #expect(datagrams > 1_000)
    }
}
