internal import CVolley
internal import Glibc
internal import SystemPackage
internal import VolleyCore

/// What is known about sending trains on one socket.
struct Segmentation {
    /// The most datagrams of one train; under 2 when trains are off.
    var segmentsMax: Int
    /// The most bytes of payload of one train: what the lengths of UDP and IP can say.
    let bytesMax: Int
    /// The longest datagram that may be in one: beyond the path's MTU the kernel refuses a train, but sends a single
    /// datagram in fragments.
    var segmentMax: UInt32 = 65_535

    /// The last train met an `EMSGSIZE` that may have been an earlier datagram's.
    var isSuspicious = false

    var isOn: Bool { segmentsMax > 1 }

    /// The length every path takes (RFC 8200 section 5, less 48 bytes of headers): an `EINVAL` for segments of this
    /// length is not about the MTU.
    private static let segmentAlwaysFits: UInt32 = 1232

    /// Takes note that the kernel has refused a train of segments of this length, whose datagrams then go singly.
    ///
    /// `EMSGSIZE`, and before Linux 6.14 `EINVAL`, say that a segment is too long for the path. `EIO` says that what
    /// the route leads to cannot do it; then, and on any other `EINVAL`, no train is tried again on this socket.
    mutating func noteRefusal(_ errno: Errno, segment: UInt32) {
        let isTooLong = errno == .messageTooLong || (errno == .invalidArgument && segment > Self.segmentAlwaysFits)
        if isTooLong { segmentMax = segment - 1 } else { segmentsMax = 0 }
    }
}

extension SendHeaders {
    /// As ``fill(from:count:hasControls:)``, with trains where neighbours have peer, control and length in common.
    func fillTrains(from slots: UnsafePointer<SendSlot>, count: Int, hasControls: Bool) -> Int {
        let limits = unsafe segmentation.pointee
        // SAFETY: `slots` has `count` initialised slots; there are never more messages or vectors than slots, of which
        // there is room for as many. The kernel only reads through their pointers.
        let stop = unsafe slots + count
        var slot = unsafe slots
        var vector = unsafe vectors
        var header = unsafe headers
        var message = 0
        while unsafe slot < stop {
            let first = unsafe slot
            unsafe header.pointee.msg_hdr.msg_iov = vector
            unsafe vector.initialize(to: iovec(first.pointee))
            unsafe slot += 1
            if unsafe slot < stop && first.pointee.count &- 1 < limits.segmentMax {
                let segments = unsafe min(limits.segmentsMax, limits.bytesMax / Int(first.pointee.count))
                let train = unsafe Train(first, end: min(stop, first + segments), of: self, hasControls: hasControls)
                unsafe slot = train.couple(&vector)
            }
            unsafe vector += 1
            unsafe header.pointee.msg_hdr.msg_iovlen = vector - header.pointee.msg_hdr.msg_iov
            if !isConnected {
                unsafe header.pointee.msg_hdr.msg_name = UnsafeMutableRawPointer(mutating: first.pointee.destination)
            }
            let isTrain = unsafe slot - first > 1
            if unsafe isTrain || hasControls || header.pointee.msg_hdr.msg_controllen > 0 {
                unsafe fillControl(message, from: first.pointee, segment: isTrain ? first.pointee.count : 0)
            }
            unsafe ends[message] = slot - slots
            unsafe header += 1
            message &+= 1
        }
        return message
    }

    /// How many slots the first `messages` messages stand for.
    func slotCount(of messages: Int) -> Int { unsafe ends[messages - 1] }

    /// How many of the first `messages` messages are trains.
    func trainCount(of messages: Int) -> Int {
        var (count, start) = (0, 0)
        for message in 0..<messages {
            if unsafe ends[message] - start > 1 { count += 1 }
            unsafe start = ends[message]
        }
        return count
    }

    /// Whether the first message is a train and `errno` may say that it cannot go as one; see ``Segmentation``.
    func mayRefuseTrain(_ errno: Errno) -> Bool {
        let isTrain = unsafe segmentation.pointee.isOn && ends[0] > 1
        return isTrain && (errno == .messageTooLong || errno == .invalidArgument || errno == .ioError)
    }

    /// Takes note that the first message, a train, was refused as such.
    func noteRefusedTrain(_ errno: Errno) {
        unsafe segmentation.pointee.noteRefusal(errno, segment: firstSegment)
        if unsafe !segmentation.pointee.isOn { reset() }
    }

