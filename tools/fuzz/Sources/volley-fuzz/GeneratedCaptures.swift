import VolleyCapture
import VolleyCore
import VolleyWire

/// Inputs that need no captures of anybody's.
enum GeneratedCaptures {
    /// A small capture of each format.
    static var all: [[UInt8]] {
        let formats: [CaptureFormat] = [.pcapMicroseconds, .pcapNanoseconds, .pcapng]
        return formats.compactMap(capture) + [snoop]
    }

    private static func capture(_ format: CaptureFormat) -> [UInt8]? {
        let writer = CaptureWriter(inMemory: format)
        let (a, b) = (IPAddress(v4: 0xc000_0201), IPAddress(v4: 0xc633_6402))
        let (c, d) = (IPAddress(v6High: 0x2001_0db8 << 32, low: 1), IPAddress(v6High: 0x2001_0db8 << 32, low: 2))
        let payload = [UInt8]("payload".utf8)
        do {
            for round in 0..<3 as Range<Int64> {
                for (source, destination) in [(a, b), (c, d)] {
                    try writer.writeDatagram(
                        RawSpan(payload.span), from: SocketAddress(source, port: 5_000),
                        to: SocketAddress(destination, port: 53), at: round * 1_000_000)
                }
            }
            return writer.bytes
        } catch {
            return nil
        }
    }

    /// Version 2, Ethernet, one record.
    private static var snoop: [UInt8] {
        let frame = ethernet
        let length = UInt8(frame.count)
        let padding = -frame.count & 3
        let lengths = [0, 0, 0, length, 0, 0, 0, length, 0, 0, 0, 24 + length + UInt8(padding)] as [UInt8]
        return Array("snoop\0\0\0".utf8) + [0, 0, 0, 2, 0, 0, 0, 4] + lengths + [UInt8](repeating: 0, count: 12)
            + frame + [UInt8](repeating: 0, count: padding)
    }

    /// Ports 5000 to 53 over 192.0.2.1 to 198.51.100.2, four bytes.
    private static let packet: [UInt8] =
        [0x45, 0, 0, 32, 0, 1, 0, 0, 64, 17, 0, 0, 192, 0, 2, 1, 198, 51, 100, 2]
        + [0x13, 0x88, 0, 53, 0, 12, 0, 0, 0xde, 0xad, 0xbe, 0xef]

    private static var ethernet: [UInt8] { [UInt8](repeating: 2, count: 12) + [8, 0] + packet }

    /// For the decoder: a packet behind as many bytes as the header of each link type may have.
    static var frames: [[UInt8]] {
        DecoderTarget.linkTypes.indices.flatMap { index in
            [[], [UInt8](repeating: 2, count: 12) + [8, 0], [0, 0, 8, 0]].map { header in
                let frame = header + packet
                return [0, 0, UInt8(index), 0, 0, UInt8(frame.count)] + frame
            }
        }
    }

    /// For the fragments: two halves in both orders, doubled, overlapping, of both families.
    static var fragments: [[UInt8]] {
        var seeds: [[UInt8]] = []
        for family in [0, 4] as [UInt8] {
            let (first, second) = ([family, 0, 64, 1, 1] as [UInt8], [family, 8, 40, 0, 1] as [UInt8])
            let overlap = [family, 4, 64, 1, 1] as [UInt8]
            let other = [family | 1, 0, 64, 1, 1] as [UInt8]
            for rules in [0, 2, 0xc0 | 0x38] as [UInt8] {
                seeds += [
                    [rules] + first + second, [rules] + second + first, [rules] + first + first + second,
                    [rules] + first + overlap + second, [rules] + other + first + second + first + second,
                ]
            }
            // A packet of 1,000 bytes, as its UDP header says: 62 units of 16 bytes and 8 more.
            seeds.append([0, family, 0, 62, 5, 0, family, 124, 8, 0, 0])
        }
        return seeds
    }
}
