internal import CVolley
internal import Glibc
internal import VolleyCore

/// The headers one `sendmmsg` is given: made once, filled in from the send ring for each call.
@safe
struct SendHeaders: ~Copyable {
    let headers: UnsafeMutablePointer<mmsghdr>
    private let capacity: Int
    private let vectors: UnsafeMutablePointer<iovec>
    /// Nil where replies need no source address of their own.
    private let controls: UnsafeMutableRawPointer?
    /// A connected socket takes no names.
    private let isConnected: Bool
    /// Unix names differ in length; an IP family's are set once.
    private let hasNamesOfAnyLength: Bool

    init(capacity: Int, addressing: SocketAddressing, isConnected: Bool, wantsControl: Bool) {
        self.capacity = capacity
        self.isConnected = isConnected
        hasNamesOfAnyLength = addressing == .unix
        let controlSize = Int(VOLLEY_CONTROL_SIZE)
        // SAFETY: all of it is owned by this value, freed in deinit, and never moves.
        unsafe headers = .allocate(capacity: capacity)
        unsafe vectors = .allocate(capacity: capacity)
        unsafe controls = wantsControl ? .allocate(byteCount: capacity * controlSize, alignment: 8) : nil
        unsafe controls?.initializeMemory(as: UInt8.self, repeating: 0, count: capacity * controlSize)
        for index in 0..<capacity {
            var header = unsafe msghdr()
            unsafe header.msg_iov = vectors + index
            unsafe header.msg_iovlen = 1
            if !isConnected && addressing != .unix { unsafe header.msg_namelen = addressing == .ipv6 ? 28 : 16 }
            unsafe (vectors + index).initialize(to: iovec())
            unsafe (headers + index).initialize(to: mmsghdr(msg_hdr: header, msg_len: 0))
        }
    }

    deinit {
        unsafe headers.deallocate()
        unsafe vectors.deallocate()
        unsafe controls?.deallocate()
    }

    /// Fills in the first `count` headers, at most the capacity, and returns how many that are.
    func fill(from slots: UnsafePointer<SendSlot>, count: Int) -> Int {
        let count = min(count, capacity)
        let (headers, vectors) = unsafe (headers, vectors)
        // SAFETY: `slots` has `count` initialised slots; the kernel only reads through their pointers.
        for index in 0..<count {
            unsafe vectors[index].iov_base = UnsafeMutableRawPointer(mutating: slots[index].payload)
            unsafe vectors[index].iov_len = Int(slots[index].count)
        }
        if !isConnected {
            for index in 0..<count {
                unsafe headers[index].msg_hdr.msg_name = UnsafeMutableRawPointer(mutating: slots[index].destination)
            }
            if hasNamesOfAnyLength {
                for index in 0..<count {
                    unsafe headers[index].msg_hdr.msg_namelen = slots[index].destinationLength
                }
            }
        }
        if unsafe controls != nil { unsafe fillControls(from: slots, count: count) }
        return count
    }

    private func fillControls(from slots: UnsafePointer<SendSlot>, count: Int) {
        guard let controls = unsafe controls else { return }
        for index in 0..<count {
            // SAFETY: each header has VOLLEY_CONTROL_SIZE bytes of its own in `controls`.
            if let local = unsafe slots[index].local, unsafe local.pointee.isKnown {
                let control = unsafe controls + index * Int(VOLLEY_CONTROL_SIZE)
                var info = unsafe volley_pktinfo(local.pointee)
                unsafe headers[index].msg_hdr.msg_control = control
                unsafe headers[index].msg_hdr.msg_controllen = volley_write_pktinfo(control, &info)
            } else {
                unsafe headers[index].msg_hdr.msg_control = nil
                unsafe headers[index].msg_hdr.msg_controllen = 0
            }
        }
    }
}

extension volley_pktinfo {
    /// What makes a datagram leave from `local`: its address, and the interface only if the address is link-local,
    /// so that the routing table stays in charge of everything else.
    ///
    /// What was sent to a group (IPv6 names it as the local address) is answered from an address of the kernel's choice:
    /// nothing can come from a group. A link-local peer's own scope says by which interface.
    init(_ local: LocalAddress) {
        self.init()
        if local.ip.isIPv6, local.ip.isMulticast {
            family = UInt32(AF_INET6)
            return
        }
        family = UInt32(local.ip.isIPv6 ? AF_INET6 : AF_INET)
        interface_index = local.ip.isIPv6 && local.ip.isLinkLocal ? local.interfaceIndex : 0
        let (first, second) =
            local.ip.isIPv6
            ? (local.ip.high.bigEndian, local.ip.low.bigEndian)
            : (UInt64(UInt32(truncatingIfNeeded: local.ip.low).bigEndian), 0)
        // SAFETY: the address is 16 bytes; an IPv4 address is its first 4, which are the low ones of `first`.
        unsafe withUnsafeMutableBytes(of: &address) { bytes in
            unsafe bytes.storeBytes(of: first, as: UInt64.self)
            unsafe bytes.storeBytes(of: second, toByteOffset: 8, as: UInt64.self)
        }
    }
}
