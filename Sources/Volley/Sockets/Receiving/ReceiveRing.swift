internal import CVolley
internal import Glibc
internal import VolleyCore

/// The memory one `recvmmsg` fills: headers, names, control areas and payload places, allocated once.
///
/// The headers are set up here and never again; a receive resets only what the kernel overwrites and then reads back.
/// Without control messages each header has one slot, which only needs a length. With them, and above all with trains
/// (`UDP_GRO`), the slots are laid out anew for each batch; see `ReceiveRing+Control.swift`.
@safe
struct ReceiveRing: ~Copyable {
    let capacity: Int
    let slab: UnsafeMutableRawBufferPointer
    let headers: UnsafeMutablePointer<mmsghdr>
    let heads: UnsafeMutablePointer<ReceiveHead>
    private let vectors: UnsafeMutablePointer<iovec>
    private let names: UnsafeMutableRawPointer
    private let nameStride: Int
    /// Nil when no metadata was asked for: then the kernel writes none, and nothing need be reset.
    private let controls: UnsafeMutableRawPointer?
    let controlSize: Int
    /// Whether control messages say anything that was asked for but the segment size.
    let hasMetadata: Bool
    private let addressing: SocketAddressing
    /// What changes: behind a pointer, since the ring is a constant of the class that has it.
    let state: UnsafeMutablePointer<State>

    @unsafe struct State {
        /// Each slot is that of the header with its number; a train upsets that.
        var isAligned = true
        /// The last batch left flags in some slots.
        var hasStaleFlags = false
        var slots: UnsafeMutablePointer<ReceiveSlot>
        var slotCapacity: Int
        /// The drop counter as the last message that had one gave it; at first, as the socket has it.
        var lastDrops: UInt32 = 0
    }
    var slots: UnsafeMutablePointer<ReceiveSlot> { unsafe state.pointee.slots }

    /// Makes room for `capacity` messages: payloads of `slotSize` bytes, control areas of `controlSize` bytes.
    ///
    /// `receivesTrains` says that a message may bring many datagrams.
    init(
        capacity: Int, slotSize: Int, addressing: SocketAddressing, controlSize: Int, hasMetadata: Bool,
        receivesTrains: Bool
    ) {
        self.hasMetadata = hasMetadata
        self.capacity = capacity
        self.addressing = addressing
        self.controlSize = controlSize
        nameStride = addressing.nameStride
        // Slots of a power of two would put every payload into the same few cache sets; a line more spreads them.
        let stride = slotSize + 64
        // SAFETY: all of it is owned by this value, freed in deinit, and never moves but for the slots, which only
        // `growSlots` replaces.
        unsafe slab = .allocate(byteCount: capacity * stride, alignment: 4096)
        unsafe headers = .allocate(capacity: capacity)
        unsafe vectors = .allocate(capacity: capacity)
        unsafe heads = .allocate(capacity: capacity)
        unsafe names = .allocate(byteCount: capacity * nameStride, alignment: 8)
        unsafe names.initializeMemory(as: UInt8.self, repeating: 0, count: capacity * nameStride)
        unsafe controls = controlSize > 0 ? .allocate(byteCount: capacity * controlSize, alignment: 8) : nil
        unsafe state = .allocate(capacity: 1)
        // Linux makes trains of up to 64; should more come, the slots grow.
        let slotCapacity = receivesTrains ? capacity * 64 : capacity
        unsafe state.initialize(to: State(slots: .allocate(capacity: slotCapacity), slotCapacity: slotCapacity))
        let base = unsafe slab.baseAddress.unsafelyUnwrapped
        for index in 0..<capacity {
            let payload = unsafe base + index * stride
            let name = unsafe names + index * nameStride
            unsafe vectors[index] = iovec(iov_base: payload, iov_len: slotSize)
            var header = unsafe msghdr()
            unsafe header.msg_name = name
            unsafe header.msg_namelen = UInt32(nameStride)
            unsafe header.msg_iov = vectors + index
            unsafe header.msg_iovlen = 1
            if let controls = unsafe controls {
                unsafe header.msg_control = controls + index * controlSize
                unsafe header.msg_controllen = controlSize
            }
            unsafe (headers + index).initialize(to: mmsghdr(msg_hdr: header, msg_len: 0))
            unsafe (heads + index).initialize(to: ReceiveHead(source: UnsafeRawPointer(name)))
            // An IP socket's names always have its family's length.
            unsafe heads[index].sourceLength = addressing == .ipv6 ? 28 : 16
            unsafe (slots + index).initialize(to: ReceiveSlot(payload: payload, head: heads + index))
        }
    }

