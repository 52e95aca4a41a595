internal import CVolley
internal import Glibc
internal import Synchronization
internal import SystemPackage
internal import VolleyCore

/// One end of a hand-over's connection: messages and descriptors, without ever blocking.
struct HandoverChannel: ~Copyable {
    private let owned: OwnedDescriptor
    var descriptor: CInt { owned.rawValue }

    init(_ owned: consuming OwnedDescriptor) { self.owned = owned }

    /// What came.
    enum Arrival {
        case message(HandoverMessage, descriptors: [SharedDescriptor])
        /// Nothing yet.
        case none
        /// The other end is closed, and everything it sent has been read.
        case end
    }

    /// Sends a message, along with descriptors that stay the sender's.
    ///
    /// - Throws: `peerGone` when the other end is closed; `systemCall` for anything else. The few messages there are
    ///   always have room.
    func send(_ message: HandoverMessage, descriptors: [CInt] = []) throws(LifecycleError) {
        let bytes = message.bytes
        var result = 0
        repeat {
            // SAFETY: the call only reads the two arrays, which say how long they are.
            result = unsafe volley_send_packet(descriptor, bytes, bytes.count, descriptors, CInt(descriptors.count))
        } while result < 0 && errno == EINTR
        guard result < 0 else { return }
        let number = errno
        if number == EPIPE || number == ECONNRESET || number == ENOTCONN { throw Self.peerGone }
        throw LifecycleError(systemCall: "sendmsg", number, at: "the hand-over")
    }

    /// Receives a message if there is one.
    ///
    /// Descriptors that come with what is no message are closed.
    func receive() throws(LifecycleError) -> Arrival {
        var bytes = [UInt8](repeating: 0, count: HandoverMessage.countMax + 1)
        var numbers = [CInt](repeating: -1, count: Int(VOLLEY_DESCRIPTORS_MAX))
        var (count, flags): (CInt, CInt) = (0, 0)
        var result = 0
        repeat {
            // SAFETY: the arrays are as long as the call is told, and as it demands.
            result = unsafe volley_receive_packet(descriptor, &bytes, bytes.count, &numbers, &count, &flags)
            // ECONNRESET only says, once, that the other end closed without reading everything; what it sent before
            // that is still there, and decides.
        } while result < 0 && (errno == EINTR || errno == ECONNRESET)
        let number = errno
        guard result >= 0 else {
            if number == EAGAIN { return .none }
            throw LifecycleError(systemCall: "recvmsg", number, at: "the hand-over")
        }
        let descriptors = numbers.prefix(Int(count)).map { SharedDescriptor($0) }
        // Sequenced packets of no bytes are never sent here, so this is the end.
        if result == 0 { return .end }
        if flags & CInt(MSG_TRUNC | MSG_CTRUNC) != 0 {
            // MSG_CTRUNC: most likely this process may not have that many descriptors open.
            throw LifecycleError(
                .malformedMessage,
                "a hand-over message did not arrive whole; is the limit of open files (ulimit -n) large enough?")
        }
        return .message(try HandoverMessage(bytes: Array(bytes.prefix(result))), descriptors: descriptors)
    }

    /// Ends both directions; what has arrived already can still be received.
    func shutDown() { _ = shutdown(descriptor, CInt(SHUT_RDWR)) }

    /// Checks that the other end is the same user as this process, or root, and says which process it is.
    ///
    /// The kernel vouches for both as of the other's `connect` or `listen` (`SO_PEERCRED`).
    func authenticate() throws(LifecycleError) -> CInt {
        var credentials = volley_credentials()
        // SAFETY: the call only writes `credentials`.
        guard unsafe volley_peer_credentials(descriptor, &credentials) == 0 else {
            throw LifecycleError(systemCall: "getsockopt(SO_PEERCRED)", errno, at: "the hand-over")
        }
        guard credentials.user == geteuid() || credentials.user == 0 else {
            throw LifecycleError(
                .wrongUser,
                "process \(credentials.process) runs as user \(credentials.user), not as \(geteuid()) or root")
        }
        return credentials.process
    }

    static var peerGone: LifecycleError {
        LifecycleError(.peerGone, "the other process has closed the connection of the hand-over")
    }
}

/// A descriptor with several holders, closed by the last unless it has been taken.
final class SharedDescriptor: Sendable {
    let rawValue: CInt
    private let isTaken = Atomic(false)

    init(_ rawValue: CInt) { self.rawValue = rawValue }

    deinit { if !isTaken.load(ordering: .acquiring) { System.close(rawValue) } }

    /// Gives the descriptor to one owner; nobody may use this object any more.
    func take() -> OwnedDescriptor {
        isTaken.store(true, ordering: .releasing)
        return OwnedDescriptor(rawValue)
    }
}
