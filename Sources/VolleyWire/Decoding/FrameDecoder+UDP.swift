public import VolleyCore

/// UDP (RFC 768).
extension FrameDecoder {
    /// Decodes the UDP header at `offset`; `end` is where the IP packet says it ends, perhaps past the captured bytes.
    @inlinable @inline(__always)
    static func udp(
        _ frame: RawSpan, at offset: Int, end: Int, ipOffset: Int, from source: IPAddress, to destination: IPAddress
    ) -> DecodedFrame {
        guard end &- offset >= 8 else { return DecodedFrame(.badUDPLength, ipOffset: ipOffset) }
        guard offset &+ 8 <= frame.byteCount else { return DecodedFrame(.cut, ipOffset: ipOffset) }
        let length = Int(frame.bigEndian16(at: offset &+ 4))
        guard length >= 8, length <= end &- offset else { return DecodedFrame(.badUDPLength, ipOffset: ipOffset) }
        // A datagram shorter than its packet may be whole in a record that is not.
        guard offset &+ length <= frame.byteCount else { return DecodedFrame(.cut, ipOffset: ipOffset) }
        return DecodedFrame(
            ipOffset: ipOffset, payload: offset &+ 8..<offset &+ length,
            source: SocketAddress(source, port: frame.bigEndian16(at: offset)),
            destination: SocketAddress(destination, port: frame.bigEndian16(at: offset &+ 2)))
    }
}
