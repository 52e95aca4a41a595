internal import CVolley
internal import Glibc
internal import VolleyCore

/// The memory one `recvmmsg` fills: headers, names, control areas and payload slots, allocated once.
///
/// The headers are set up here and never again; a receive resets only what the kernel overwrites and then reads back.
@safe
struct ReceiveRing: ~Copyable {
    let capacity: Int
    let slotSize: Int
    let slots: UnsafeMutablePointer<ReceiveSlot>
    let slab: UnsafeMutableRawBufferPointer
    let headers: UnsafeMutablePointer<mmsghdr>
    private let vectors: UnsafeMutablePointer<iovec>
    private let names: UnsafeMutableRawPointer
    private let nameStride: Int
    /// Nil when no metadata was asked for: then the kernel writes none, and nothing need be reset.
    private let controls: UnsafeMutableRawPointer?
    private static var controlSize: Int { 64 }
    private let addressing: SocketAddressing
    /// The last batch left flags in some slots.
    private let hasStaleFlags: UnsafeMutablePointer<Bool>

    init(capacity: Int, slotSize: Int, addressing: SocketAddressing, wantsControl: Bool) {
        self.capacity = capacity
        self.slotSize = slotSize
        self.addressing = addressing
        nameStride = addressing.nameStride
        // Slots of a power of two would put every payload into the same few cache sets; a line more spreads them.
        let stride = slotSize + 64
        // SAFETY: all of it is owned by this value, freed in deinit, and never moves.
        unsafe slab = .allocate(byteCount: capacity * stride, alignment: 4096)
        unsafe headers = .allocate(capacity: capacity)
        unsafe vectors = .allocate(capacity: capacity)
        unsafe names = .allocate(byteCount: capacity * nameStride, alignment: 8)
        unsafe names.initializeMemory(as: UInt8.self, repeating: 0, count: capacity * nameStride)
        unsafe controls = wantsControl ? .allocate(byteCount: capacity * Self.controlSize, alignment: 8) : nil
        unsafe hasStaleFlags = .allocate(capacity: 1)
        unsafe hasStaleFlags.initialize(to: false)
        unsafe slots = .allocate(capacity: capacity)
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
                unsafe header.msg_control = controls + index * Self.controlSize
                unsafe header.msg_controllen = Self.controlSize
            }
            unsafe (headers + index).initialize(to: mmsghdr(msg_hdr: header, msg_len: 0))
            unsafe (slots + index).initialize(to: ReceiveSlot(payload: payload, source: UnsafeRawPointer(name)))
            // An IP socket's names always have its family's length.
            unsafe slots[index].sourceLength = addressing == .ipv6 ? 28 : 16
        }
    }

    deinit {
        unsafe slab.deallocate()
        unsafe headers.deallocate()
        unsafe vectors.deallocate()
        unsafe names.deallocate()
        unsafe controls?.deallocate()
        unsafe hasStaleFlags.deallocate()
        unsafe slots.deallocate()
    }

    /// What one receive brought, beside the slots it filled.
    struct Summary {
        var bytes = 0
        var truncated = 0
        var controlTruncated = 0
    }

    /// Turns the first `count` headers, as the kernel left them, into receive slots, and readies them for the next call.
    func collect(_ count: Int) -> Summary {
        var summary = Summary()
        var flags: CInt = 0
        for index in 0..<count {
            // SAFETY: the kernel filled `count <= capacity` headers; without MSG_TRUNC among the flags of the call, no
            // length it gives exceeds the slot's.
            let length = unsafe headers[index].msg_len
            unsafe slots[index].count = length
            summary.bytes &+= Int(length)
            unsafe flags |= headers[index].msg_hdr.msg_flags
        }
        // What is rare, or costs only those who asked for it, has passes of its own.
        let isIncomplete = flags & CInt(MSG_TRUNC | MSG_CTRUNC) != 0
        if unsafe isIncomplete || hasStaleFlags.pointee { collectFlags(count, into: &summary) }
        unsafe hasStaleFlags.pointee = isIncomplete
        if unsafe controls != nil { collectControl(count) }
        if addressing == .unix { collectNames(count) }
        return summary
    }

    private func collectFlags(_ count: Int, into summary: inout Summary) {
        for index in 0..<capacity {
            // SAFETY: as above; slots beyond `count` only lose the flags of an earlier batch.
            let bits = unsafe index < count ? headers[index].msg_hdr.msg_flags : 0
            var flags: DatagramFlags = []
            if bits & CInt(MSG_TRUNC) != 0 {
                flags.insert(.truncated)
                summary.truncated += 1
            }
            if bits & CInt(MSG_CTRUNC) != 0 {
                flags.insert(.controlTruncated)
                summary.controlTruncated += 1
            }
            unsafe slots[index].flags = flags
        }
    }

    /// Reads the local addresses.
    ///
    /// A connected socket of one peer needs none, and has no control area.
    private func collectControl(_ count: Int) {
        for index in 0..<count {
            // SAFETY: the header's control area is ours and as long as the kernel says.
            let info = unsafe volley_read_pktinfo(&headers[index].msg_hdr)
            unsafe slots[index].local = LocalAddress(info)
            unsafe headers[index].msg_hdr.msg_controllen = Self.controlSize
        }
    }

    /// Reads the lengths of Unix names: other families' are always the same.
    private func collectNames(_ count: Int) {
        for index in 0..<count {
            unsafe slots[index].sourceLength = headers[index].msg_hdr.msg_namelen
            unsafe headers[index].msg_hdr.msg_namelen = UInt32(nameStride)
        }
    }
}

extension LocalAddress {
    /// The local end that IP_PKTINFO or IPV6_PKTINFO names; unknown when the message had neither.
    init(_ info: volley_pktinfo) {
        // SAFETY: the address is 16 bytes, of which IPv4 uses the first 4.
        let ip = unsafe withUnsafeBytes(of: info.address) { bytes in
            switch Int(info.family) {
            case Int(AF_INET): unsafe IPAddress(v4: UInt32(bigEndian: bytes.load(as: UInt32.self)))
            case Int(AF_INET6):
                unsafe IPAddress(
                    v6High: UInt64(bigEndian: bytes.loadUnaligned(as: UInt64.self)),
                    low: UInt64(bigEndian: bytes.loadUnaligned(fromByteOffset: 8, as: UInt64.self)))
            default: IPAddress(v4: 0)
            }
        }
        self.init(ip: ip, interfaceIndex: info.interface_index)
    }
}
