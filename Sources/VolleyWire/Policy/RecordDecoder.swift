internal import VolleyCore

/// Decodes the records of a capture one after another: ``FrameDecoder``, with fragments put together, checksums,
/// tunnels and the kernel's rules as asked for, and every record counted.
///
/// ```swift
/// var decoder = RecordDecoder()
/// while let record = try reader.next() {
///     let frame = decoder.decode(
///         record.bytes, originalLength: record.originalLength, linkType: record.linkType,
///         at: record.timestampNanoseconds)
///     if frame.isDelivered { use(decoder.payload(of: frame, in: record.bytes)) }
/// }
/// ```
///
/// Fragments are joined wherever they are met: outside of tunnels, inside, or both. Of packets that carry neither UDP nor
/// a tunnel that is looked into they are not. An ICMP error in fragments ends in the class ``RecordClass/notUDP``: such
/// errors are kept short enough never to need any (RFC 1812 section 4.3.2.3, RFC 4443 section 2.4).
public struct RecordDecoder: Sendable {
    /// The rules.
    public let options: DecodingOptions
    /// What became of the records so far; the sum is their number.
    public private(set) var accounting = RecordAccounting()
    /// The packets that wait for fragments.
    public private(set) var reassembler: FragmentReassembler
    /// The packet the last fragment completed, which is what the offsets of a ``DecodedFrame/isReassembled`` frame are
    /// into.
    public private(set) var packet: [UInt8] = []
    /// Whether what ``FrameDecoder`` delivers is all there is to say.
    private let isPlain: Bool

    /// No records yet.
    public init(_ options: DecodingOptions = DecodingOptions()) {
        self.options = options
        reassembler = FragmentReassembler(limits: options.effectiveFragments)
        isPlain = options.delivery == .lenient && !options.verifiesChecksums && options.tunnels.isEmpty
    }

    /// Decodes and counts one record.
    ///
    /// - Parameters:
    ///   - frame: the captured bytes.
    ///   - originalLength: the bytes on the wire.
    ///   - linkType: what the frame begins with.
    ///   - timestampNanoseconds: the record's time, for the timeout of fragments.
    /// - Returns: what the record was decoded to. If ``DecodedFrame/isReassembled``, the offsets are into another
    ///   packet: see ``payload(of:in:)``.
    public mutating func decode(
        _ frame: RawSpan, originalLength: Int, linkType: LinkType, at timestampNanoseconds: Int64 = 0
    ) -> DecodedFrame {
        let decoded = FrameDecoder.decode(frame, originalLength: originalLength, linkType: linkType)
        if isPlain, decoded.recordClass != .pendingFragment {
            accounting.count(decoded)
            return decoded
        }
        return settle(decoded, in: frame, at: timestampNanoseconds)
    }

    /// Counts a record that a filter refused.
    public mutating func countFiltered() { accounting.count(.filtered) }

    /// The payload of the frame decoded last.
    ///
    /// - Parameters:
    ///   - frame: what ``decode(_:originalLength:linkType:at:)`` returned last.
    ///   - bytes: the bytes it was decoded from.
    /// - Returns: the payload, within `bytes` or within the packet put together; empty unless delivered.
    public func payload(of frame: DecodedFrame, in bytes: RawSpan) -> [UInt8] {
        let range = frame.payloadOffset..<frame.payloadOffset + frame.payloadLength
        return frame.isReassembled ? Array(packet[range]) : Array(copying: bytes.extracting(range))
    }

    /// Everything but the plain case.
    private mutating func settle(_ decoded: DecodedFrame, in bytes: RawSpan, at time: Int64) -> DecodedFrame {
        var frame = judged(tunnelled(decoded, in: bytes), in: bytes, isWhole: false)
        guard frame.recordClass == .pendingFragment else {
            accounting.count(frame)
            return frame
        }
        var step = reassembler.add(frame, of: bytes, at: time)
        var joinedFragments = step.joinedFragments
        packet = []
        frame = step.frame
        while !step.packet.isEmpty {
            let whole = step.packet
            packet = whole
            let inside = RawSpan(whole.span)
            frame = judged(tunnelled(step.frame, in: inside), in: inside, isWhole: true)
            // What came in fragments may itself be a fragment of what a tunnel carries.
            step = reassembler.add(frame, of: inside, at: time)
            joinedFragments += step.joinedFragments
            frame = step.frame
        }
        frame.isReassembled = !packet.isEmpty
        accounting.count(frame)
        accounting.settle(joinedFragments: joinedFragments)
        return frame
    }

