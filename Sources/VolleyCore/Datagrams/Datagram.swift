/// One received datagram: a view of the receive ring that ends with the callback it is given to.
///
/// Nothing is copied to make one. It is a small value in registers, and `~Escapable`: the compiler rejects code that
/// stores it, or a span of it, anywhere that outlives the callback. To keep the bytes, copy them:
/// `Array(copying: datagram.payload)`.
@safe
public struct Datagram: ~Escapable {
    /// The payload, borrowed from the receive ring.
    public let payload: RawSpan
    @usableFromInline let slot: UnsafePointer<ReceiveSlot>
    @usableFromInline let ring: UnsafeMutablePointer<RingState>

    @_lifetime(borrow slot)
    @inlinable @inline(__always)
    init(slot: UnsafePointer<ReceiveSlot>, ring: UnsafeMutablePointer<RingState>) {
        // SAFETY: the world keeps the slot and its payload in place until the batch has been delivered; the batch this
        // view is made from is what its lifetime is tied to.
        let payload = unsafe RawSpan(_unsafeStart: slot.pointee.payload, byteCount: Int(slot.pointee.count))
        unsafe self.payload = _overrideLifetime(payload, borrowing: slot)
        unsafe self.slot = slot
        unsafe self.ring = ring
    }
}

extension Datagram {
    /// The payload as bytes that can be read safely by index.
    @inlinable public var bytes: Span<UInt8> {
        @_lifetime(copy self)
        get { unsafe _overrideLifetime(payload.bytes, copying: self) }
    }

    /// Bytes of payload received: 0 for a zero-length datagram, which is a datagram like any other.
    @inlinable public var count: Int { payload.byteCount }

    /// Who sent it; ``SocketAddress/unspecified`` on a Unix endpoint (see ``unixSource``).
    ///
    /// On an IPv6 endpoint an IPv4 peer appears as an IPv4-mapped address (`::ffff:192.0.2.1`).
    @inlinable public var source: SocketAddress {
        // SAFETY: behind `source` of an IP datagram lies a whole SocketAddress, whose layout is the kernel's.
        unsafe ring.pointee.addressing == .unix
            ? .unspecified : slot.pointee.head.pointee.source.assumingMemoryBound(to: SocketAddress.self).pointee
    }

    /// Who sent it, on a Unix endpoint: a path, an abstract name, or nobody named; `nil` on an IP endpoint.
    public var unixSource: UnixAddress? {
        guard unsafe ring.pointee.addressing == .unix else { return nil }
        // SAFETY: the kernel wrote `sourceLength` bytes of sockaddr_un into the head's own name area.
        let head = unsafe slot.pointee.head
        let name = unsafe RawSpan(_unsafeStart: head.pointee.source, byteCount: Int(head.pointee.sourceLength))
        return (try? UnixAddress(kernelBytes: name)) ?? .unnamed
    }

    /// The address it was sent to: known on wildcard binds and wherever it was asked for, otherwise `nil`.
    @inlinable public var localAddress: IPAddress? {
        unsafe slot.pointee.head.pointee.local.isKnown ? slot.pointee.head.pointee.local.ip : nil
    }

    /// The index of the interface it came in on; 0 where ``localAddress`` is not known.
    @inlinable public var interfaceIndex: UInt32 { unsafe slot.pointee.head.pointee.local.interfaceIndex }

    /// When it arrived: the capture's time offline, the kernel's where it was asked for, otherwise `nil`.
    @inlinable public var timestamp: WallClockTime? {
        let nanoseconds = unsafe slot.pointee.head.pointee.timestamp
        return nanoseconds == .min ? nil : WallClockTime(nanosecondsSinceEpoch: nanoseconds)
    }

    /// Its congestion mark; `nil` unless asked for.
    @inlinable public var ecn: ECN? {
        let value = unsafe slot.pointee.head.pointee.trafficClass
        return value < 0 ? nil : ECN(rawValue: UInt8(truncatingIfNeeded: value & 3))
    }

    /// Its differentiated services codepoint, 0…63; `nil` unless asked for.
    @inlinable public var dscp: UInt8? {
        let value = unsafe slot.pointee.head.pointee.trafficClass
        return value < 0 ? nil : UInt8(truncatingIfNeeded: value) >> 2
    }

    /// What is left of its hops (IPv4 TTL, IPv6 hop limit); `nil` unless asked for.
    @inlinable public var hopLimit: UInt8? {
        let value = unsafe slot.pointee.head.pointee.hopLimit
        return value < 0 ? nil : UInt8(truncatingIfNeeded: value)
    }

    /// How many datagrams the kernel dropped between the one before and this one; 0 unless asked for.
    ///
    /// On an endpoint that receives trains (`UDP_GRO`) a dropped train counts as one.
    /// What is dropped after the last one received is only in `DatagramStatistics.kernelDrops`.
    @inlinable public var dropsBefore: UInt32 { unsafe slot.pointee.head.pointee.dropsBefore }

    /// Whether it was longer than the receive slot, so that ``payload`` is only its beginning.
    @inlinable public var isTruncated: Bool { flags.contains(.truncated) }

    /// What the kernel says about it beside its bytes.
    @inlinable public var flags: DatagramFlags { unsafe slot.pointee.flags }
}

extension Datagram {
    /// Answers: sends `payload` back to the source, from the address this datagram was sent to.
    ///
    /// An echo of ``payload`` is sent from where it lies; other bytes are copied into the send ring.
    /// After `close()` or `abort()` the reply is dropped and counted.
    @inlinable @inline(__always)
    public func reply(_ payload: RawSpan) {
        // SAFETY: the ring copies the bytes unless they lie in the receive ring, which outlives the flush.
        unsafe payload.withUnsafeBytes { unsafe ring.reply($0, to: slot) }
    }

    /// Answers with the bytes of an array.
    @inlinable
    public func reply(_ bytes: [UInt8]) {
        reply(RawSpan(bytes.span))
    }

    /// Answers with what `body` writes straight into the send ring.
    ///
    /// - Parameters:
    ///   - capacity: the most bytes `body` may write, 0…65,535 (on a Unix endpoint, up to the ring's arena).
    ///   - body: appends the reply; writing nothing sends an empty datagram. If it throws, nothing is sent. To append more
    ///     than `capacity` bytes is a programming error and traps; `output.write { … }` throws instead.
    /// - Throws: what `body` throws.
    @inlinable @inline(__always)
    public func reply<Failure: Error>(
        capacity: Int, _ body: (inout OutputRawSpan) throws(Failure) -> Void
    ) throws(Failure) {
        // SAFETY: the reservation belongs to this call alone until it is committed or given back.
        guard let start = unsafe ring.reserve(capacity) else { return }
        let buffer = unsafe UnsafeMutableRawBufferPointer(start: start, count: capacity)
        var output = unsafe OutputRawSpan(buffer: buffer, initializedCount: 0)
        do throws(Failure) {
            try body(&output)
        } catch {
            _ = unsafe output.finalize(for: buffer)
            unsafe ring.endReservation(start, capacity: capacity, keeping: 0)
            throw error
        }
        let count = unsafe output.finalize(for: buffer)
        unsafe ring.commitReply(start, count: count, capacity: capacity, to: slot)
    }
}
