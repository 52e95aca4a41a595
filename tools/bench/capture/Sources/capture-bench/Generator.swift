import VolleyCapture
import VolleyWire

/// Writes a capture of Ethernet frames with UDP over IPv4, the same bytes each time.
enum Generator {
    /// `count` datagrams of 18 to 638 bytes of payload, 328 on average: 370 bytes a frame.
    static func write(to path: String, count: Int) throws {
        let writer = try CaptureWriter(
            path: path, format: path.hasSuffix(".pcapng") ? .pcapng : .pcapMicroseconds, linkType: .ethernet)
        var random = UInt64(1)
        var frame = [UInt8](repeating: 0x5a, count: 14 + 28 + 700)
        frame[12] = 0x08
        frame[13] = 0x00
        for number in 0..<count {
            random = random &* 6_364_136_223_846_793_005 &+ 1_442_695_040_888_963_407
            let payloadLength = 18 + Int(random >> 33) % 621
            put([0x45, 0], at: 14, in: &frame)
            put16(28 + payloadLength, at: 16, in: &frame)
            put([0, 0, 0x40, 0, 64, 17, 0, 0, 10, 0], at: 18, in: &frame)
            put16(Int(random >> 40) & 0xff, at: 28, in: &frame)
            put([10, 1, 0, 1], at: 30, in: &frame)
            put16(1024 + Int(random >> 48) & 0x3fff, at: 34, in: &frame)
            put16(53, at: 36, in: &frame)
            put16(8 + payloadLength, at: 38, in: &frame)
            let bytes = frame.span.bytes.extracting(0..<42 + payloadLength)
            try writer.write(bytes, at: 1_700_000_000_000_000_000 + Int64(number) * 1_000)
        }
        try writer.close()
    }

    private static func put(_ bytes: [UInt8], at offset: Int, in frame: inout [UInt8]) {
        for index in bytes.indices { frame[offset + index] = bytes[index] }
    }

    private static func put16(_ value: Int, at offset: Int, in frame: inout [UInt8]) {
        frame[offset] = UInt8(value >> 8 & 0xff)
        frame[offset + 1] = UInt8(value & 0xff)
    }
}