    deinit {
        unsafe slab.deallocate()
        unsafe headers.deallocate()
        unsafe vectors.deallocate()
        unsafe heads.deallocate()
        unsafe names.deallocate()
        unsafe controls?.deallocate()
        unsafe slots.deallocate()
        unsafe state.deallocate()
    }

    /// What one receive brought, beside the slots it filled.
    struct Summary {
        /// Slots filled: the messages, or more where some were trains.
        var datagrams = 0
        var bytes = 0
        var trains = 0
        var truncated = 0
        var controlTruncated = 0
    }

    /// Turns the first `count` headers, as the kernel left them, into receive slots, and readies them for the next call.
    func collect(_ count: Int) -> Summary {
        // What most messages need: the length. What is rare, or costs only those who asked for it, has passes of its own.
        let plain = controlSize == 0 ? count : unsafe state.pointee.isAligned ? collectWithoutControl(count) : 0
        var summary = collectLengths(plain)
        if addressing == .unix { collectNames(count) }
        if plain < count { collectWithControl(plain..<count, into: &summary) }
        return summary
    }

    /// Reads the lengths of the first `count` messages.
    @inline(__always)
    private func collectLengths(_ count: Int) -> Summary {
        var summary = Summary()
        summary.datagrams = count
        var flags: CInt = 0
        let (headers, slots) = unsafe (headers, slots)
        for index in 0..<count {
            // SAFETY: the kernel filled `count <= capacity` headers; without MSG_TRUNC among the flags of the call, no
            // length it gives exceeds the place it was given.
            let length = unsafe headers[index].msg_len
            unsafe slots[index].count = length
            summary.bytes &+= Int(length)
            unsafe flags |= headers[index].msg_hdr.msg_flags
        }
        let isIncomplete = flags & CInt(MSG_TRUNC | MSG_CTRUNC) != 0
        if unsafe isIncomplete || state.pointee.hasStaleFlags { collectFlags(count, into: &summary) }
        unsafe state.pointee.hasStaleFlags = isIncomplete
        return summary
    }

    /// Readies the control areas of the messages that brought none, up to the first that did; returns its number.
    private func collectWithoutControl(_ count: Int) -> Int {
        var index = 0
        while index < count {
            // SAFETY: as above.
            let header = unsafe headers + index
            guard unsafe header.pointee.msg_hdr.msg_controllen == 0 else { break }
            unsafe header.pointee.msg_hdr.msg_controllen = controlSize
            index &+= 1
        }
        return index
    }

    private func collectFlags(_ count: Int, into summary: inout Summary) {
        for index in 0..<capacity {
            // SAFETY: as above; slots beyond `count` only lose the flags of an earlier batch.
            let bits = unsafe index < count ? headers[index].msg_hdr.msg_flags : 0
            unsafe slots[index].flags = summary.count(bits)
        }
    }

    /// Reads the lengths of Unix names: other families' are always the same.
    private func collectNames(_ count: Int) {
        for index in 0..<count {
            unsafe heads[index].sourceLength = headers[index].msg_hdr.msg_namelen
            unsafe headers[index].msg_hdr.msg_namelen = UInt32(nameStride)
        }
    }
}

extension ReceiveRing.Summary {
    /// Counts what the kernel said about a message that did not arrive whole, and translates it.
    mutating func count(_ bits: CInt) -> DatagramFlags {
        var flags: DatagramFlags = []
        if bits & CInt(MSG_TRUNC) != 0 {
            flags.insert(.truncated)
            truncated += 1
        }
        if bits & CInt(MSG_CTRUNC) != 0 {
            flags.insert(.controlTruncated)
            controlTruncated += 1
        }
        return flags
    }
}
