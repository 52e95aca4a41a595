internal import VolleyCore

/// Puts fragments of IPv4 (RFC 791) and IPv6 (RFC 8200) packets together as Linux does.
///
/// ```swift
/// let frame = record.decode()
/// if frame.recordClass == .pendingFragment {
///     let step = reassembler.add(frame, of: record.bytes, at: record.timestampNanoseconds)
///     accounting.count(step)
///     // step.frame.isDelivered: its payload lies in step.packet
/// } else {
///     accounting.count(frame)
/// }
/// ```
///
/// Fragments belong together by family, both addresses, identification and, for IPv4, protocol. One that brings nothing
/// new is ignored; one that overlaps another in part, or contradicts where the packet ends, makes the whole packet be
/// given up (RFC 5722). Packets over 65,535 bytes are refused. Memory is bounded by ``Limits``: beyond them the oldest
/// packets are given up. Time is the capture's.
public struct FragmentReassembler: Sendable {
    /// How much is kept, and for how long.
    public struct Limits: Hashable, Sendable {
        /// The most packets waiting for fragments.
        public var packetsMax = 65_536
        /// The most bytes of fragments kept, each counted with 64 bytes more for what it costs.
        public var bytesMax = 64 << 20
        /// How long a packet waits for its fragments, from the first that came; `nil` is for ever (for what
        /// ``DecodingOptions`` make of it, see there).
        public var timeout: FragmentTimeout?

        /// 65,536 packets, 64 MiB, no timeout: a capture may have been merged, cut or slowed down.
        public init() {}

        /// The same with the timeouts of Linux.
        public static var linux: Limits {
            var limits = Limits()
            limits.timeout = .linux
            return limits
        }
    }

    /// What a fragment came to.
    public struct Step: Sendable {
        /// The class of the fragment's record.
        ///
        /// ``RecordClass/pendingFragment``, a reason to give up, or what the whole packet is that it completed. The
        /// offsets are into ``packet`` then.
        public let frame: DecodedFrame
        /// The bytes of the completed packet, without link layer and fragment header; empty if none was completed.
        public let packet: [UInt8]
        /// How many records before this one the packet was completed of.
        public let joinedFragments: Int

        init(_ frame: DecodedFrame, packet: [UInt8] = [], joinedFragments: Int = 0) {
            self.frame = frame
            self.packet = packet
            self.joinedFragments = joinedFragments
        }
    }

    /// How much is kept, and for how long.
    public let limits: Limits
    /// How many packets were given up for want of room.
    public private(set) var evictedPackets = 0
    /// How many packets were given up because their time was over when another fragment came.
    public private(set) var expiredPackets = 0
    /// The bytes kept, as ``Limits/bytesMax`` counts them.
    public private(set) var byteCount = 0

    private var packets: [FragmentKey: PartialPacket] = [:]
    /// The keys in the order their packets began, with the number of the packet: a key may come again.
    private var order: [(key: FragmentKey, number: UInt64)] = []
    private var orderStart = 0
    private var nextNumber: UInt64 = 0

    /// Nothing waiting.
    public init(limits: Limits = Limits()) {
        self.limits = limits
    }

    /// How many packets wait for fragments.
    public var pendingPackets: Int { packets.count }

    /// Takes a fragment.
    ///
    /// - Parameters:
    ///   - frame: what its record was decoded to.
    ///   - bytes: the bytes it was decoded from.
    ///   - timestampNanoseconds: the record's time, on any clock; only differences count.
    /// - Returns: what it came to; `frame` itself, if its class is not ``RecordClass/pendingFragment``.
    public mutating func add(
        _ frame: DecodedFrame, of bytes: RawSpan, at timestampNanoseconds: Int64 = 0
    ) -> Step {
        guard frame.recordClass == .pendingFragment, let fragment = Fragment(bytes, at: frame.ipOffset) else {
            return Step(frame)
        }
        func refusal(_ reason: MalformedReason) -> Step {
            Step(DecodedFrame(.malformed, reason: reason, ipOffset: frame.ipOffset))
        }
        if let reason = fragment.refusal(in: bytes) { return refusal(reason) }
        let key = fragment.key
        expire(key, at: timestampNanoseconds)
        // Taken out while it is worked on, so that its arrays are changed in place.
        var packet = packets.removeValue(forKey: key) ?? begin(key, at: timestampNanoseconds)
        byteCount -= packet.cost
        switch packet.insert(fragment, of: bytes) {
        case .added where packet.isComplete:
            guard packet.isWithinLimit else { return refusal(.oversizePacket) }
            let whole = packet.assembled()
            return Step(
                FrameDecoder.decodeReassembled(whole), packet: whole, joinedFragments: packet.records - 1)
        case .added, .duplicate:
            byteCount += packet.cost
            packets[key] = packet
            makeRoom()
            return Step(frame)
        case .overlap:
            return refusal(.overlappingFragment)
        case .empty:
            return refusal(.emptyFragment)
        }
    }

    private mutating func begin(_ key: FragmentKey, at time: Int64) -> PartialPacket {
        if order.count >= 64 + 2 * packets.count || orderStart > 64 + order.count / 2 {
            // What is gone has no place in the order any more.
            order = order[orderStart...].filter { packets[$0.key]?.number == $0.number }
            orderStart = 0
        }
        order.append((key, nextNumber))
        defer { nextNumber += 1 }
        return PartialPacket(number: nextNumber, began: time)
    }

    private mutating func expire(_ key: FragmentKey, at time: Int64) {
        guard let timeout = limits.timeout, let packet = packets[key] else { return }
        let (age, overflow) = time.subtractingReportingOverflow(packet.began)
        let limit = key.isIPv6 ? timeout.ipv6Nanoseconds : timeout.ipv4Nanoseconds
        guard overflow ? time > packet.began : age > limit else { return }
        forget(key)
        expiredPackets += 1
    }

    private mutating func forget(_ key: FragmentKey) {
        guard let packet = packets.removeValue(forKey: key) else { return }
        byteCount -= packet.cost
    }

    /// Gives up the oldest packets while there are too many.
    private mutating func makeRoom() {
        while packets.count > limits.packetsMax || byteCount > limits.bytesMax, orderStart < order.count {
            let (key, number) = order[orderStart]
            orderStart += 1
            guard packets[key]?.number == number else { continue }
            forget(key)
            evictedPackets += 1
        }
    }
}

/// How long packets wait for their fragments, by family.
public struct FragmentTimeout: Hashable, Sendable {
    /// Nanoseconds for IPv4.
    public var ipv4Nanoseconds: Int64
    /// Nanoseconds for IPv6.
    public var ipv6Nanoseconds: Int64

    /// These two.
    public init(ipv4Nanoseconds: Int64, ipv6Nanoseconds: Int64) {
        self.ipv4Nanoseconds = ipv4Nanoseconds
        self.ipv6Nanoseconds = ipv6Nanoseconds
    }

    /// Those of Linux: 30 s for IPv4 (`net.ipv4.ipfrag_time`), 60 s for IPv6 (`net.ipv6.ip6frag_time`).
    public static var linux: FragmentTimeout {
        FragmentTimeout(ipv4Nanoseconds: 30_000_000_000, ipv6Nanoseconds: 60_000_000_000)
    }
}

extension FrameDecoder {
    /// A packet put together from fragments.
    static func decodeReassembled(_ packet: [UInt8]) -> DecodedFrame {
        let bytes = RawSpan(packet.span)
        return rawIP(bytes, wireLength: bytes.byteCount, linkType: .rawIP)
    }
}
