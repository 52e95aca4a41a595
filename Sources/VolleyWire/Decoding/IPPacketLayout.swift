internal import VolleyCore

/// Where the parts of an IP packet lie that ``FrameDecoder`` has found sound, for all that is not the common case.
struct IPPacketLayout {
    let isIPv6: Bool
    /// Where the IP header begins.
    let start: Int
    /// Where the packet ends, as its length says; perhaps behind what was captured.
    let end: Int
    /// The protocol of what the packet carries; of a fragment what its fragment header or IPv4 header says.
    let upperProtocol: UInt8
    /// Where that begins: behind all headers, or behind the fragment header of a fragment.
    let upperOffset: Int
    /// Whether this is a part of a packet.
    let isFragment: Bool
    /// Where the IPv6 fragment header begins; 0 if there is none.
    let fragmentHeaderOffset: Int
    /// The place of the next-header byte that names the fragment header; 0 if there is none.
    let fragmentNamedAt: Int
    /// Whether the length is that of a jumbo payload option (RFC 2675).
    let isJumbogram: Bool

    /// The layout of the packet at `start`; `nil` when a header is broken or was not captured.
    init?(_ bytes: RawSpan, at start: Int) {
        guard start >= 0, bytes.byteCount - start >= 20 else { return nil }
        self.start = start
        switch bytes.byte(at: start) >> 4 {
        case 4:
            let headerLength = Int(bytes.byte(at: start) & 0x0f) * 4
            let totalLength = Int(bytes.bigEndian16(at: start + 2))
            guard headerLength >= 20, totalLength >= headerLength, bytes.byteCount - start >= headerLength else {
                return nil
            }
            isIPv6 = false
            end = start + totalLength
            upperProtocol = bytes.byte(at: start + 9)
            upperOffset = start + headerLength
            isFragment = bytes.bigEndian16(at: start + 6) & 0x3fff != 0
            (fragmentHeaderOffset, fragmentNamedAt, isJumbogram) = (0, 0, false)
        case 6:
            guard bytes.byteCount - start >= 40 else { return nil }
            let length = ExtensionHeaders.payloadLength(bytes, at: start)
            end = start + 40 + length.count
            isJumbogram = length.isJumbogram
            isIPv6 = true
            var place = start + 6
            let walk = ExtensionHeaders.walk(
                bytes, from: bytes.byte(at: place), at: start + 40, end: end, captured: bytes.byteCount, namedAt: &place
            )
            switch walk {
            case .upperLayer(let number, let offset):
                (upperProtocol, upperOffset, isFragment) = (number, offset, false)
                (fragmentHeaderOffset, fragmentNamedAt) = (0, 0)
            case .fragment(let number, let offset):
                (upperProtocol, upperOffset, isFragment) = (number, offset + 8, true)
                (fragmentHeaderOffset, fragmentNamedAt) = (offset, place)
            case .cut, .malformed: return nil
            }
        default: return nil
        }
    }
}
