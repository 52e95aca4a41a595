import Testing
import VolleyCapture
import VolleyCore
import VolleyWire

/// A datagram that a test writes and expects others to see.
struct TestDatagram: Equatable, CustomStringConvertible {
    let source, destination: SocketAddress
    let payload: [UInt8]
    let nanoseconds: Int64

    /// As tshark shows it with the fields of ``TsharkPackets``.
    var description: String {
        let hexadecimal = payload.map { ($0 < 16 ? "0" : "") + String($0, radix: 16) }.joined()
        return "\(source) \(destination) \(nanoseconds / 1_000) \(hexadecimal)"
    }

    /// Of both families and sizes from nothing to the most that fits; the odd ones have odd lengths.
    static func samples() throws -> [TestDatagram] {
        let pairs = [("192.0.2.1:40000", "198.51.100.7:9"), ("[2001:db8::1]:40000", "[2001:db8::7]:9")]
        let sizes = [0, 1, 2, 63, 64, 1400, 9001, 65_507]
        var samples: [TestDatagram] = []
        for (index, size) in sizes.enumerated() {
            for (source, destination) in pairs {
                samples.append(
                    TestDatagram(
                        source: try SocketAddress(parsing: source),
                        destination: try SocketAddress(parsing: destination),
                        payload: (0..<size).map { UInt8(truncatingIfNeeded: $0 &* 31 &+ index) },
                        nanoseconds: 1_700_000_000_123_456_000 + Int64(samples.count) * 1_000_000))
            }
        }
        return samples
    }
}

extension CaptureWriter {
    /// Writes `datagrams` and closes.
    func writeAll(_ datagrams: [TestDatagram]) throws {
        for datagram in datagrams {
            try writeDatagram(
                RawSpan(datagram.payload.span), from: datagram.source, to: datagram.destination,
                at: datagram.nanoseconds)
        }
        try close()
    }
}

/// A file that our reader has read to its end.
struct ReadCapture {
    var datagrams: [TestDatagram] = []
    var linkTypes: Set<LinkType> = []
    var accounting = RecordAccounting()

    init(path: String) throws {
        var reader = try CaptureReader(path: path)
        while let record = try reader.next() {
            let frame = record.decode()
            accounting.count(frame)
            linkTypes.insert(record.linkType)
            guard frame.isDelivered else { continue }
            datagrams.append(
                TestDatagram(
                    source: frame.source, destination: frame.destination,
                    payload: Array(copying: frame.payload(in: record.bytes)),
                    nanoseconds: record.timestampNanoseconds))
        }
    }
}
