import VolleyCapture
import VolleyCore

/// Payloads between any ports, and what `volley inspect` makes of them: protocols, DNS, sequence numbers, rates.
///
/// Input: for each datagram a byte for the ports, one for the time, two for the length of the payload, and the payload.
struct InspectionTarget: FuzzTarget {
    static let name = "inspection"

    /// The ports of protocols that are looked into, and two that mean nothing.
    static let ports: [UInt16] = [
        53, 40_000, 40_002, 5_353, 123, 67, 546, 69, 514, 8_125, 2_055, 4_739, 6_343, 1_812, 161, 443, 3_478, 5_004,
        5_005, 5_060, 1_900, 4_789, 6_081, 2_152, 2_123, 3_544, 500, 4_500, 4_433, 51_820, 5_683, 3_784, 520, 521,
        1_985, 646, 88, 319, 1_194, 1_701, 11_211, 138, 47_808, 137, 5_355,
    ]

    func run(_ bytes: [UInt8]) -> Bool {
        guard bytes.count > 5, let capture = Self.capture(bytes) else { return false }
        let (first, second) = (Self.inspect(capture), Self.inspect(capture))
        require(first.protocols == second.protocols, "two inspections name other protocols")
        require(first.sequenceGaps == second.sequenceGaps, "two inspections find other gaps")
        Self.check(first)
        return true
    }

    private static func capture(_ bytes: [UInt8]) -> [UInt8]? {
        let writer = CaptureWriter(inMemory: .pcapNanoseconds)
        var choices = Choices(bytes)
        var (count, time) = (0, Int64(1_000_000_000))
        while !choices.isAtEnd, count < 64 {
            let (port, step) = (choices.byte(), choices.byte())
            let payload = choices.take(choices.word() & 0x3fff)
            // The upper half of the ports has the direction turned around, and time may go backwards.
            let (client, server) = (address(1, 40_000), address(2, ports[Int(port & 0x7f) % ports.count]))
            time = max(0, time + (Int64(1) << Int64(step & 31)) * (step & 0x80 == 0 ? 1 : -1))
            let isForward = port & 0x80 == 0
            let written: Void? = try? writer.writeDatagram(
                RawSpan(payload.span), from: isForward ? client : server, to: isForward ? server : client, at: time)
            require(written != nil, "a datagram of \(payload.count) bytes is not written")
            count += 1
        }
        return writer.bytes
    }

    private static func address(_ host: UInt32, _ port: UInt16) -> SocketAddress {
        SocketAddress(IPAddress(v4: 0xc000_0200 + host), port: port)
    }

    private static func inspect(_ capture: [UInt8]) -> CaptureInspection {
        var inspection = CaptureInspection()
        do throws(CaptureError) {
            var reader = try CaptureReader(bytes: capture)
            try inspection.read(&reader)
        } catch {
            require(false, "our own capture is not read: \(error)")
        }
        return inspection
    }

    private static func check(_ inspection: CaptureInspection) {
        let datagrams = inspection.datagrams
        require(datagrams == inspection.records, "\(datagrams) datagrams in \(inspection.records) records")
        var sum = TrafficCounts()
        for found in inspection.protocols {
            sum.datagrams += found.traffic.datagrams
            sum.bytes += found.traffic.payloadBytes
            let told = found.byPortAndContent + found.byContent + found.byPort
            require(
                told == (found.name == "unknown" ? 0 : found.traffic.datagrams),
                "\(told) of \(found.traffic.datagrams) of \(found.name) are told by something")
        }
        require(
            sum.datagrams == datagrams && sum.bytes == inspection.payloadBytes, "the protocols do not add up")
        let dns = inspection.dns
        require(dns.queries == dns.answered + dns.unanswered + dns.repeated, "the queries do not add up")
        require(dns.answers == dns.responseCodes.reduce(0, +), "the answers do not add up")
        for gaps in inspection.sequenceGaps {
            require(gaps.datagrams <= datagrams && gaps.missing >= 0, "\(gaps) of \(datagrams) datagrams")
        }
        for columns in [1, 72] {
            let chart = inspection.rates.chart(columnsMax: columns)
            require(chart.columns.count <= columns, "\(chart.columns.count) columns of \(columns)")
            require(chart.columns.reduce(0) { $0 + $1.datagrams } == datagrams, "the columns do not add up")
        }
        require(inspection.sizes.ranges.reduce(0) { $0 + $1.records } == inspection.records, "sizes do not add up")
    }

    private struct TrafficCounts {
        var datagrams = 0
        var bytes = 0
    }
}
