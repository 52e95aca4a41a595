import VolleyCore
public import VolleyWire

/// What a capture delivers, in four values that two programs can compare: count, bytes and two hashes.
///
/// Delivered is what ``RecordClass/delivered`` says, in the order of the file. ``sha256Payload`` is over the payloads
/// one after another; ``sha256Framed`` is over a line `src sport dst dport length hex` for each datagram, ended by a
/// line feed: IPv4 dotted, IPv6 as in RFC 5952 with hexadecimal groups throughout, ports and length decimal, the
/// payload in lower-case hexadecimal. The second also finds wrong boundaries, addresses and order.
public struct CaptureDigest: Sendable {
    /// The number of datagrams.
    public private(set) var delivered = 0
    /// The sum of their payload lengths.
    public private(set) var payloadBytes = 0
    private var payloadHash = SHA256()
    private var framedHash = SHA256()
    private var line: [UInt8] = []

    /// The digest of nothing, so far.
    public init() {}

    /// Adds a record if it is a delivered datagram.
    ///
    /// - Parameters:
    ///   - frame: what the record was decoded to.
    ///   - bytes: the record's bytes.
    public mutating func add(_ frame: DecodedFrame, of bytes: RawSpan) {
        guard frame.isDelivered else { return }
        let payload = frame.payload(in: bytes)
        delivered += 1
        payloadBytes += payload.byteCount
        payloadHash.update(payload)
        line.removeAll(keepingCapacity: true)
        for end in [frame.source, frame.destination] {
            AddressText.append(end.ip, to: &line)
            line.append(UInt8(ascii: " "))
            AddressText.append(Int(end.port), to: &line)
            line.append(UInt8(ascii: " "))
        }
        AddressText.append(payload.byteCount, to: &line)
        line.append(UInt8(ascii: " "))
        Hexadecimal.append(payload, to: &line)
        line.append(UInt8(ascii: "\n"))
        // A second reference, for the span of `self.line` would borrow all of `self`.
        let line = line
        // SAFETY: `bytes` is unsafe for the padding some element types have; a UInt8 has none.
        unsafe framedHash.update(line.span.bytes)
    }

    /// SHA-256 over the payloads, in lower-case hexadecimal.
    public var sha256Payload: String { payloadHash.hexDigest }

    /// SHA-256 over the lines, in lower-case hexadecimal.
    public var sha256Framed: String { framedHash.hexDigest }
}
