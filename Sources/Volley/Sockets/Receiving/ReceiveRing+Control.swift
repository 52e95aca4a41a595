internal import CVolley
internal import Glibc
internal import VolleyCore

/// Receiving with control messages: metadata, and trains that are split where they lie.
extension ReceiveRing {
    /// Collects the messages of `range` one by one: each may have control messages and so be a train.
    func collectWithControl(_ range: Range<Int>, into summary: inout Summary) {
        var metadata = volley_metadata()
        for index in range {
            // SAFETY: the kernel filled these headers, and their control areas as far as it says.
            let header = unsafe headers + index
            let length = unsafe header.pointee.msg_len
            let bits = unsafe header.pointee.msg_hdr.msg_flags & CInt(MSG_TRUNC | MSG_CTRUNC)
            var flags: DatagramFlags = []
            if bits != 0 {
                flags = summary.count(bits)
                unsafe state.pointee.hasStaleFlags = true
            }
            summary.bytes &+= Int(length)
            var segment: UInt32 = 0
            if unsafe header.pointee.msg_hdr.msg_controllen > 0 {
                unsafe metadata.drops = state.pointee.lastDrops
                unsafe volley_read_control(&header.pointee.msg_hdr, &metadata)
                if hasMetadata { unsafe heads[index].note(metadata, dropsSoFar: &state.pointee.lastDrops) }
                segment = metadata.segment_size
            }
            unsafe header.pointee.msg_hdr.msg_controllen = controlSize
            if segment == 0 || segment >= length {
                if unsafe summary.datagrams == state.pointee.slotCapacity { growSlots(to: summary.datagrams + 1) }
                unsafe slots[summary.datagrams] = ReceiveSlot(
                    payload: payload(of: index), count: length, flags: flags, head: heads + index)
                summary.datagrams &+= 1
            } else {
                split(index, length: Int(length), segment: Int(segment), flags: flags, into: &summary)
            }
        }
        if summary.trains > 0 {
            unsafe state.pointee.isAligned = false
        } else if unsafe !state.pointee.isAligned {
            align()
        }
    }

    /// Where the payload of a header's message lies.
    private func payload(of index: Int) -> UnsafeRawPointer {
        // SAFETY: every header has one vector, with a place in the slab.
        unsafe UnsafeRawPointer(headers[index].msg_hdr.msg_iov.pointee.iov_base.unsafelyUnwrapped)
    }

    /// Gives each header its slot back; those of a batch just collected are right already.
    private func align() {
        for index in 0..<capacity {
            // SAFETY: there are at least as many slots as headers.
            unsafe slots[index].payload = payload(of: index)
            unsafe slots[index].head = UnsafePointer(heads + index)
        }
        unsafe state.pointee.isAligned = true
    }

    /// Lays a slot over each datagram of a train: all of the same length but the last, which may be shorter.
    private func split(_ index: Int, length: Int, segment: Int, flags: DatagramFlags, into summary: inout Summary) {
        let first = summary.datagrams
        let segments = (length &+ segment &- 1) / segment
        if unsafe first + segments > state.pointee.slotCapacity { growSlots(to: first + segments) }
        // SAFETY: the header's place holds `length` bytes; there are slots for all segments.
        var payload = unsafe payload(of: index)
        let end = unsafe slots + (first + segments - 1)
        var slot = unsafe slots + first
        let head = unsafe UnsafePointer(heads + index)
        while unsafe slot < end {
            unsafe slot.initialize(to: ReceiveSlot(payload: payload, count: UInt32(segment), head: head))
            unsafe slot += 1
            unsafe payload += segment
        }
        // What did not fit the place is missing from the end of the last.
        unsafe slot.initialize(
            to: ReceiveSlot(
                payload: payload, count: UInt32(length - (segments - 1) * segment), flags: flags, head: head))
        summary.datagrams = first + segments
        summary.trains += 1
    }

    /// Makes room for at least `needed` slots; the ring begins with as many as trains usually bring.
    @inline(never)
    private func growSlots(to needed: Int) {
        let capacity = unsafe max(needed, state.pointee.slotCapacity * 2)
        let grown = UnsafeMutablePointer<ReceiveSlot>.allocate(capacity: capacity)
        // SAFETY: slots are trivial, and at least one is initialised; the others are before they are read.
        unsafe grown.initialize(repeating: slots[0], count: capacity)
        unsafe grown.update(from: slots, count: state.pointee.slotCapacity)
        unsafe state.pointee.slots.deallocate()
        unsafe state.pointee.slots = grown
        unsafe state.pointee.slotCapacity = capacity
    }
}

extension ReceiveHead {
    /// Takes over what the control messages say.
    fileprivate mutating func note(_ metadata: volley_metadata, dropsSoFar: inout UInt32) {
        unsafe local = metadata.family == 0 ? .unknown : LocalAddress(metadata)
        unsafe trafficClass = metadata.traffic_class
        unsafe hopLimit = metadata.hop_limit
        unsafe timestamp = metadata.timestamp_ns
        // The counter runs modulo 2³², and so does the difference; what waited already when the endpoint began may be
        // behind it.
        let difference = Int32(bitPattern: metadata.drops &- dropsSoFar)
        unsafe dropsBefore = UInt32(max(0, difference))
        if difference > 0 { dropsSoFar = metadata.drops }
    }
}

extension LocalAddress {
    /// The local end that IP_PKTINFO or IPV6_PKTINFO names; unknown when the message had neither.
    fileprivate init(_ metadata: volley_metadata) {
        // SAFETY: the address is 16 bytes, of which IPv4 uses the first 4.
        let ip = unsafe withUnsafeBytes(of: metadata.address) { bytes in
            switch Int(metadata.family) {
            case Int(AF_INET): unsafe IPAddress(v4: UInt32(bigEndian: bytes.loadUnaligned(as: UInt32.self)))
            case Int(AF_INET6):
                unsafe IPAddress(
                    v6High: UInt64(bigEndian: bytes.loadUnaligned(as: UInt64.self)),
                    low: UInt64(bigEndian: bytes.loadUnaligned(fromByteOffset: 8, as: UInt64.self)))
            default: IPAddress(v4: 0)
            }
        }
        self.init(ip: ip, interfaceIndex: metadata.interface_index)
    }
}
