import VolleyCore
import VolleyWire

/// Bytes from hexadecimal digits; blanks and line ends are for the reader.
func hex(_ text: String) -> [UInt8] {
    let digits = text.filter { !$0.isWhitespace }
    precondition(digits.count.isMultiple(of: 2), "an odd number of digits")
    var bytes: [UInt8] = []
    var index = digits.startIndex
    while index < digits.endIndex {
        let next = digits.index(index, offsetBy: 2)
        guard let byte = UInt8(digits[index..<next], radix: 16) else { preconditionFailure("not hexadecimal") }
        bytes.append(byte)
        index = next
    }
    return bytes
}

/// Decodes a frame given as bytes.
func decode(_ frame: [UInt8], _ linkType: LinkType, originalLength: Int? = nil) -> DecodedFrame {
    // SAFETY: `bytes` is unsafe for the padding some element types have; a UInt8 has none.
    unsafe FrameDecoder.decode(
        frame.span.bytes, originalLength: originalLength ?? frame.count, linkType: linkType)
}

/// The payload a frame delivers, `nil` when it delivers nothing.
func payload(_ frame: [UInt8], _ linkType: LinkType, originalLength: Int? = nil) -> [UInt8]? {
    let decoded = decode(frame, linkType, originalLength: originalLength)
    guard decoded.isDelivered else { return nil }
    return Array(frame[decoded.payloadOffset..<decoded.payloadOffset + decoded.payloadLength])
}

/// Packets the tests put behind link layers, and what they deliver.
enum Packet {
    static let payload = hex("deadbeef")
    static let source4 = SocketAddress(IPAddress(v4: 0xc000_0201), port: 5000)
    static let destination4 = SocketAddress(IPAddress(v4: 0xc633_6402), port: 53)
    static let source6 = SocketAddress(IPAddress(v6High: 0x2001_0db8_0000_0000, low: 1), port: 5000)
    static let destination6 = SocketAddress(IPAddress(v6High: 0x2001_0db8_0000_0000, low: 2), port: 53)

    /// Ports 5000 to 53, length 12, no checksum, four bytes.
    static let udp = "1388 0035 000c 0000 deadbeef"
    /// 192.0.2.1 to 198.51.100.2.
    static let ipv4 = "4500 0020 0001 0000 4011 0000 c0000201 c6336402" + udp
    /// 2001:db8::1 to 2001:db8::2.
    static let ipv6 = ipv6Header(length: 12, next: 17) + udp

    static func ipv6Header(length: Int, next: UInt8) -> String {
        "6000 0000" + number(length, digits: 4) + number(Int(next), digits: 2)
            + "40 20010db8000000000000000000000001 20010db8000000000000000000000002"
    }

    static func number(_ value: Int, digits: Int) -> String {
        let text = String(value, radix: 16)
        return String(repeating: "0", count: digits - text.count) + text
    }
}