    private func tunnelled(_ frame: DecodedFrame, in bytes: RawSpan) -> DecodedFrame {
        options.tunnels.isEmpty ? frame : TunnelDecoder(tunnels: options.tunnels).decode(frame, in: bytes)
    }

    /// The frame after the kernel's rules and the checksums; `isWhole` for a packet made of fragments, whose header
    /// checksums have been looked at.
    private func judged(_ frame: DecodedFrame, in bytes: RawSpan, isWhole: Bool) -> DecodedFrame {
        let isKernel = options.delivery == .kernel
        switch frame.recordClass {
        case .delivered, .pendingFragment, .icmpError: break
        // Linux takes a UDP length of 0 over IPv6 for that of the packet (`__udp6_lib_rcv`).
        case .badUDPLength where isKernel:
            guard let whole = FrameDecoder.withPacketLength(frame, in: bytes) else { return frame }
            return judged(whole, in: bytes, isWhole: isWhole)
        default: return frame
        }
        if options.verifiesChecksums, !isWhole, !TransportChecksum.isHeaderGood(bytes, at: frame.ipOffset) {
            return DecodedFrame(.badChecksum, ipOffset: frame.ipOffset)
        }
        // Of a packet that is not all there the kernel would not take what is.
        if isKernel, let layout = IPPacketLayout(bytes, at: frame.ipOffset), layout.end > bytes.byteCount {
            return DecodedFrame(.cut, ipOffset: frame.ipOffset)
        }
        if isKernel, let reason = KernelRules(options).refusal(of: bytes, at: frame.ipOffset) {
            return DecodedFrame(.refused, reason: reason, ipOffset: frame.ipOffset)
        }
        guard options.verifiesChecksums else { return frame }
        if frame.isDelivered {
            let isGood = TransportChecksum.isUDPGood(frame, in: bytes, needsIPv6Checksum: isKernel)
            return isGood ? frame : DecodedFrame(.badChecksum, ipOffset: frame.ipOffset)
        }
        if frame.recordClass == .icmpError, let error = ICMPError(frame, in: bytes) {
            guard let isGood = error.hasGoodChecksum else {
                return isKernel ? DecodedFrame(.cut, ipOffset: frame.ipOffset) : frame
            }
            return isGood ? frame : DecodedFrame(.badChecksum, ipOffset: frame.ipOffset)
        }
        return frame
    }
}

extension FrameDecoder {
    /// The datagram of an IPv6 packet whose UDP length is 0, with the length of the packet.
    static func withPacketLength(_ frame: DecodedFrame, in bytes: RawSpan) -> DecodedFrame? {
        guard let layout = IPPacketLayout(bytes, at: frame.ipOffset), layout.isIPv6, !layout.isFragment,
            layout.upperProtocol == IPProtocol.udp, layout.end <= bytes.byteCount,
            layout.end - layout.upperOffset >= 8, bytes.bigEndian16(at: layout.upperOffset + 4) == 0
        else { return nil }
        let source = ICMPMessage.address(bytes, at: frame.ipOffset + 8, isIPv6: true)
        let destination = ICMPMessage.address(bytes, at: frame.ipOffset + 24, isIPv6: true)
        return DecodedFrame(
            ipOffset: frame.ipOffset, payload: layout.upperOffset + 8..<layout.end,
            source: SocketAddress(source, port: bytes.bigEndian16(at: layout.upperOffset)),
            destination: SocketAddress(destination, port: bytes.bigEndian16(at: layout.upperOffset + 2)))
    }
}
