public import VolleyCore

/// What ``FrameDecoder`` found in one record: its class and, for a UDP datagram, addresses and payload.
///
/// A trivial value of fixed size that holds offsets into the frame instead of bytes, so that it may outlive the frame.
public struct DecodedFrame: Sendable {
    /// The class the record ends in.
    public let recordClass: RecordClass
    /// What is broken, if ``recordClass`` is ``RecordClass/malformed``; ``MalformedReason/none`` otherwise.
    public let reason: MalformedReason
    /// Where the outermost IP header begins in the frame; 0 when none was reached.
    public let ipOffset: Int
    /// Where the payload begins in the frame; 0 unless delivered.
    public let payloadOffset: Int
    /// The bytes of payload, which is the UDP length less 8; 0 unless delivered.
    public let payloadLength: Int
    /// Where the datagram comes from; unspecified unless delivered.
    ///
    /// Scope and flow label are 0.
    public let source: SocketAddress
    /// Where the datagram goes to; unspecified unless delivered.
    ///
    /// Scope and flow label are 0.
    public let destination: SocketAddress
    /// Whether ``RecordDecoder`` found this in a packet put together from fragments, so that the offsets are into that
    /// and not into the record.
    public internal(set) var isReassembled = false

    /// A record that is no datagram.
    @inlinable @inline(__always)
    init(_ recordClass: RecordClass, reason: MalformedReason = .none, ipOffset: Int = 0) {
        self.recordClass = recordClass
        self.reason = reason
        self.ipOffset = ipOffset
        payloadOffset = 0
        payloadLength = 0
        source = .unspecified
        destination = .unspecified
    }

    /// A datagram.
    @inlinable @inline(__always)
    init(ipOffset: Int, payload: Range<Int>, source: SocketAddress, destination: SocketAddress) {
        recordClass = .delivered
        reason = .none
        self.ipOffset = ipOffset
        payloadOffset = payload.lowerBound
        payloadLength = payload.upperBound &- payload.lowerBound
        self.source = source
        self.destination = destination
    }

    /// A header that ends after the captured bytes: cut, if there was more on the wire, and malformed if not.
    @inlinable
    static func short(_ frame: RawSpan, originalLength: Int, _ reason: MalformedReason, ipOffset: Int = 0) -> Self {
        originalLength > frame.byteCount
            ? DecodedFrame(.cut, ipOffset: ipOffset) : DecodedFrame(.malformed, reason: reason, ipOffset: ipOffset)
    }

    /// Whether this is a datagram that was delivered.
    @inlinable public var isDelivered: Bool { recordClass == .delivered }

    /// The payload in the frame this was decoded from.
    ///
    /// - Parameter frame: the very bytes given to ``FrameDecoder/decode(_:originalLength:linkType:)``.
    /// - Returns: the payload; empty unless delivered.
    @inlinable @_lifetime(copy frame)
    public func payload(in frame: RawSpan) -> RawSpan {
        frame.extracting(payloadOffset..<payloadOffset + payloadLength)
    }
}
