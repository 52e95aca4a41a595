internal import CVolley
internal import Glibc
internal import VolleyCore

/// The headers one `sendmmsg` is given: made once, filled in from the send ring for each call.
///
/// Without segmentation each datagram is a message. With it (`UDP_SEGMENT`), datagrams of one length that follow each
/// other to one peer are one message, a train, which the kernel takes apart as late as it can: the order of datagrams
/// and their boundaries stay as they are. See `SendHeaders+Trains.swift`.
@safe
struct SendHeaders: ~Copyable {
    let headers: UnsafeMutablePointer<mmsghdr>
    let vectors: UnsafeMutablePointer<iovec>
    let controls: UnsafeMutableRawPointer
    /// Where each message's datagrams end: how many slots it and those before it stand for.
    let ends: UnsafeMutablePointer<Int>
    let capacity: Int
    let addressing: SocketAddressing
    /// A connected socket takes no names.
    let isConnected: Bool
    let isMappedPeer: Bool
    /// Behind a pointer, since the headers are a constant of the class that has them.
    let segmentation: UnsafeMutablePointer<Segmentation>

    init(capacity: Int, addressing: SocketAddressing, remote: SocketAddress?, isConnected: Bool, segmentsMax: Int) {
        self.capacity = capacity
        self.addressing = addressing
        self.isConnected = isConnected
        isMappedPeer = remote?.ip.isIPv4Mapped ?? false
        let controlSize = Int(VOLLEY_SEND_CONTROL_SIZE)
        // SAFETY: all of it is owned by this value, freed in deinit, and never moves.
        unsafe headers = .allocate(capacity: capacity)
        unsafe vectors = .allocate(capacity: capacity)
        unsafe ends = .allocate(capacity: capacity)
        unsafe controls = .allocate(byteCount: capacity * controlSize, alignment: 8)
        unsafe controls.initializeMemory(as: UInt8.self, repeating: 0, count: capacity * controlSize)
        unsafe segmentation = .allocate(capacity: 1)
        unsafe segmentation.initialize(
            to: Segmentation(segmentsMax: segmentsMax, bytesMax: addressing == .ipv6 ? 65_487 : 65_507))
        reset()
    }

    /// Makes every header one of a single datagram, with nothing in it that `fill` does not fill in.
    func reset() {
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
        unsafe ends.deallocate()
        unsafe controls.deallocate()
        unsafe segmentation.deallocate()
    }

    /// Fills in headers for the first `count` slots, at most the capacity, and returns how many messages that makes.
    ///
    /// - Parameter hasControls: whether any slot may have a control that is not all default.
    func fill(from slots: UnsafePointer<SendSlot>, count: Int, hasControls: Bool) -> Int {
        let count = min(count, capacity)
        if unsafe segmentation.pointee.isOn {
            return unsafe fillTrains(from: slots, count: count, hasControls: hasControls)
        }
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
            if addressing == .unix {
                for index in 0..<count {
                    unsafe headers[index].msg_hdr.msg_namelen = slots[index].destinationLength
                }
            }
        }
        if hasControls {
            for index in 0..<count { unsafe fillControl(index, from: slots[index], segment: 0) }
        }
        return count
    }

    /// Writes the control messages of message `index`.
    func fillControl(_ index: Int, from slot: SendSlot, segment: UInt32) {
        // SAFETY: each header has VOLLEY_SEND_CONTROL_SIZE bytes of its own, which all four messages fit.
        let start = unsafe controls + index * Int(VOLLEY_SEND_CONTROL_SIZE)
        var size = 0
        if segment > 0 { size += unsafe volley_write_segment_size(start, UInt16(truncatingIfNeeded: segment)) }
        if let control = unsafe slot.control?.pointee, !control.isDefault {
            size += unsafe write(control, at: start + size, to: slot.destination)
        }
        unsafe headers[index].msg_hdr.msg_control = size > 0 ? start : nil
        unsafe headers[index].msg_hdr.msg_controllen = size
    }

    private func write(
        _ control: SendControl, at start: UnsafeMutableRawPointer, to destination: UnsafeRawPointer?
    ) -> Int {
        var size = 0
        // What was sent to a group (IPv6 names it as the local address) is answered from an address of the kernel's
        // choice: nothing can come from a group. A link-local peer's own scope says by which interface.
        if control.local.isKnown && !control.local.ip.isMulticast {
            let local = control.local
            // The interface only where the address needs one, so that the routing table stays in charge otherwise.
            let interface = local.ip.isIPv6 && local.ip.isLinkLocal ? local.interfaceIndex : 0
            var address = (local.ip.high.bigEndian, local.ip.low.bigEndian)
            if !local.ip.isIPv6 { address.0 = UInt64(UInt32(truncatingIfNeeded: local.ip.low).bigEndian) }
            // SAFETY: an address is 16 bytes; an IPv4 address is its first 4, which are the low ones of the first half.
            size += unsafe withUnsafeBytes(of: address) { bytes in
                unsafe volley_write_source(
                    start, local.ip.isIPv6 ? 1 : 0,
                    bytes.baseAddress.unsafelyUnwrapped.assumingMemoryBound(to: UInt8.self), interface)
            }
        }
        if control.trafficClass >= 0 {
            // An IPv6 socket sends to a mapped address by IPv4, and then takes IPv4's option.
            let isIPv6 = unsafe addressing == .ipv6 && !(isConnected ? isMappedPeer : isMapped(destination))
            size += unsafe volley_write_traffic_class(start + size, isIPv6 ? 1 : 0, CInt(control.trafficClass))
        }
        if control.transmitTime > 0 {
            size += unsafe volley_write_transmit_time(start + size, control.transmitTime)
        }
        return size
    }

    private func isMapped(_ destination: UnsafeRawPointer?) -> Bool {
        // SAFETY: a destination of an IPv6 socket is a whole SocketAddress.
        unsafe destination?.assumingMemoryBound(to: SocketAddress.self).pointee.ip.isIPv4Mapped ?? false
    }
}