    /// The segment length of the first message, as its control message says.
    private var firstSegment: UInt32 {
        // SAFETY: a train's control area begins with UDP_SEGMENT: a header and 2 bytes.
        unsafe UInt32((controls + MemoryLayout<cmsghdr>.size).load(as: UInt16.self))
    }
}

/// What may become a train: its first datagram, which says what others must have in common with it.
@unsafe
private struct Train {
    private let first: UnsafePointer<SendSlot>
    /// Where it must end for the limits' sake.
    private let end: UnsafePointer<SendSlot>
    private let addressing: SocketAddressing
    private let isConnected: Bool
    private let hasControls: Bool

    @inline(__always)
    init(
        _ first: UnsafePointer<SendSlot>, end: UnsafePointer<SendSlot>, of headers: borrowing SendHeaders,
        hasControls: Bool
    ) {
        unsafe self.first = first
        unsafe self.end = end
        unsafe addressing = headers.addressing
        unsafe isConnected = headers.isConnected
        unsafe self.hasControls = hasControls
    }

    /// Couples the datagrams behind the first to it, as far as they fit; returns where the next message begins.
    ///
    /// The common cases have loops of their own, in which what does not vary is not asked again.
    @inline(__always)
    func couple(_ vector: inout UnsafeMutablePointer<iovec>) -> UnsafePointer<SendSlot> {
        if unsafe hasControls { return unsafe couple(&vector) { unsafe isSamePeer($0) && isSameControl($0) } }
        if unsafe isConnected { return unsafe couple(&vector) { _ in true } }
        if unsafe addressing == .ipv6 { return unsafe couple(&vector) { unsafe isSamePeer($0) } }
        // SAFETY: an unconnected IP socket's slots have a name each, in a place aligned to 8 bytes, which are those of
        // sockaddr_in that say something.
        let name = unsafe first.pointee.destination.unsafelyUnwrapped.load(as: UInt64.self)
        return unsafe couple(&vector) { unsafe $0.pointee.destination.unsafelyUnwrapped.load(as: UInt64.self) == name }
    }

    @inline(__always)
    private func couple(
        _ vector: inout UnsafeMutablePointer<iovec>, where isAlike: (UnsafePointer<SendSlot>) -> Bool
    ) -> UnsafePointer<SendSlot> {
        let count = unsafe first.pointee.count
        var expected = unsafe first.pointee.payload + Int(count)
        var slot = unsafe first + 1
        while unsafe slot < end {
            let length = unsafe slot.pointee.count
            // A zero-length datagram can be no part of a train; the subtraction makes it too long.
            guard unsafe length &- 1 < count && isAlike(slot) else { break }
            let payload = unsafe slot.pointee.payload
            if unsafe payload == expected {
                unsafe vector.pointee.iov_len &+= Int(length)
            } else {
                unsafe vector += 1
                unsafe vector.initialize(to: iovec(slot.pointee))
            }
            unsafe expected = payload + Int(length)
            unsafe slot += 1
            // Only the last of a train may be shorter than the first.
            if length != count { break }
        }
        return unsafe slot
    }

    @inline(__always)
    private func isSamePeer(_ slot: UnsafePointer<SendSlot>) -> Bool {
        if unsafe isConnected || slot.pointee.destination == first.pointee.destination { return true }
        // SAFETY: as above; sockaddr_in6 is 28 bytes, sockaddr_in 16.
        let name = unsafe first.pointee.destination.unsafelyUnwrapped
        return unsafe memcmp(slot.pointee.destination.unsafelyUnwrapped, name, addressing == .ipv6 ? 28 : 16) == 0
    }

    private func isSameControl(_ slot: UnsafePointer<SendSlot>) -> Bool {
        if unsafe slot.pointee.control == first.pointee.control { return true }
        let control = unsafe first.pointee.control?.pointee ?? SendControl()
        return unsafe (slot.pointee.control?.pointee ?? SendControl()) == control
    }
}

extension iovec {
    fileprivate init(_ slot: SendSlot) {
        let payload = unsafe UnsafeMutableRawPointer(mutating: slot.payload)
        unsafe self.init(iov_base: payload, iov_len: Int(slot.count))
    }
}
